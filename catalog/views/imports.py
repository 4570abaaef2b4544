"""A listener's own history files: uploaded, watched while they come in, looked over, taken back."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from accounts.uploads import accepts_upload
from catalog import tasks
from catalog.forms import HistoryFileForm
from catalog.imports import import_jobs, import_requests, import_summary, import_undo
from catalog.models import ImportRun
from catalog.records import WrongFile
from common.http import answer_action

REJECTED_A_PAGE = 100
_TO_UNDO = (ImportRun.Status.SUCCEEDED, ImportRun.Status.FAILED, ImportRun.Status.CANCELLED)


@accepts_upload()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_imports(request: SignedInRequest) -> HttpResponse:
    """List one's imports; POST takes a file and has a worker read it."""
    form = HistoryFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        run = _request_import(request, form)
        if run is not None:
            return redirect("catalog:import", run.pk)
    runs = [
        (run, import_requests.find_title(run)) for run in import_requests.list_imports(request.user)
    ]
    context = {"page": "library", "tab": "imports", "form": form, "runs": runs}
    return render(request, "catalog/imports.html", context)


def _request_import(request: SignedInRequest, form: HistoryFileForm) -> ImportRun | None:
    """Return the queued import, or None with the reason in the form."""
    try:
        run = import_requests.request_import(
            request.user, form.cleaned_data["file"], requested_by=request.user
        )
    except (WrongFile, import_requests.ImportRefused) as error:
        form.add_error("file", str(error))
        return None
    tasks.enqueue(run)
    return run


@login_required
@require_safe
def show_import(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Show how far an import is, what came of it and every rejected row; htmx asks for the first part again."""
    run = _get_own_import(request, run_id)
    rows = Paginator(run.rejected_rows.order_by("line"), REJECTED_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": "library",
        "tab": "imports",
        "run": run,
        "title": import_requests.find_title(run),
        "rows": rows,
        "is_under_way": run.is_active,
        "can_be_undone": run.status in _TO_UNDO,
        "percent": round(100 * run.progress),
        "summary": None if run.is_active else import_summary.summarise_import(run),
    }
    # the whole page once it is over, so that the rejected rows and "undo" come with it
    is_part = request.htmx and context["is_under_way"]
    response = render(
        request, "catalog/_import.html" if is_part else "catalog/import.html", context
    )
    if request.htmx and not is_part:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def cancel_import(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Stop an import; what is in already stays until it is undone."""
    run = _get_own_import(request, run_id)
    message = (
        _("The import was stopped.")
        if import_jobs.cancel_import(run)
        else _("The import was over already.")
    )
    return answer_action(request, message, default=f"/library/imports/{run.pk}/")


@login_required
@require_POST
def undo_import(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Take back what an import added."""
    run = _get_own_import(request, run_id)
    try:
        n = import_undo.undo_import(run)
    except import_requests.ImportRefused:
        message = _("The import is still running; stop it first.")
    else:
        message = ngettext(
            "Undone: %(n)d play was taken out of your history again.",
            "Undone: %(n)d plays were taken out of your history again.",
            n,
        ) % {"n": n}
    return answer_action(request, message, default=f"/library/imports/{run.pk}/")


def _get_own_import(request: SignedInRequest, run_id: int) -> ImportRun:
    """Return the listener's own import; somebody else's does not exist for them."""
    run: ImportRun | None = ImportRun.objects.filter(pk=run_id, listener=request.user).first()
    if run is None:
        raise Http404
    return run
