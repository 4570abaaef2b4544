"""What lets somebody act as a user: sessions and access tokens."""

from typing import Any

from django.dispatch import receiver

from accounts import sessions, tokens
from accounts.models import User
from accounts.signals import access_ended


@receiver(access_ended, sender=User)
def end_access(user: User, **_: Any) -> None:
    """Delete all access tokens and all sessions of `user`.

    A page that goes on for the person who did it gives them a new session with `update_session_auth_hash`.
    """
    tokens.revoke_all_tokens(user)
    sessions.end_sessions(user)
