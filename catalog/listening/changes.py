"""What every change of a history has to do besides: say whose it was, once it is committed."""

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_plays
from catalog.signals import interactions_deleted, listening_changed


def announce_change(listener_ids: Collection[int]) -> None:
    """Send `listening_changed` for these listeners after the commit."""
    # robust: the fact is stored and acknowledged whatever a receiver does; Django logs the receiver's error
    transaction.on_commit(
        partial(listening_changed.send_robust, sender=Interaction, listener_ids=listener_ids)
    )


def delete_interactions(listener: User, interactions: QuerySet[Interaction]) -> int:
    """Delete interactions of one listener, with what hangs on them: marked months, a receipt; return how many."""
    with transaction.atomic(savepoint=False):
        mark_plays(interactions)
        n_deleted, _by_table = interactions.delete()
        if n_deleted:
            interactions_deleted.send(
                sender=Interaction, listener_id=listener.pk, n_deleted=n_deleted, is_import=False
            )
            announce_change([listener.pk])
    return n_deleted
