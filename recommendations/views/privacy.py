"""My data, and whether it is used."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import PersonalisationForm
from accounts.requests import SignedInRequest
from common.http import SiteRequest
from recommendations.models import ForgettingReceipt
from recommendations.services.preferences import data_export, personalisation
from recommendations.services.versions import deletion_receipts


@login_required
@require_safe
def show_my_data(request: SignedInRequest) -> HttpResponse:
    response = JsonResponse(
        data_export.export_data(request.user),
        json_dumps_params={"indent": 1, "ensure_ascii": False},
    )
    response["Content-Disposition"] = 'attachment; filename="musicrec-my-data.json"'
    return response


@login_required
@require_safe
def show_deletions(request: SignedInRequest) -> HttpResponse:
    """List what the listener deleted and whether it is unlearned."""
    context = {"receipts": deletion_receipts.list_receipts(request.user)}
    return render(request, "recommendations/deletions.html", context)


@require_safe
def show_forgotten(request: SiteRequest, receipt_id: UUID) -> HttpResponse:
    """Show one receipt to everybody who has its address; it names nobody."""
    receipt = get_object_or_404(ForgettingReceipt, pk=receipt_id)
    context = {"state": deletion_receipts.describe_receipt(receipt)}
    return render(request, "recommendations/forgotten.html", context)


@login_required
@require_POST
def set_personalisation(request: SignedInRequest) -> HttpResponse:
    form = PersonalisationForm(request.POST)
    form.full_clean()
    personalisation.set_personalised(request.user, form.cleaned_data["personalised"])
    if request.user.personalised:
        messages.success(request, _("Your history is used for your recommendations again."))
    else:
        messages.success(
            request,
            _("You now get the same lists as everybody, and your history is left out of training."),
        )
    return redirect("accounts:settings")
