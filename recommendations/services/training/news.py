"""The news of a training that learns from what a listener brought, for that listener."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from catalog.models import Interaction
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.versions import registry

MINUTE = 60
_STEP = 5


@dataclass(frozen=True)
class TrainingNews:
    """A training that waits or runs, and how long it still takes, in words; empty while that is not known."""

    run: TrainingRun
    time_left: str

    @property
    def percent(self) -> int:
        return round(100 * self.run.progress)


def find_news(listener: User) -> TrainingNews | None:
    """Return the training under way if something of this listener's is new since the active version.

    One query without a training, three with one.
    """
    if not listener.personalised:
        return None
    run = TrainingRun.objects.active().first()
    if run is None or not _has_new_interactions(listener):
        return None
    return TrainingNews(run, describe_time_left(run.seconds_left))


def _has_new_interactions(listener: User) -> bool:
    active = registry.get_active_version()
    last = active.last_interaction_id if active else 0
    return Interaction.objects.for_listener(listener).filter(pk__gt=last).exists()


def describe_time_left(seconds: int | None) -> str:
    """Say how long something takes, in steps of five seconds below two minutes; empty without an estimate."""
    if seconds is None:
        return ""
    if seconds < 2 * MINUTE:
        n = max(_STEP * round(seconds / _STEP), _STEP)
        return ngettext("about %(n)d second left", "about %(n)d seconds left", n) % {"n": n}
    n = round(seconds / MINUTE)
    return ngettext("about %(n)d minute left", "about %(n)d minutes left", n) % {"n": n}


def describe_end(run_id: int) -> str:
    """Say what came of a training that a listener waited for; empty where it changed nothing for them."""
    if ModelVersion.objects.filter(training_run=run_id, is_active=True).exists():
        return _("The training is done: your lists have learned from what is new.")
    return ""
