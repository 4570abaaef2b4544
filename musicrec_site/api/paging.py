"""Pages of the API's lists."""

from typing import Any

from rest_framework.pagination import PageNumberPagination

from common.api.paging import convert_page_schema
from common.paging import BoundedPaginator


class Pages(PageNumberPagination):
    """`?page=2&page_size=50`; a larger page than 100 is answered with 100. Rows are counted up to 10,000."""

    django_paginator_class = BoundedPaginator
    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        return convert_page_schema(described, "songs/?page=4", "songs/?page=2")
