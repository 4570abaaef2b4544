"""What people do with their account."""

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import User


def sign_up(username: str, password: str, email: str = "") -> User | None:
    """Create the account, or return None when somebody has the name already.

    Both ways cost one password hash, so that the time tells nobody which it was (T41).
    """
    hashed = make_password(password)
    if User.objects.filter(username__iexact=username).exists():
        return None
    try:
        with transaction.atomic():
            return User.objects.create(username=username, email=email, password=hashed)
    except IntegrityError:  # the same name a moment earlier
        return None


def end_other_access(user: User) -> None:
    """Revoke every API token of `user`: after a new password only its owner goes on."""
    user.auth_token_set.all().delete()


def save_settings(user: User, **changes) -> list[str]:
    """Store the given settings and return the names of those that changed."""
    changed = [name for name, value in changes.items() if getattr(user, name) != value]
    for name in changed:
        setattr(user, name, changes[name])
    if changed:
        user.save(update_fields=changed)
    return changed


def delete_account(user: User) -> None:
    """Delete the account with everything that belongs to it: history, opinions, playlists, lists, tokens."""
    with transaction.atomic():
        user.auth_token_set.all().delete()
        user.delete()
