"""A listener's accounts on the music servers of the household: join, choose, read now, leave; playlists out."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog import tasks
from catalog.forms import JoinServerForm, ServerChoicesForm
from catalog.models import MusicServer, Playlist, ServerAccount
from catalog.playlists.export import files
from catalog.servers import joining, playlist_out, syncs
from catalog.servers.clients import ServerError, open_client


@login_required
@require_safe
def show_servers(request: SignedInRequest) -> HttpResponse:
    """Show every server with the listener's account there, or the form that joins one."""
    return _show(request)


def _show(
    request: SignedInRequest, refused: dict[int, JoinServerForm] | None = None
) -> HttpResponse:
    mine = ServerAccount.objects.filter(user=request.user).select_related("server")
    accounts = {account.server_id: account for account in mine}
    rows = [
        {
            "server": server,
            "account": accounts.get(server.pk),
            "reading": accounts[server.pk].syncs.active().first()
            if server.pk in accounts
            else None,
            "join": (refused or {}).get(server.pk) or JoinServerForm(auto_id=f"id_{server.pk}_%s"),
            "choices": ServerChoicesForm(
                instance=accounts.get(server.pk), auto_id=f"id_{server.pk}_%s"
            ),
        }
        for server in MusicServer.objects.all()
    ]
    status = 400 if refused else 200
    return render(
        request, "catalog/servers.html", {"page": "settings", "rows": rows}, status=status
    )


@sensitive_post_parameters("password")
@login_required
@require_POST
def join_server(request: SignedInRequest, server_id: int) -> HttpResponse:
    """Join the account whose name and password were entered, once the server has accepted them."""
    server = get_object_or_404(MusicServer, pk=server_id)
    form = JoinServerForm(request.POST, auto_id=f"id_{server.pk}_%s")
    if not form.is_valid():
        return _show(request, {server.pk: form})
    try:
        account = joining.join_account(
            request.user, server, form.cleaned_data["name"], form.cleaned_data["password"]
        )
    except joining.JoinRefused as error:
        form.add_error(None, str(error))
        return _show(request, {server.pk: form})
    tasks.enqueue(syncs.request_account_sync(account))
    messages.success(
        request, _("Your account on %(server)s is joined; it is being read.") % {"server": server}
    )
    return redirect("catalog:servers")


@login_required
@require_POST
def change_choices(request: SignedInRequest, server_id: int) -> HttpResponse:
    form = ServerChoicesForm(request.POST, instance=_get_own_account(request, server_id))
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
    return redirect("catalog:servers")


@login_required
@require_POST
def read_now(request: SignedInRequest, server_id: int) -> HttpResponse:
    account = _get_own_account(request, server_id)
    tasks.enqueue(syncs.request_account_sync(account))
    messages.success(request, _("Your account there is being read."))
    return redirect("catalog:servers")


@login_required
@require_POST
def leave_server(request: SignedInRequest, server_id: int) -> HttpResponse:
    """Delete the joined account and its secret; with "playlists" also the playlists that we wrote there."""
    account = _get_own_account(request, server_id)
    problem = joining.leave_account(account, deletes_playlists="playlists" in request.POST)
    messages.success(
        request,
        _("You have left %(server)s, and its password is deleted here.")
        % {"server": account.server},
    )
    if problem:
        messages.warning(request, problem)
    return redirect("catalog:servers")


@login_required
@require_POST
def send_playlist(request: SignedInRequest, playlist_id: str, server_id: int) -> HttpResponse:
    """Write one of the listener's own playlists into their account on a server."""
    account = _get_own_account(request, server_id)
    playlist = _get_own_playlist(request, playlist_id)
    if not account.server.write_playlists:
        raise Http404
    try:
        n_songs = playlist_out.write_own_playlist(
            account, open_client(account.server, account), playlist
        )
    except ServerError as error:
        messages.error(request, str(error))
    else:
        _say_what_was_sent(request, account, n_songs, playlist.listed_items.count())
    return redirect("catalog:playlist", playlist.pk)


def _say_what_was_sent(
    request: SignedInRequest, account: ServerAccount, n_songs: int, n_all: int
) -> None:
    if not n_songs:
        messages.warning(
            request, _("%(server)s has none of these songs.") % {"server": account.server}
        )
        return
    sentence = ngettext(
        "%(server)s has the playlist now, with %(n)d of %(all)d song.",
        "%(server)s has the playlist now, with %(n)d of %(all)d songs.",
        n_all,
    )
    messages.success(request, sentence % {"server": account.server, "n": n_songs, "all": n_all})


@login_required
@require_safe
def export_server_playlist(
    request: SignedInRequest, playlist_id: str, server_id: int
) -> HttpResponse:
    """Download a playlist as M3U8 with the paths of a server on which the listener has an account."""
    account = _get_own_account(request, server_id)
    playlist = _get_own_playlist(request, playlist_id)
    response = HttpResponse(
        playlist_out.render_m3u8(account.server, playlist),
        content_type=files.get_content_type("m3u8"),
    )
    response["Content-Disposition"] = files.build_attachment_header(playlist, "m3u8")
    return response


def _get_own_account(request: SignedInRequest, server_id: int) -> ServerAccount:
    accounts = ServerAccount.objects.select_related("server", "user")
    return get_object_or_404(accounts, server=server_id, user=request.user)


def _get_own_playlist(request: SignedInRequest, playlist_id: str) -> Playlist:
    return get_object_or_404(Playlist, pk=playlist_id, owner=request.user)
