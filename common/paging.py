"""Pages of tables that may be large: rows are counted up to a limit, and the rest is called "more"."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

if TYPE_CHECKING:
    # What Django's classes are to the type checker.
    _Page = Page[Any]
    _Paginator = Paginator[Any]
else:
    _Page = Page
    _Paginator = Paginator

MOST_COUNTED = 10_000


class BoundedPage(_Page):
    """A page that can have another one after it beyond the rows that were counted."""

    paginator: "BoundedPaginator"

    def has_next(self) -> bool:
        return self.paginator.has_rows_after(self.number)


class BoundedPaginator(_Paginator):
    """Counts at most `MOST_COUNTED` rows; pages beyond them are there, only nobody counts them."""

    @cached_property
    def n_found(self) -> int:
        """Return how many rows there are, at most `MOST_COUNTED` + 1."""
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by().values("pk")[: MOST_COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.n_found, MOST_COUNTED)

    @property
    def has_more(self) -> bool:
        """Return whether there are more rows than were counted."""
        return self.n_found > MOST_COUNTED

    def validate_number(self, number: Any) -> int:
        try:
            return int(super().validate_number(number))
        except EmptyPage:
            if self.has_more and int(number) > 0 and self._get_rows(int(number)):
                return int(number)
            raise

    def page(self, number: Any) -> BoundedPage:
        number = self.validate_number(number)
        return self._get_page(self._slice(number), number, self)

    def has_rows_after(self, number: int) -> bool:
        """Return whether a page follows this one; one query where nobody counted so far."""
        if number < self.num_pages:
            return True
        return self.has_more and bool(self._get_rows(number + 1))

    def _slice(self, number: int) -> Any:
        start, end = (number - 1) * self.per_page, number * self.per_page
        if start >= MOST_COUNTED and isinstance(self.object_list, QuerySet):
            # an index alone is read up to there, and not each row with those that belong to it
            return self.object_list.filter(pk__in=_list_keys(self.object_list, start, end))
        return self.object_list[start : end if self.has_more else min(end, self.count)]

    def _get_rows(self, number: int) -> list[Any]:
        start = (number - 1) * self.per_page
        if isinstance(self.object_list, QuerySet):
            return _list_keys(self.object_list, start, start + 1)
        return list(self.object_list[start : start + 1])

    def _get_page(self, *args: Any, **kwargs: Any) -> BoundedPage:
        return BoundedPage(*args, **kwargs)


def _list_keys(rows: QuerySet[Any], start: int, end: int) -> list[Any]:
    return [row["pk"] for row in rows.values("pk")[start:end]]
