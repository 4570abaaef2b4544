"""The language of what is made for a listener outside of their requests: lists, files and feeds for programs."""

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation

from accounts.models import User


def get_language(listener: User) -> str:
    """Return the language that a listener chose, else the site's."""
    return listener.language or settings.LANGUAGE_CODE


def activate_language(listener: User) -> AbstractContextManager[None]:
    """Return a context in which everything is said in the listener's language."""
    return translation.override(get_language(listener))
