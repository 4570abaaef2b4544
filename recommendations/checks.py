"""What is wrong with the set-up, told when the program starts."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from accounts.conf import account_conf
from catalog.conf import catalog_conf
from common.jobs.conf import job_conf
from common.tunables import Tunable
from recommendations.conf import conf


@register()
def check_tunables(app_configs: Any, **_: Any) -> list[Error]:
    """Every tunable has the right type and size, and the presets exist."""
    errors = []
    for tunable in list_tunables():
        try:
            tunable.read_value()
        except ImproperlyConfigured as error:
            errors.append(Error(str(error), id="recommendations.E001"))
    return errors or _find_unknown_presets()


def list_tunables() -> Iterator[Tunable[Any]]:
    """Yield the tunables of every part of the site."""
    yield from conf.list_all()
    yield from job_conf.list_all()
    yield from catalog_conf.list_all()
    yield from account_conf.list_all()


def _find_unknown_presets() -> list[Error]:
    from recommendations.engine import PRESETS

    preset_names = ", ".join(sorted(PRESETS))
    chosen = {"PRESET": conf.preset, "SCHEDULED_PRESET": conf.scheduled_preset}
    return [
        Error(f"{name} is {value!r}; there are: {preset_names}.", id="recommendations.E002")
        for name, value in chosen.items()
        if value not in PRESETS
    ]


@register()
def check_openmp(app_configs: Any, **_: Any) -> list[Error]:
    """Check that the system has the OpenMP library that implicit's wheels need."""
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
