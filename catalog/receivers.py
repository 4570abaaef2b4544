"""What the catalog does when something happens to accounts."""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import account_closing
from catalog.imports import import_undo
from catalog.listening.outdated_months import mark_plays
from catalog.models import Interaction, Song
from catalog.servers import joining


@receiver(pre_delete, sender=Song)
def mark_plays_of_song(sender: Any, instance: Song, **_: Any) -> None:
    """Have the sums of a deleted song's listeners counted anew: its plays go with it."""
    mark_plays(Interaction.objects.filter(song=instance))


@receiver(account_closing)
def delete_imports(sender: Any, user: User, **_: Any) -> None:
    """Delete the imports and uploads of a closing account, and the songs that only they brought."""
    import_undo.delete_imports(user)


@receiver(account_closing)
def leave_servers(sender: Any, user: User, **_: Any) -> None:
    """End the sessions that a closing account has on music servers."""
    joining.leave_servers(user)
