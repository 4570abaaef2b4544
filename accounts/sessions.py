"""Sessions with a column for whose they are, so that one user's are found by an index: SESSION_ENGINE.

The class keeps the name of Django's own, which seals what is stored: sessions of earlier versions stay readable.
"""

from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from accounts.models import Session, User

_LEAST_KEY = 8
"""Of Django's own rule, beside which keys have letters and figures only."""


class SessionStore(DatabaseStore):
    """Django's sessions in the database, each stored with the user who is signed in."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the model of the rows."""
        return Session

    def _validate_session_key(self, key: Any) -> bool:
        """Return whether a key can be one of ours; PostgreSQL refuses to look for some that are none."""
        return bool(key) and len(key) >= _LEAST_KEY and key.isascii() and key.isalnum()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row that will be stored, with its user; None is a visitor."""
        row = cast("Session", super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row


def end_sessions(user: User) -> int:
    """Delete the user's sessions and return how many: one statement, by the index of the user."""
    return Session.objects.filter(user=user).delete()[0]
