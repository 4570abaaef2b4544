"""Stored sentences of jobs in templates, in the reader's language."""

from datetime import datetime

from django import template

from common import stored_text

register = template.Library()


@register.filter
def translate_log(text: str, began_at: datetime | None = None) -> str:
    """Return the log that a job stored in English in the language of the page."""
    return stored_text.translate_log(str(text), began_at)


@register.filter
def translate_stored(text: str) -> str:
    """Return what a job stored in English in the language of the page."""
    return stored_text.translate_stored(str(text))
