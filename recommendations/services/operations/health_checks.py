"""How the site is doing: what /readyz, the operator's dashboard, `manage.py doctor` and /metrics tell."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.generics import StrOrPromise
from common.templatetags.numbers import format_count, format_decimal
from recommendations.engine import LEAST_RECALL, Recommender, is_index_installed
from recommendations.models import Activation, ModelVersion
from recommendations.services.operations import workers
from recommendations.services.versions.recommender_cache import (
    compute_manifest_digest,
    get_folder,
)

Status = Literal["ok", "degraded", "failed"]
_ORDER: tuple[Status, ...] = ("ok", "degraded", "failed")
QUEUES = ("default", "imports", "lists", "mail", "training")
LITTLE_SPACE_BYTES = 1_000_000_000
LABELS: dict[str, StrOrPromise] = {
    "disk": gettext_lazy("Disk"),
    "installation": gettext_lazy("Installation"),
    "migrations": gettext_lazy("Migrations"),
    "model": gettext_lazy("Model"),
    "worker": gettext_lazy("Worker"),
    "fallbacks": gettext_lazy("Fallbacks"),
    "training": gettext_lazy("Training"),
    "quality gate": gettext_lazy("Quality gate"),
    "experiment": gettext_lazy("Experiment"),
}
"""What the dashboard calls that which was looked at; programs read the names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `cure` says what to do when it is not ok."""

    name: str
    status: Status
    detail: str = ""
    cure: str = ""

    @property
    def label(self) -> StrOrPromise:
        return LABELS.get(self.name, self.name.capitalize())

    def to_dict(self) -> dict[str, str]:
        """Return what a stranger may read."""
        return (
            {"status": self.status, "detail": self.detail}
            if self.detail
            else {"status": self.status}
        )


def find_worst(findings: list[Finding]) -> Status:
    return max((finding.status for finding in findings), key=_ORDER.index, default="ok")


def check_readiness() -> list[Finding]:
    """Look at what serving needs. Raises DatabaseError when the database is away; five queries."""
    check_database()
    migrations = check_migrations()
    if migrations.status != "ok":
        return [Finding("database", "ok"), migrations]
    return [Finding("database", "ok"), migrations, check_model(), check_worker()]


def check_database() -> None:
    """Raise FileNotFoundError or DatabaseError when the database cannot be used."""
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]  # of SQLite
        # Opening it would make an empty one, and hide that the file is gone.
        Path(connection.settings_dict["NAME"]).stat()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_disk() -> Finding:
    """Say how much room is left for the database, models and uploads."""
    try:
        rooms = {
            path: shutil.disk_usage(path).free
            for path in (settings.DATA_DIR, settings.ARTIFACTS_DIR)
        }
    except OSError as error:
        cure = _("Make the folder, or correct DATA_DIR and ARTIFACTS_DIR.")
        text = _("%(folder)s can't be looked at (%(reason)s)") % {
            "folder": error.filename,
            "reason": error.strerror,
        }
        return Finding("disk", "failed", text, cure)
    folder = min(rooms, key=lambda path: rooms[path])
    text = _("%(room)s GB free below %(folder)s") % {
        "room": format_decimal(rooms[folder] / 1e9, 1),
        "folder": folder,
    }
    if rooms[folder] >= LITTLE_SPACE_BYTES:
        return Finding("disk", "ok", text)
    cure = _(
        "Make room. While there is some left, old versions can go: python manage.py prune_model_versions"
    )
    return Finding("disk", "degraded", text, cure)


def check_installation() -> list[Finding]:
    """Run the system checks of the machine (SQLite's version, the folders' rights); none of them asks the database."""
    messages = checks.run_checks(tags=["installation"])
    return [make_finding("installation", message) for message in messages]


def make_finding(name: str, message: checks.CheckMessage) -> Finding:
    status: Status = "failed" if message.level >= checks.ERROR else "degraded"
    return Finding(name, status, message.msg, message.hint or "")


def check_migrations() -> Finding:
    missing = _list_migrations_on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if not missing:
        return Finding("migrations", "ok")
    text = ngettext("%(n)d not applied", "%(n)d not applied", len(missing)) % {"n": len(missing)}
    return Finding("migrations", "failed", text, _("Run `python manage.py migrate`."))


@cache
def _list_migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def check_model() -> Finding:
    """Say which version serves, and whether it is the one that was meant to."""
    active = ModelVersion.objects.filter(is_active=True).first()
    last = Activation.objects.order_by("-id").first()
    if active is None and last is None:
        return Finding(
            "model",
            "ok",
            _("none yet: popular songs are served"),
            _("Press Retrain on the operator's dashboard."),
        )
    if active is None:
        return Finding(
            "model",
            "degraded",
            _("none is active: popular songs are served"),
            _("Activate a version, or retrain."),
        )
    if _compute_manifest_digest(active) != active.manifest_sha256:
        text = _("the files of %(version)s are damaged") % {"version": active.name}
        return Finding("model", "degraded", text, _("Roll back, or retrain."))
    if last is not None and last.reason == Activation.Reason.BROKEN:
        text = _("%(version)s serves because a later one was broken") % {"version": active.name}
        return Finding("model", "degraded", text, _("Retrain, or activate another."))
    return Finding("model", "ok", active.name)


def check_index() -> Finding | None:
    """Say how much the active version's indexes find; None where its catalogue is small and it has none."""
    active = ModelVersion.objects.filter(is_active=True).first()
    if active is None or active.n_songs < Recommender.exact_below:
        return None
    indexes = list(list_indexes(active))
    if not is_index_installed() or not indexes:
        detail = _("none: %(n)s songs are compared one by one, which is exact and slow")
        detail %= {"n": format_count(active.n_songs)}
        cure = _("pip install -r requirements-index.lock, then python manage.py train_model")
        return Finding("index", "degraded", detail, cure)
    if weak := [label for label, index in indexes if not index["used"]]:
        numbers = {"indexes": ", ".join(weak), "share": f"{LEAST_RECALL:.0%}"}
        detail = _("%(indexes)s find less than %(share)s of the exact songs, and are not used")
        cure = _("Train anew; the site is exact and slow until then.")
        return Finding("index", "degraded", detail % numbers, cure)
    recall = min(index["recall_at_10"] for _label, index in indexes)
    detail = _("finds at least %(share)s of the exact songs") % {"share": f"{recall:.1%}"}
    return Finding("index", "ok", detail)


def list_indexes(version: ModelVersion) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (component and name, what was measured) of each index that was built for a version."""
    components = version.metadata.get("indexes", {}).get("components", {})
    for component, indexes in components.items():
        for name, index in indexes.items():
            yield f"{component} {name}", index


def _compute_manifest_digest(version: ModelVersion) -> str:
    """Return the digest of a version's manifest; empty where it can't be read, which is damage, too."""
    try:
        return compute_manifest_digest(get_folder(version))
    except OSError:
        return ""


def check_worker() -> Finding:
    """Say whether somebody works on every queue: with one worker gone its jobs wait while the other's are done."""
    silence = workers.find_silence_seconds()
    unattended = [queue for queue in QUEUES if not workers.has_worker(queue)]
    cure = _(
        "Start one: `celery -A musicrec_site worker -Q %(queues)s`, or `make run`, which starts everything."
    ) % {"queues": ",".join(unattended)}
    if silence is None:
        return Finding("worker", "degraded", _("none is at work"), cure)
    seconds = {"n": f"{silence:.0f}"}
    if unattended == list(QUEUES):
        return Finding("worker", "degraded", _("last heard of %(n)s s ago") % seconds, cure)
    if unattended:
        text = ngettext(
            "nobody works on the queue %(queues)s",
            "nobody works on the queues %(queues)s",
            len(unattended),
        ) % {"queues": ", ".join(unattended)}
        return Finding("worker", "degraded", text, cure)
    return Finding("worker", "ok", _("heard of %(n)s s ago") % seconds)
