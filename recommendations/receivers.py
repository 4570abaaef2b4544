"""What the recommendations do when something happens elsewhere."""

from collections.abc import Iterable
from typing import Any

from django.core.signals import request_finished, request_started
from django.db.models import Q
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import reverse

from accounts.models import User
from accounts.signals import account_closing, account_deleted, account_leaving
from catalog.listening.preference_writer import ImportedPreference
from catalog.models import Interaction
from catalog.signals import (
    interactions_deleted,
    interactions_restored,
    listening_changed,
    preferences_imported,
    songs_changed,
    unwanted_items_asked,
)
from recommendations.models import ForgettingReceipt
from recommendations.services.data import column_copy
from recommendations.services.lists import exclusions
from recommendations.services.operations import dashboard
from recommendations.services.preferences import personalisation, restoring
from recommendations.services.serving import list_cache, recorder
from recommendations.services.surfaces import blends
from recommendations.services.versions import deletion_receipts, stored_histories
from recommendations.signals import demo_removed


@receiver(listening_changed)
def invalidate_lists(sender: Any, listener_ids: Iterable[int], **_: Any) -> None:
    """A like, a play or an import outdates the lists of its listeners."""
    list_cache.invalidate_lists(listener_ids)


@receiver(songs_changed)
def clear_masks(sender: Any, **_: Any) -> None:
    """A withdrawn song leaves this process's masks at once; every list is checked against the catalog anyway."""
    exclusions.clear_masks()


@receiver(unwanted_items_asked)
def tell_unwanted_items(sender: Any, **_: Any) -> Q:
    """The lists that are made for a listener are read without what they hid or disliked since."""
    return exclusions.build_unwanted_condition()


@receiver(demo_removed)
def clear_cached_figures(sender: Any, **_: Any) -> None:
    dashboard.clear_cached_figures()


@receiver(post_save, sender=User)
def follow_personalisation(
    sender: type, instance: User, created: bool, update_fields: Any = None, **_: Any
) -> None:
    """The admin may switch personalisation on or off; a sign-in only writes `last_login`."""
    if not created and (update_fields is None or "personalised" in update_fields):
        personalisation.follow_choice(instance.pk, instance.personalised)


@receiver(account_deleted)
def delete_cached_lists(sender: Any, listener_id: int, **_: Any) -> None:
    list_cache.delete_lists(listener_id)


@receiver(account_deleted)
def remove_stored_histories(sender: Any, listener_id: int, **_: Any) -> None:
    stored_histories.remove_histories([listener_id])


@receiver(account_deleted)
def remove_from_column_copy(sender: Any, listener_id: int, **_: Any) -> None:
    column_copy.remove_listeners([listener_id])


@receiver(account_leaving)
def issue_account_receipt(sender: Any, user: User, **_: Any) -> str:
    """Return the address of a receipt that names nobody."""
    n_interactions = Interaction.objects.for_listener(user).count()
    receipt = deletion_receipts.issue_receipt(ForgettingReceipt.Kind.ACCOUNT, n_interactions)
    return reverse("recommendations:forgotten", args=[receipt.pk])


@receiver(request_started)
def begin_notes(sender: Any, **_: Any) -> None:
    recorder.begin()


@receiver(request_finished)
def record_served_lists(sender: Any, **_: Any) -> None:
    """Write down what was served, now that the answer is sent."""
    recorder.finish()


@receiver(interactions_deleted)
def delete_served_records(sender: Any, listener_id: int | None, **_: Any) -> None:
    """Delete the records of served lists: they are made of what was deleted."""
    recorder.delete_records(listener_id)


@receiver(interactions_deleted)
def issue_deletion_receipt(
    sender: Any, listener_id: int | None, n_deleted: int, is_import: bool, **_: Any
) -> None:
    kind = ForgettingReceipt.Kind.IMPORT if is_import else ForgettingReceipt.Kind.LISTENS
    deletion_receipts.issue_receipt(kind, n_deleted, listener_id)


@receiver(interactions_restored)
def take_back_receipt(sender: Any, listener_id: int, n_restored: int, **_: Any) -> None:
    deletion_receipts.take_back_receipt(listener_id, n_restored)


@receiver(preferences_imported)
def restore_preferences(
    sender: Any, listener: User, preferences: list[ImportedPreference], **_: Any
) -> int:
    return restoring.restore_preferences(listener, preferences)


@receiver(account_closing)
def leave_blends(sender: Any, user: User, **_: Any) -> None:
    """A blend goes with its last member."""
    blends.leave_blends(user)
