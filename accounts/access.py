"""What lets somebody act as a user: sessions and access tokens."""

from accounts import sessions, tokens
from accounts.models import User


def end_access(user: User) -> None:
    """Delete all access tokens and all sessions of `user`.

    `User.save` calls it, wherever a password is set or an account is closed. A page that goes on
    for the person who did it gives them a new session with `update_session_auth_hash`.
    """
    tokens.revoke_all_tokens(user)
    sessions.end_sessions(user)
