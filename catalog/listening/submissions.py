"""Writes that say themselves who they are: sent again, they are answered again and done once."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from catalog.listening.models import Submission

KEPT_FOR = timedelta(days=3)
MAX_KEY_LENGTH = 100


class KeyUsedForSomethingElse(Exception):
    """An Idempotency-Key came again with another body."""


def once(listener: User, key: str, body: bytes, act: Callable[[], Any]) -> tuple[Any, bool]:
    """Return what `act` answers and whether that was an earlier call; without a key, always call it.

    The answer is stored in the transaction of the act itself, so there is never one without the other.
    """
    if not key:
        return act(), False
    digest = hashlib.sha256(body).hexdigest()
    earlier = _earlier(listener, key, digest)
    if earlier is not None:
        return earlier, True
    try:
        with transaction.atomic():
            answer = act()
            Submission.objects.create(listener=listener, key=key, body_sha256=digest, answer=answer)
            Submission.objects.filter(listener=listener, created_at__lt=timezone.now() - KEPT_FOR).delete()
    except IntegrityError:  # the same submission a moment earlier, on another thread
        earlier = _earlier(listener, key, digest)
        if earlier is None:
            raise
        return earlier, True
    return answer, False


def _earlier(listener: User, key: str, digest: str) -> Any:
    found = Submission.objects.filter(listener=listener, key=key).first()
    if found is None:
        return None
    if found.body_sha256 != digest:
        raise KeyUsedForSomethingElse(
            f"The Idempotency-Key {key!r} was used for another body. Take a new one."
        )
    return found.answer
