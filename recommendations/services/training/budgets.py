"""How much time a training may take: one word for the operator, options for the run."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.engine import PRESETS


class Budget(models.TextChoices):
    QUICK = "quick", _("quick: half the iterations and trials, not measured")
    NORMAL = "normal", _("normal")
    THOROUGH = "thorough", _("thorough: twice the iterations and trials")


_WHAT_TAKES_TIME = ("n_iterations", "trials")
_FACTORS = {Budget.QUICK: 0.5, Budget.THOROUGH: 2.0}


def make_options(preset: str, budget: str) -> dict[str, Any]:
    """Return the options of a training run of this preset and budget; the preset itself stays as it is."""
    factor = _FACTORS.get(Budget(budget))
    if factor is None or preset not in PRESETS:
        return {}
    config = PRESETS[preset].to_dict()
    components = {
        name: {option: _scale_search(option, value, factor) for option, value in options.items()}
        for name, options in config["components"].items()
    }
    changes: dict[str, Any] = {"components": components}
    if config["search"]:
        changes["search"] = {
            name: _scale_search(name, value, factor) for name, value in config["search"].items()
        }
    options: dict[str, Any] = {"budget": budget, "config": changes}
    return options | ({"evaluate": False} if budget == Budget.QUICK else {})


def _scale_search(option: str, value: Any, factor: float) -> Any:
    return max(1, round(value * factor)) if option in _WHAT_TAKES_TIME else value
