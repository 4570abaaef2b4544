"""What is wrong with the set-up, told when the program starts."""

from typing import Any

from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from recommendations.conf import conf


@register()
def tunables_are_usable(app_configs: Any, **_: Any) -> list[Error]:
    """Every tunable has the right type and size, and the preset exists."""
    errors = []
    for tunable in conf.all():
        try:
            tunable.value()
        except ImproperlyConfigured as error:
            errors.append(Error(str(error), id="recommendations.E001"))
    return errors or _unknown_preset()


def _unknown_preset() -> list[Error]:
    from recommendations.engine import PRESETS

    if conf.preset in PRESETS:
        return []
    known = ", ".join(sorted(PRESETS))
    return [Error(f"PRESET is {conf.preset!r}; there are: {known}.", id="recommendations.E002")]


@register()
def openmp_is_there(app_configs: Any, **_: Any) -> list[Error]:
    """implicit's wheels need the system's OpenMP library."""
    try:
        import implicit.cpu.als  # noqa: F401
    except ImportError as error:
        return [
            Error(
                f"The package implicit can't be loaded: {error}.",
                hint="On Debian and Ubuntu: sudo apt-get install libgomp1",
                id="recommendations.E003",
            )
        ]
    return []
