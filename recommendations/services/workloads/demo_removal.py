"""Removing the demo: what it brought into the catalog, and the versions that learned from it."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from catalog.imports import demo_removal
from common.jobs import JobFailed
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.data import column_copy
from recommendations.services.lists import exclusions
from recommendations.services.surfaces import blends
from recommendations.services.versions import registry
from recommendations.signals import demo_removed

count_contents = demo_removal.count_contents


def has_demo() -> bool:
    """Return whether the demo, or a part of it, is on this site."""
    return demo_removal.find_demo_begin() is not None


def count_versions() -> int:
    """Return how many versions learned from the demo."""
    begin = demo_removal.find_demo_begin()
    return 0 if begin is None else ModelVersion.objects.filter(created_at__gte=begin).count()


def remove_demo() -> Iterator[float]:
    """Remove the demo step by step; yields how much is done, 0 to 1, and may be left off and begun again.

    Versions that learned from it go first, so that no list names what is gone. Raises JobFailed while a training or
    the making of the demo is under way.
    """
    _delete_versions()
    yield 0.05
    n_steps = demo_removal.count_steps()
    for step, _nothing in enumerate(demo_removal.remove_contents(), start=1):
        yield 0.05 + 0.9 * min(step / n_steps, 1)
    # A training that began meanwhile has read what was still there.
    _delete_versions()
    demo_removal.forget_imports()
    blends.delete_empty_blends()
    column_copy.drop_departed()
    exclusions.clear_masks()
    demo_removed.send(sender=ModelVersion)
    yield 1.0


def _delete_versions() -> None:
    begin = demo_removal.find_demo_begin()
    if begin is None:
        return
    if TrainingRun.objects.active().exists():
        raise JobFailed(
            _("A training is under way; wait for its end or cancel it, then remove the demo.")
        )
    if demo_removal.is_being_made():
        raise JobFailed(_("The demo is still being made; wait for its end, then remove it."))
    registry.delete_versions(ModelVersion.objects.filter(created_at__gte=begin))
