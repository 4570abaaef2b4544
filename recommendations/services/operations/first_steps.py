"""What an operator does first with a new site, and which of it is done."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Exists
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiToken, User
from catalog.models import Interaction, Song
from recommendations.models import ModelVersion

BACKUPS = "backups"


@dataclass(frozen=True)
class Step:
    """One step: what it brings, and the address where it is done."""

    title: str
    about: str
    is_done: bool
    address: str


@dataclass(frozen=True)
class Backup:
    """The newest backup in the data folder."""

    name: str
    made_at: datetime
    n_bytes: int


def list_steps(last_backup: Backup | None) -> list[Step]:
    """Return the steps in their order; one query."""
    everything = {
        "songs": Song.objects.all(),
        "listens": Interaction.objects.all(),
        "model": ModelVersion.objects.filter(is_active=True),
        "player": ApiToken.objects.all(),
    }
    # One query: the operator who asks is a row to hang the answers on.
    asked = User.objects.order_by("pk").annotate(
        **{name: Exists(rows) for name, rows in everything.items()}
    )
    done = asked.values(*everything).first() or dict.fromkeys(everything, False)
    return [
        Step(
            _("Bring songs"),
            _("A folder of music, a music server, or a file with titles."),
            done["songs"],
            "admin:dashboard_catalog",
        ),
        Step(
            _("Bring listens"),
            _("The history of a player or service, or what people play from now on."),
            done["listens"],
            "admin:catalog_importrun_changelist",
        ),
        Step(
            _("Train a model"),
            _("Half a minute for most sites. Until then the most played songs are served."),
            done["model"],
            "admin:recommendations_trainingrun_changelist",
        ),
        Step(
            _("Connect a player"),
            _(
                "What it plays counts from then on. Each listener makes a token for it in their settings."
            ),
            done["player"],
            "accounts:tokens",
        ),
        Step(
            _("Back up"),
            _("One file with the database and the models. Keep it elsewhere, with SECRET_KEY."),
            last_backup is not None,
            "admin:dashboard_settings",
        ),
    ]


def find_last_backup() -> Backup | None:
    """Return the newest backup in DATA_DIR/backups; None where there is none, or they are kept elsewhere."""
    folder = Path(settings.DATA_DIR) / BACKUPS
    files = (
        sorted(folder.glob("*.tar"), key=lambda file: file.stat().st_mtime)
        if folder.is_dir()
        else []
    )
    if not files:
        return None
    newest = files[-1].stat()
    made_at = datetime.fromtimestamp(newest.st_mtime, tz=timezone.get_current_timezone())
    return Backup(files[-1].name, made_at, newest.st_size)
