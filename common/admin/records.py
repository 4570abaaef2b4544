"""Base class of admin pages for rows that are read and never edited."""

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _


class RecordAdmin(admin.ModelAdmin):
    """Rows that nobody edits: there is no form for them, only their page."""

    show_full_result_count = False

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, row):
        """Say when in figures, for tables that must fit the screen."""
        return date_format(localtime(row.created_at), "SHORT_DATETIME_FORMAT")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
