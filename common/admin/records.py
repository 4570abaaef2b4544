"""Base class of admin pages for rows that are read and never edited."""

from datetime import datetime
from typing import Protocol, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from common.admin.large_tables import LargeTable
from common.generics import ModelAdmin

Row = TypeVar("Row", bound=Model)


class _Dated(Protocol):
    created_at: datetime


class RecordAdmin(LargeTable, ModelAdmin[Row]):
    """Rows that nobody edits: there is no form for them, only their page."""

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, row: _Dated) -> str:
        """Say when in figures, for tables that must fit the screen."""
        return date_format(localtime(row.created_at), "SHORT_DATETIME_FORMAT")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False
