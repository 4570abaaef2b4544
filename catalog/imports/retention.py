"""What imports and players leave behind when its time is over."""

from pathlib import Path

from django.conf import settings

from catalog.conf import catalog_conf
from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.models import NowPlaying, Submission
from catalog.listening.submissions import KEPT_FOR
from common.retention import (
    INCOMING_DAYS,
    compute_cutoff,
    delete_in_steps,
    delete_old_files,
    delete_old_folders,
)

STRAY_FILES_DAYS = 2
"""An uploaded file of which no import knows stays so long."""


def delete_expired() -> dict[str, int]:
    """Delete rejected rows, imports without effect and stray uploads that are over; return how many of each.

    An import that added something stays as long as what it added: it can be undone, and its songs go with it.
    """
    over = ImportRun.objects.exclude(status__in=ImportRun.ACTIVE)
    rejected_before = compute_cutoff(catalog_conf.rejected_rows_days)
    without_effect = over.filter(
        finished_at__lt=compute_cutoff(catalog_conf.import_runs_days), interactions=None, songs=None
    )
    stored_paths = ImportRun.objects.exclude(stored_path="").values_list("stored_path", flat=True)
    return {
        "rejected rows": delete_in_steps(
            RejectedImportRow.objects.filter(
                import_run__in=over.filter(finished_at__lt=rejected_before).values("pk")
            )
        ),
        "imports": delete_in_steps(without_effect),
        "submissions": delete_in_steps(
            Submission.objects.filter(created_at__lt=compute_cutoff(KEPT_FOR.days or 1))
        ),
        "playing now": delete_in_steps(NowPlaying.objects.filter(ends_at__lt=compute_cutoff(1))),
        "uploads": delete_old_files(
            settings.UPLOADS_DIR,
            STRAY_FILES_DAYS,
            kept=frozenset(Path(path).name for path in stored_paths),
        ),
        "incoming files": delete_old_files(settings.INCOMING_DIR, INCOMING_DAYS),
        "incoming folders": delete_old_folders(settings.INCOMING_DIR, STRAY_FILES_DAYS, "tmp*"),
    }
