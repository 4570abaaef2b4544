"""Lists of the admin over tables with millions of rows: no page of them reads a whole table.

Rows are counted up to a limit, only columns with an index are sorted by, and filters without an index look at the
newest rows. A search by name has an index of its own.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property

from common.generics import ModelAdmin
from common.paging import BoundedPaginator
from common.transactions import delete_row, lock_rows

NEWEST_ROWS = 10_000
"""So many rows are looked at by a filter or a search that no index serves."""
MOST_FOUND = 1_000
_NAME = "__username"


def list_indexed_columns(model: type[models.Model]) -> set[str]:
    """Return the columns by which an index finds rows."""
    columns_of_table: Any = model._meta.concrete_fields
    columns = {"pk", model._meta.pk.name}
    columns |= {field.name for field in columns_of_table if field.db_index or field.unique}
    whole = [index for index in model._meta.indexes if not index.condition and index.fields]
    columns |= {index.fields[0].lstrip("-") for index in whole}
    columns |= {
        constraint.fields[0]
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
        and constraint.fields
        and not constraint.condition
    }
    return columns


def list_sorted_columns(model: type[models.Model]) -> set[str]:
    """Return the columns in whose order an index holds the rows; a link to a row is sorted by that row's columns."""
    links = {field.name for field in model._meta.concrete_fields if field.is_relation}
    return list_indexed_columns(model) - links


def _find_accounts(path: str, name: str) -> models.Q:
    """Return the condition that a row is of the account of this name."""
    accounts = get_user_model()._default_manager.with_name(name.strip())
    return models.Q(**{f"{path}__in": list(accounts.values_list("pk", flat=True))})


def _find_value(model: type[models.Model], column: str, text: str) -> models.Q:
    """Return the condition that a column has the value that `text` writes; none for what is no value of it."""
    field: Any = model._meta.get_field(column)
    try:
        return models.Q(**{column: field.to_python(text.strip())})
    except ValidationError:
        return models.Q(pk__in=[])


def build_window(model: type[models.Model]) -> models.Q:
    """Return the condition that a row is one of the newest `NEWEST_ROWS`, by its key; one or two queries."""
    keys = model._default_manager.order_by("-pk").values_list("pk", flat=True)
    oldest = [*keys[NEWEST_ROWS - 1 : NEWEST_ROWS]] or [*keys.reverse()[:1]]
    return models.Q(pk__gte=oldest[0]) if oldest else models.Q(pk__in=[])


class BoundedChangeList(ChangeList):
    """A list that is read up to the end of its page only."""

    is_windowed = False

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the rows; filters without an index choose among the newest `NEWEST_ROWS` rows, newest first."""
        rows = super().get_queryset(request, *args, **kwargs)
        self.is_windowed = self.has_active_filters and not self.query and not self._uses_index()
        if self.is_windowed:
            rows = rows.filter(build_window(self.model)).order_by("-pk")
        return rows

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.result_list[: self.list_max_show_all]

    def _uses_index(self) -> bool:
        indexed = list_indexed_columns(self.model)
        return any(name.split("__")[0] in indexed for name in self.filter_params)


class NewestValues(admin.AllValuesFieldListFilter):
    """The values that the newest rows have, to filter by."""

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, Any],
        model: type[models.Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        values = model._default_manager.filter(build_window(model)).order_by()
        self.lookup_choices: Any = sorted(set(values.values_list(field.name, flat=True)))


if TYPE_CHECKING:
    # What it is mixed into.
    _Page = ModelAdmin[Any]
else:
    _Page = object


class LargeTable(_Page):
    """A list of the admin whose table may have millions of rows."""

    show_full_result_count = False
    # the number of rows behind each filter would be one more reading of the table each
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete a row while others write rows that point at it: they wait, and then find none."""
        delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            lock_rows(queryset)
            queryset.delete()

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Find rows by an account's name or a column with an index; other texts are looked for in the newest rows."""
        if not search_term.strip():
            return queryset, False
        fields = list(self.get_search_fields(request))
        condition = models.Q(pk__in=[])
        for field in [*fields]:
            if field.endswith(_NAME):
                condition |= _find_accounts(
                    field.removeprefix("=").removesuffix(_NAME), search_term
                )
            elif field.removeprefix("=") in self._sorted_columns and field.startswith("="):
                condition |= _find_value(self.model, field.removeprefix("="), search_term)
            else:
                continue
            fields.remove(field)
        if fields:
            rows = self.model._default_manager.filter(build_window(self.model)).order_by("-pk")
            for word in search_term.split():
                has_word = models.Q()
                for field in fields:
                    lookup = "iexact" if field.startswith("=") else "icontains"
                    has_word |= models.Q(**{f"{field.removeprefix('=')}__{lookup}": word})
                rows = rows.filter(has_word)
            condition |= models.Q(pk__in=list(rows.values_list("pk", flat=True)[:MOST_FOUND]))
        return queryset.filter(condition), False

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the usual order where an index has it, else the newest rows first."""
        ordering = super().get_ordering(request) or self.model._meta.ordering
        first = str(ordering[0]).lstrip("-") if ordering else ""
        return ordering if first in self._sorted_columns else ["-pk"]

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        return [name for name in self.get_list_display(request) if name in self._sorted_columns]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the filters; one by the values of a text asks the newest rows which there are."""
        return [
            (name, NewestValues) if self._has_free_values(name) else name
            for name in super().get_list_filter(request)
        ]

    def _has_free_values(self, name: Any) -> bool:
        if not isinstance(name, str):
            return False
        field = self.model._meta.get_field(name)
        return isinstance(field, models.CharField) and not field.choices

    @cached_property
    def _sorted_columns(self) -> set[str]:
        return list_sorted_columns(self.model)
