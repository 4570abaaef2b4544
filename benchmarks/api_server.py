"""The site with an empty DRF view: the same authentication, permission and throttle, and nothing to do."""

import os

from django.core.wsgi import get_wsgi_application
from rest_framework.request import Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.api_settings")
application = get_wsgi_application()

from django.urls import include, path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Empty(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [path("empty/", Empty.as_view()), path("", include("musicrec_site.urls"))]
