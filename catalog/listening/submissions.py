"""Writes with an Idempotency-Key: sent again, they get the first answer and change nothing."""

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


class IdempotencyKeyReused(Exception):
    """An Idempotency-Key came again with another body."""


def run_once(listener: User, key: str, body: bytes, act: Callable[[], Any]) -> tuple[Any, bool]:
    """Call `act` and return its answer; for a key used before, return the stored answer and True.

    The answer is stored in the transaction of the act itself, so there is never one without the other.
    """
    if not key:
        return act(), False
    digest = hashlib.sha256(body).hexdigest()
    earlier = _find_earlier_answer(listener, key, digest)
    if earlier is not None:
        return earlier, True
    try:
        with transaction.atomic():
            answer = act()
            Submission.objects.create(listener=listener, key=key, body_sha256=digest, answer=answer)
            Submission.objects.filter(
                listener=listener, created_at__lt=timezone.now() - KEPT_FOR
            ).delete()
    except IntegrityError:  # the same submission a moment earlier, on another thread
        earlier = _find_earlier_answer(listener, key, digest)
        if earlier is None:
            raise
        return earlier, True
    return answer, False


def _find_earlier_answer(listener: User, key: str, digest: str) -> Any:
    submission = Submission.objects.filter(listener=listener, key=key).first()
    if submission is None:
        return None
    if submission.body_sha256 != digest:
        raise IdempotencyKeyReused(
            f"The Idempotency-Key {key!r} was used for another body. Take a new one."
        )
    return submission.answer
