"""The training that a listener waits for."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from recommendations.services.training import news


@login_required
@require_safe
def show_training(request: SignedInRequest, run_id: int) -> HttpResponse:
    """Answer what a page with a running training asks every few seconds; without htmx the home page says it."""
    if not request.htmx:
        return redirect("recommendations:home")
    run_news = news.find_news(request.user)
    values = {"news": run_news, "end": "" if run_news else news.describe_end(run_id)}
    return render(request, "recommendations/_training.html", values)
