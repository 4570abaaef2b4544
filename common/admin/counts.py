"""Counts in Django's lists of rows and read-only fields with separators: 1,234,567, not 1234567.

Fields called `n_…` are counts; years, numbers of tracks and ids stay as they are. Django's setting for separators would
group ids in addresses, too, and its pages have no other place where a number becomes a text.
"""

from typing import Any

from django.contrib.admin import helpers, utils
from django.contrib.admin.templatetags import admin_list
from django.db import models

from common.templatetags.numbers import format_count


def format_field(value: Any, field: Any, *options: Any, **more: Any) -> Any:
    """Return the text of a field's value, as Django's pages do, but counts with separators."""
    is_count = isinstance(field, models.IntegerField) and field.name.startswith("n_")
    if is_count and isinstance(value, int):
        return format_count(value)
    return utils.display_for_field(value, field, *options, **more)


def group_counts() -> None:
    """Have Django's admin pages show counts by `format_field`."""
    for module in (helpers, admin_list):
        setattr(module, "display_for_field", format_field)  # noqa: B010  (no part of their types)
