"""What the recommendations do when something happens elsewhere."""

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from accounts.models import User
from catalog.signals import listening_changed, songs_changed
from recommendations.models import Taste, Wish
from recommendations.services import exclusions, list_cache


@receiver(listening_changed)
def forget_lists(sender: Any, listener_id: int | None = None, listener_ids: Any = (), **_: Any) -> None:
    """A like, a play or an import outdates the lists of its listeners."""
    if listener_id is not None:
        list_cache.forget(listener_id)
    if listener_ids:
        list_cache.forget_many(listener_ids)


@receiver(songs_changed)
def forget_masks(sender: Any, **_: Any) -> None:
    """A withdrawn song leaves this process's masks at once; every list is checked against the catalog anyway."""
    exclusions.forget_masks()


@receiver([post_save, post_delete], sender=Wish)
@receiver([post_save, post_delete], sender=Taste)
def forget_lists_of_wish(sender: type, instance: Any, **_: Any) -> None:
    """What a listener wishes counts on the next page."""
    if User.objects.filter(pk=instance.listener_id).exists():
        list_cache.forget(instance.listener_id)


@receiver(m2m_changed, sender=Taste.artists.through)
@receiver(m2m_changed, sender=Taste.genres.through)
def forget_lists_of_taste(sender: type, instance: Any, action: str, reverse: bool, **_: Any) -> None:
    """So does what they choose at onboarding."""
    if action.startswith("post_") and not reverse:
        list_cache.forget(instance.pk)


@receiver(post_save, sender=User)
def forget_lists_of_user(
    sender: type, instance: User, created: bool, update_fields: Any = None, **_: Any
) -> None:
    """Personalisation switched on or off; a sign-in only writes `last_login`."""
    if not created and (update_fields is None or "personalised" in update_fields):
        list_cache.forget(instance.pk)
