"""Check a tool's arguments against its schema; only the few words of JSON Schema that the tools here use."""

from collections.abc import Mapping
from typing import Any, cast

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
}


class BadArguments(Exception):
    """An argument is missing, unknown or wrong; the message is one sentence for the program that sent it."""


def read_arguments(schema: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Return the arguments with the defaults of those left out."""
    if not isinstance(given, dict):
        raise BadArguments("arguments is an object.")
    properties = schema["properties"]
    for name in given:
        if name not in properties:
            raise BadArguments(
                f"There is no argument {name[:40]!r}; there are {', '.join(properties) or 'none'}."
            )
    for name in schema.get("required", ()):
        if name not in given:
            raise BadArguments(f"{name} is missing: {properties[name]['description']}")
    for name, value in given.items():
        _check(name, value, properties[name])
    return {
        name: given.get(name, about.get("default"))
        for name, about in properties.items()
        if name in given or "default" in about
    }


def _check(name: str, value: Any, about: Mapping[str, Any]) -> None:
    if not isinstance(value, _TYPES[about["type"]]) or isinstance(value, bool):
        raise BadArguments(f"{name} is of type {about['type']}, not {type(value).__name__}.")
    if "enum" in about and value not in about["enum"]:
        raise BadArguments(f"{name} is one of {', '.join(about['enum'])}.")
    low, high = about.get("minimum"), about.get("maximum")
    if low is not None and not low <= cast(float, value) <= cast(float, high):
        raise BadArguments(f"{name} is from {low} to {high}.")
    if isinstance(value, str):
        _check_text(name, value, about)
    if isinstance(value, list):
        if not 1 <= len(value) <= about["maxItems"]:
            raise BadArguments(f"{name} has 1 to {about['maxItems']} entries, not {len(value)}.")
        for entry in value:
            _check(f"Each of {name}", entry, about["items"])


def _check_text(name: str, value: str, about: Mapping[str, Any]) -> None:
    if "\0" in value:
        raise BadArguments(f"{name} has a character that no text has.")
    if not about.get("minLength", 0) <= len(value) <= about["maxLength"]:
        raise BadArguments(
            f"{name} has {about.get('minLength', 0)} to {about['maxLength']} characters."
        )
