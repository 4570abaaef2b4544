"""My data, and whether it is used."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import PersonalisationForm
from recommendations.services.preferences import data_export


@login_required
@require_safe
def my_data(request):
    response = JsonResponse(
        data_export.export_data(request.user),
        json_dumps_params={"indent": 1, "ensure_ascii": False},
    )
    response["Content-Disposition"] = 'attachment; filename="musicrec-my-data.json"'
    return response


@login_required
@require_POST
def set_personalisation(request):
    form = PersonalisationForm(request.POST)
    form.full_clean()
    data_export.set_personalised(request.user, form.cleaned_data["personalised"])
    if request.user.personalised:
        messages.success(request, _("Your history is used for your recommendations again."))
    else:
        messages.success(
            request, _("You now get popular music only, and your history is left out of training.")
        )
    return redirect("accounts:settings")
