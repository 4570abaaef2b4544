"""Blends: the listener's own, invitations, and the list of one."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from catalog.listening import library
from catalog.playlists import edit, reasons
from recommendations.models import Blend
from recommendations.services.reasons.feature_words import join_words
from recommendations.services.surfaces import blends
from recommendations.services.surfaces.blends import BlendedSong, BlendRefused
from recommendations.views import cards

PROBLEMS = {
    "few": gettext_lazy(
        "The list begins when at least two have joined and have personalisation on."
    ),
    "model": gettext_lazy("This site hasn't learned anything yet; the list comes when it has."),
    "unknown": gettext_lazy(
        "Nothing is known about your taste yet: the list comes when one of you has played or liked something."
    ),
    "taste": gettext_lazy("There is no song that all of you would accept."),
}
REFUSALS = {
    "full": format_lazy(gettext_lazy("A blend has at most {n} members."), n=blends.MOST_MEMBERS),
    "too_many_blends": format_lazy(
        gettext_lazy("You are in {n} blends already; leave one first."), n=blends.MOST_BLENDS
    ),
}


class TitleForm(forms.Form):
    title = forms.CharField(max_length=80)


class InviteForm(forms.Form):
    username = forms.CharField(max_length=150)


@login_required
@require_safe
def list_blends(request: SignedInRequest) -> HttpResponse:
    context = {
        "page": "playlists",
        "blends": blends.list_blends(request.user),
        "invitations": blends.list_invitations(request.user),
    }
    return render(request, "recommendations/blends.html", context)


@login_required
@require_POST
def create_blend(request: SignedInRequest) -> HttpResponse:
    form = TitleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the blend a name of at most 80 letters."))
        return redirect("recommendations:blends")
    try:
        blend = blends.create_blend(request.user, form.cleaned_data["title"])
    except BlendRefused as refusal:
        messages.error(request, REFUSALS[refusal.code])
        return redirect("recommendations:blends")
    return redirect("recommendations:blend", blend.pk)


@login_required
@require_safe
def show_blend(request: SignedInRequest, blend_id: UUID) -> HttpResponse:
    blend = _get_joined(request, blend_id)
    blended = blends.blend_songs(blend)
    served = blends.explain_for_member(request.user, blended)
    (explained,) = cards.make_cards(request.user, served or [])
    explained_by_song = {
        card.song.pk: card.reasons
        for card in explained
        if card.reasons is not None and card.reasons.is_reason
    }
    opinions = library.load_opinions(request.user, [one.song for one in blended.songs])
    rows = [
        {
            "song": one.song,
            "whom": describe_fans(one, request.user.get_username()),
            "percent": max(1, 100 - one.least_percent),
            "reasons": explained_by_song.get(one.song.pk)
            if _is_chosen_song(one, request.user)
            else None,
            "opinion": opinions.get(one.song.pk, ""),
        }
        for one in blended.songs
    ]
    context = {
        "page": "playlists",
        "blend": blend,
        "members": blend.members.filter(joined_at__isnull=False).select_related("listener"),
        "rows": rows,
        "is_unknown": served is None,
        "problem": PROBLEMS.get(blended.problem, ""),
        "may_invite": blend.members.count() < blends.MOST_MEMBERS,
    }
    return render(request, "recommendations/blend.html", context)


@login_required
@require_POST
def invite_listener(request: SignedInRequest, blend_id: UUID) -> HttpResponse:
    blend = _get_joined(request, blend_id)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return redirect("recommendations:blend", blend.pk)
    name = form.cleaned_data["username"]
    if name.casefold() in (member.casefold() for member in blends.list_members(blend)):
        messages.error(request, _("%(name)s is in this blend already.") % {"name": name})
    else:
        try:
            blends.invite_listener(blend, request.user, name)
        except BlendRefused as refusal:
            messages.error(request, REFUSALS[refusal.code])
        else:
            messages.success(
                request,
                _("If there is a listener of this name, they find your invitation under Blends."),
            )
    return redirect("recommendations:blend", blend.pk)


@login_required
@require_POST
def answer_invitation(request: SignedInRequest, blend_id: UUID) -> HttpResponse:
    """Join, decline or leave."""
    blend = _get_or_404(request, blend_id)
    if request.POST.get("answer") == "join":
        blends.join_blend(blend, request.user)
        return redirect("recommendations:blend", blend.pk)
    was_member = request.user.get_username() in blends.list_members(blend)
    blends.leave_blend(blend, request.user)
    left, declined = _("You have left “%(title)s”."), _("You have declined “%(title)s”.")
    messages.success(request, (left if was_member else declined) % {"title": blend.title})
    return redirect("recommendations:blends")


@login_required
@require_POST
def keep_blend(request: SignedInRequest, blend_id: UUID) -> HttpResponse:
    """Make a playlist of the listener's own from the songs as they are now.

    It may become public and outlive the blend, and the others agreed to neither: it says nothing about them.
    """
    blend = _get_joined(request, blend_id)
    songs = blends.blend_songs(blend).songs
    me = request.user.get_username()
    why = reasons.write_reasons(
        lambda: {
            one.song.pk: _("For %(names)s") % {"names": _("you")} for one in songs if me in one.fans
        }
    )
    playlist = edit.keep_songs(
        request.user, blend.title, songs=[one.song for one in songs], reasons=why
    )
    return redirect("catalog:playlist", playlist.pk)


def describe_fans(one: BlendedSong, me: str) -> str:
    """Return whom a song is for, in the words of the one who reads it."""
    if not one.fans:
        return _("For all of you")
    names = [_("you") if name == me else name for name in one.fans]
    return _("For %(names)s") % {"names": join_words(names)}


def _is_chosen_song(one: BlendedSong, user: User) -> bool:
    return not one.fans or user.get_username() in one.fans


def _get_or_404(request: SignedInRequest, blend_id: UUID) -> Blend:
    blend = blends.find_blend(request.user, blend_id, has_joined=False)
    if blend is None:
        raise Http404
    return blend


def _get_joined(request: SignedInRequest, blend_id: UUID) -> Blend:
    blend = blends.find_blend(request.user, blend_id, has_joined=True)
    if blend is None:
        raise Http404
    return blend
