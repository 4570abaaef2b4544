"""Pages about the API that work offline and under the site's Content-Security-Policy: no inline script, no web font."""

from typing import Any

from csp.decorators import csp_update
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView


# Making it takes half a second of processor, and strangers may ask for it.
@method_decorator([cache_page(600), vary_on_headers("Accept")], name="dispatch")
class SchemaFile(SpectacularAPIView):
    """The description as a file: YAML, or JSON with `?format=json`."""

    permission_classes = []
    authentication_classes = []
    throttle_classes = []


class _DocsPage(TemplateView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(schema_url=reverse("api_v1:schema"), **kwargs)


class Swagger(_DocsPage):
    """Try every operation."""

    template_name = "api/swagger.html"


# Redoc makes an empty style element and fills it by script. These are the hashes of nothing and of its one fixed
# style; no other inline style may come in by them.
REDOC_STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
]


@method_decorator(csp_update({"style-src": REDOC_STYLES}), name="dispatch")
class Redoc(_DocsPage):
    """Read about every operation."""

    template_name = "api/redoc.html"
