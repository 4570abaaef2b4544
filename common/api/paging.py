"""Pages of lists that grow at the top while somebody reads them."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView


ADDRESSES = "https://your.host/api/v1/"


def convert_page_schema(described: dict[str, Any], following: str, previous: str) -> dict[str, Any]:
    """Return DRF's description of a page in the words of OpenAPI 3.1, which has no `nullable`."""
    for field, address in (("next", following), ("previous", previous)):
        described["properties"][field] = {
            "type": ["string", "null"],
            "format": "uri",
            "example": ADDRESSES + address,
        }
    return described


class Cursor(CursorPagination):
    """`?cursor=…` as `next` and `previous` give it; nothing is skipped or repeated when rows are added."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-moment", "-id")
    address = "me/history/"

    def paginate_queryset(
        self, queryset: Any, request: Request, view: "APIView | None" = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError):
            raise NotFound("The cursor is none that this address gave.") from None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        return convert_page_schema(
            described, f"{self.address}?cursor=cD00ODY%3D", f"{self.address}?cursor=cj0xJnA9NDg3"
        )
