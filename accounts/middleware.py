"""What every answer of the site gets."""

from django.utils.cache import patch_vary_headers


class PrivateUnlessSaid:
    """Keep every page out of every cache unless its view says otherwise: nearly all of them are personal."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
            patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response
