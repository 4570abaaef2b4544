"""Where every address of the site begins."""

from django.contrib import admin
from django.urls import include, path, re_path

from catalog import feeds
from catalog.listenbrainz.base_view import UnknownAddress
from catalog.listenbrainz.urls import urlpatterns as catalog_patterns
from musicrec_site.ops.metrics import serve_metrics
from musicrec_site.web.icon import serve_icon
from recommendations.api.listenbrainz_urls import urlpatterns as recommendation_patterns

# What needs recommendations comes first: the catalog's last pattern takes every other address.
listenbrainz_patterns = [*recommendation_patterns, *catalog_patterns]

urlpatterns = [
    path("metrics", serve_metrics, name="metrics"),
    path("favicon.ico", serve_icon),
    path("", include("accounts.urls")),  # before the admin, whose sign-in page it replaces
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("recommendations.urls")),
    path("api/v1/", include("musicrec_site.api.urls")),
    path("", include("recommendations.api.players.urls")),
    path("feeds/<str:username>.atom", feeds.serve_generated_feed, name="feed"),
    re_path(
        r"^playlist/(?P<playlist_id>[0-9a-f-]{36})\.(?P<file_format>jspf|m3u8)$",
        feeds.serve_playlist_file,
        name="playlist_file",
    ),
    # The second address is what players build from "https://host/apis/listenbrainz".
    *(
        path(prefix, include((listenbrainz_patterns, "listenbrainz"), namespace=namespace))
        for prefix, namespace in (
            ("1/", "listenbrainz"),
            ("apis/listenbrainz/1/", "listenbrainz_under_apis"),
        )
    ),
    re_path(r"^apis(/|$)", UnknownAddress.as_view()),
]

handler500 = "musicrec_site.web.error_pages.show_server_error"
