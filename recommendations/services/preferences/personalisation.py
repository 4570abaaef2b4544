"""Whether a listener may be learned from, and what is deleted when they may not."""

from functools import partial

from django.db import transaction

from accounts.models import User
from catalog.models import Interaction, Playlist
from recommendations.models import ForgettingReceipt, RecommendationList
from recommendations.services.data import column_copy
from recommendations.services.serving import list_cache, recorder
from recommendations.services.versions import deletion_receipts, stored_histories


def set_personalised(listener: User, personalised: bool) -> None:
    """Turn personalisation on or off.

    Off deletes the lists and weekly playlists made so far and what saved models hold of the history; what the
    listener kept as a playlist of their own stays.
    """
    with transaction.atomic():
        User.objects.filter(pk=listener.pk).update(personalised=personalised)
        if not personalised:
            n_interactions = Interaction.objects.for_listener(listener).count()
            kind = ForgettingReceipt.Kind.WITHDRAWN
            deletion_receipts.issue_receipt(kind, n_interactions, listener.pk)
        follow_choice(listener.pk, personalised)
    listener.personalised = personalised


def follow_choice(listener_id: int, personalised: bool) -> None:
    """Invalidate the listener's lists; without personalisation delete all that was made of their history, too.

    Belongs in the transaction that stores the choice. Called twice it changes nothing more.
    """
    list_cache.invalidate_lists([listener_id])
    if not personalised:
        RecommendationList.objects.filter(listener=listener_id).delete()
        Playlist.objects.filter(owner=listener_id).exclude(kind=Playlist.Kind.OWN).delete()
        recorder.delete_records(listener_id)
        transaction.on_commit(partial(stored_histories.remove_histories, [listener_id]))
        transaction.on_commit(partial(column_copy.remove_listeners, [listener_id]))
