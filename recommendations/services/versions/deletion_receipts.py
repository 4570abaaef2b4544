"""Receipts of deletions: what was deleted, and which training was the first that never saw it.

A receipt is written in the transaction that deletes. A version that becomes active confirms those
that were there before its training read the data: their rows were gone by then. Until that training
the models still hold what they learned, but lists are made anew at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from recommendations.models import ForgettingReceipt, ModelVersion

Kind = ForgettingReceipt.Kind


@dataclass(frozen=True)
class ReceiptState:
    """A receipt and what is true of it now.

    Attributes
    ----------
    older_versions
        Versions that can still be rolled back to and were trained while the data was there.
    active_version
        The active version when it is one of those, else "".
    """

    receipt: ForgettingReceipt
    older_versions: Sequence[str]
    active_version: str


def issue_receipt(
    kind: Kind, n_interactions: int, listener_id: int | None = None
) -> ForgettingReceipt:
    """Write a receipt; deletions of one kind by one listener share theirs until it is confirmed, accounts do not.

    Belongs in the transaction that deletes.
    """
    if kind != Kind.ACCOUNT:
        same = ForgettingReceipt.objects.filter(listener=listener_id, kind=kind, confirmed_at=None)
        receipt = same.order_by("-requested_at").first()
        # moved to now: a training that reads already must not confirm what is deleted while it reads
        if receipt is not None and same.filter(pk=receipt.pk).update(
            n_interactions=F("n_interactions") + n_interactions, requested_at=timezone.now()
        ):
            receipt.refresh_from_db()
            return receipt
    return ForgettingReceipt.objects.create(
        kind=kind, n_interactions=n_interactions, listener_id=listener_id
    )


def take_back_receipt(listener_id: int, n_interactions: int) -> None:
    """Take restored plays off the open receipt of the listener's deletions; one of nothing goes.

    A confirmed receipt stays: what it says was true when it was confirmed. Belongs in the transaction that restores.
    """
    receipts = ForgettingReceipt.objects.filter(
        listener=listener_id, kind=Kind.LISTENS, confirmed_at=None
    )
    n_left = F("n_interactions") - n_interactions
    if not receipts.filter(n_interactions__gt=n_interactions).update(n_interactions=n_left):
        receipts.delete()


def list_open() -> dict[str, str]:
    """Return the open receipts with the moment each was last added to; call it before a training reads its data.

    A version keeps in its metadata what it was trained without, as `open_receipts`.
    """
    rows = ForgettingReceipt.objects.filter(confirmed_at=None).values_list("pk", "requested_at")
    return {str(pk): moment.isoformat() for pk, moment in rows}


def has_deletions_since(read_at: float, open_receipts: Mapping[str, str]) -> bool:
    """Return whether anything was deleted since data was read.

    Parameters
    ----------
    read_at
        When it was read, in unix seconds.
    open_receipts
        What `list_open` returned before that. A deletion that began before and was committed after is not among them.
    """
    if set(list_open().items()) - set(open_receipts.items()):
        return True
    moment = datetime.fromtimestamp(read_at, tz=UTC)
    return ForgettingReceipt.objects.filter(requested_at__gte=moment).exists()


def confirm_receipts(version: ModelVersion) -> int:
    """Confirm the receipts whose rows were gone before the data of this version, now active, was read.

    A receipt that was added to since stays open for the next training. Returns how many were confirmed.
    """
    n_confirmed = 0
    for pk, moment in version.metadata.get("open_receipts", {}).items():
        n_confirmed += ForgettingReceipt.objects.filter(
            pk=pk, confirmed_at=None, requested_at=datetime.fromisoformat(moment)
        ).update(
            confirmed_at=timezone.now(),
            version=version,
            version_name=version.name,
            data_sha256=version.metadata.get("data_sha256", ""),
            checks={
                "read_after_the_deletion": True,
                "trained_from_scratch": "warm_started" not in version.metadata,
                "interactions_learned_from": version.n_interactions,
            },
        )
    return n_confirmed


def describe_receipt(receipt: ForgettingReceipt) -> ReceiptState:
    """Return a receipt with the versions that can still be rolled back to and learned from what was deleted."""
    deleted_at = receipt.requested_at.timestamp()
    older = [
        version
        for version in ModelVersion.objects.usable().order_by("pk")
        if version.metadata.get("read_at", version.created_at.timestamp()) <= deleted_at
    ]
    active = next((version.name for version in older if version.is_active), "")
    return ReceiptState(
        receipt, [version.name for version in older if not version.is_active], active
    )


def list_receipts(listener: User) -> list[ReceiptState]:
    """Return a listener's receipts, newest first."""
    rows = ForgettingReceipt.objects.filter(listener=listener)[:100]
    return [describe_receipt(receipt) for receipt in rows]
