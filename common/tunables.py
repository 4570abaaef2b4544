"""Numbers and words that an operator may change: each has a type, a unit, a default and a purpose.

Each is read from Django's settings (upper-case name), else from the environment variable of that
name, else it has its default. docs/settings.md lists them; a system check reads them all at start.
"""

import os
from collections.abc import Iterator
from typing import Any, Generic, TypeVar, cast, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_BOOLS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


class Tunable(Generic[T]):
    """One number or word that an operator may change; reading it gives the value in force."""

    def __init__(self, default: T, unit: str, about: str, *, least: float | None = None) -> None:
        self.default = default
        self.unit = unit
        self.about = about
        self.least = least

    def __set_name__(self, owner: type, name: str) -> None:
        self.variable = name.upper()

    @overload
    def __get__(self, instance: None, owner: type) -> "Tunable[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Tunable[T] | T":
        return self if instance is None else self.read_value()

    def read_value(self) -> T:
        """Return the value in force.

        Raises ImproperlyConfigured when it has the wrong type or is too small.
        """
        if hasattr(settings, self.variable):
            return cast(T, self._check(getattr(settings, self.variable)))
        if self.variable in os.environ:
            return cast(T, self._check(self._parse(os.environ[self.variable])))
        return self.default

    def _parse(self, text: str) -> Any:
        try:
            if isinstance(self.default, bool):
                return _BOOLS[text.strip().lower()]
            return type(self.default)(text)  # type: ignore[call-arg]  # a number or a text
        except (ValueError, KeyError):
            raise ImproperlyConfigured(
                f"{self.variable} is {text!r}; it must be a {type(self.default).__name__} ({self.unit})."
            ) from None

    def _check(self, value: Any) -> Any:
        if self.least is not None and value < self.least:
            raise ImproperlyConfigured(
                f"{self.variable} is {value}; it must be at least {self.least:g} ({self.unit})."
            )
        return value


class TunableGroup:
    """The tunables of one part of the site, each a class attribute."""

    def list_all(self) -> Iterator[Tunable[Any]]:
        """Yield every tunable, in the order in which they are written."""
        return (value for value in vars(type(self)).values() if isinstance(value, Tunable))
