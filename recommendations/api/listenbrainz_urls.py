"""Those of ListenBrainz' addresses that answer with recommendations, with and without a slash at the end."""

from django.urls import re_path

from recommendations.api.listenbrainz_views import RecommendedRecordings

urlpatterns = [
    re_path(
        r"^cf/recommendation/user/(?P<username>[^/]+)/recording/?$",
        RecommendedRecordings.as_view(),
        name="recommended_recordings",
    ),
]
