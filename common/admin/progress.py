"""What the live display of a job asks for every two seconds (`static/js/admin-progress.js`)."""

from django.http import JsonResponse

from common.jobs.models import JobRow
from common.stored_text import translate_log, translate_stored


def answer_progress(
    job: JobRow, *, stage: str, seconds_left: int | None = None, log: str = ""
) -> JsonResponse:
    """Answer where a job is; `stage` says it in words."""
    return JsonResponse(
        {
            "status": job.get_status_display(),
            "is_active": job.is_active,
            "stage": translate_stored(stage),
            "progress": round(job.progress, 3),
            "seconds_left": seconds_left,
            "log": translate_log(log, job.created_at),
        }
    )
