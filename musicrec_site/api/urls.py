"""Version 1 of the JSON API: the only place where the version appears."""

from django.urls import include, path, re_path

from catalog.api.urls import song_urlpatterns
from musicrec_site.api.docs import Redoc, SchemaFile, Swagger
from musicrec_site.api.errors import answer_not_found

app_name = "api_v1"

urlpatterns = [
    path("schema/", SchemaFile.as_view(), name="schema"),
    path("docs/", Swagger.as_view(), name="swagger"),
    path("reference/", Redoc.as_view(), name="redoc"),
    path("", include("catalog.api.urls")),
    path("", include("recommendations.api.urls")),
    path("", include(song_urlpatterns)),
    re_path(r"^[\s\S]*$", answer_not_found),  # also an address with a line break
]
