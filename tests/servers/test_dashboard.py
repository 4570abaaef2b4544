"""The operator connects a server, tests it and has it read."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import User
from catalog.models import MusicServer, ServerAccount, ServerSong, ServerSync, Song
from catalog.servers import syncs
from catalog.servers.credentials import decrypt_secret, encrypt_secret
from tests.servers.stand_in import ACCOUNT, PASSWORD, Raw, StandIn, serve_stand_in

pytestmark = pytest.mark.django_db
CHOICES = {"kind": "subsonic", "sync_library": "on", "sync_every_hours": "24"}


@pytest.fixture
def dashboard(client):
    client.force_login(User.objects.create_superuser("otto"))
    return client


def add_server(dashboard, address: str, password: str = PASSWORD, **fields: str):
    form = CHOICES | {
        "name": "Attic",
        "address": address,
        "account_name": ACCOUNT,
        "password": password,
    }
    return dashboard.post(reverse("admin:catalog_musicserver_add"), form | fields, follow=True)


def say(answer) -> str:
    return answer.content.decode().replace("&#x27;", "'")


def act(dashboard, action: str, server: MusicServer):
    return dashboard.post(
        reverse(f"admin:catalog_musicserver_{action}", args=[server.pk]), follow=True
    )


def test_a_server_is_connected_tested_and_read(dashboard, stand_in):
    answer = add_server(dashboard, stand_in.address + "/")
    assert "The server is connected, and its songs are on their way." in say(answer)
    server = MusicServer.objects.get()
    assert (server.address, decrypt_secret(server.secret)) == (stand_in.address, PASSWORD)
    syncs.run_next_sync()
    assert Song.objects.count() == 12
    assert "Navidrome answers. Its first song: “Song 0” by Artist 0." in say(
        act(dashboard, "test", server)
    )
    page = say(dashboard.get(reverse("admin:catalog_musicserver_change", args=[server.pk])))
    assert "12 songs are here." in page
    assert PASSWORD not in page and server.secret not in page


def test_a_wrong_password_is_told_and_nothing_is_saved(dashboard, stand_in):
    answer = add_server(dashboard, stand_in.address, "wrong")
    assert "The server does not accept this account or password." in say(answer)
    assert not MusicServer.objects.exists()


def test_without_a_password_nothing_is_saved(dashboard, stand_in):
    assert "Enter the password of this account there." in say(
        add_server(dashboard, stand_in.address, "")
    )


@pytest.mark.parametrize("address", ["ftp://x", "http://u:p@h/", "http://", "x", "http://a b"])
def test_what_is_no_address_is_told(dashboard, address):
    answer = add_server(dashboard, address)
    assert answer.status_code in (200, 400) and not MusicServer.objects.exists()


def test_the_stored_password_is_not_sent_to_another_address(dashboard, server):
    """Somebody at the dashboard could else read it by entering the address of a server of their own."""
    with serve_stand_in(StandIn()) as elsewhere:
        form = CHOICES | {"name": "Attic", "address": elsewhere.address, "account_name": ACCOUNT}
        address = reverse("admin:catalog_musicserver_change", args=[server.pk])
        assert "Enter the password" in say(dashboard.post(address, form, follow=True))
        assert elsewhere.asked == []
    server.refresh_from_db()
    assert server.address != elsewhere.address


def test_other_things_are_changed_without_the_password(dashboard, server):
    form = CHOICES | {"name": "Loft", "address": server.address, "account_name": ACCOUNT}
    dashboard.post(reverse("admin:catalog_musicserver_change", args=[server.pk]), form)
    server.refresh_from_db()
    assert (server.name, decrypt_secret(server.secret)) == ("Loft", PASSWORD)


def test_a_server_without_songs_and_one_that_is_away_are_told(dashboard, server, stand_in):
    stand_in.songs = []
    assert "this account sees no songs there" in say(act(dashboard, "test", server))
    stand_in.answers["ping"] = lambda request: Raw(b"", 500)
    assert "answered with an error (HTTP 500)" in say(act(dashboard, "test", server))


def test_sync_now_reads_everything_and_can_be_stopped(dashboard, server):
    assert "The sync is on its way." in say(act(dashboard, "sync", server))
    assert ServerSync.objects.get().is_forced
    progress = dashboard.get(reverse("admin:catalog_musicserver_progress", args=[server.pk])).json()
    assert progress["is_active"]
    act(dashboard, "cancel", server)
    assert ServerSync.objects.get().status == "cancelled"


def test_titles_of_a_hostile_server_are_text(dashboard, server, stand_in):
    stand_in.songs[0]["title"] = "<script>alert(1)</script>"
    stand_in.songs[1] |= {"title": "", "id": "<img src=x onerror=alert(1)>"}
    assert "<script>alert" not in say(act(dashboard, "test", server))
    syncs.request_library_sync(server)
    syncs.run_next_sync()
    page = say(dashboard.get(reverse("admin:catalog_musicserver_change", args=[server.pk])))
    assert "&lt;img src=x" in page and "<img src=x" not in page


@pytest.mark.parametrize("action", ["test", "sync", "cancel"])
def test_nobody_else_may(client, server, action):
    address = reverse(f"admin:catalog_musicserver_{action}", args=[server.pk])
    assert client.post(address).status_code == 302
    looker = User.objects.create_user("sam", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    assert client.post(address).status_code == 403
    client.force_login(User.objects.create_superuser("otto"))
    assert client.get(address).status_code == 403


def test_a_deleted_server_takes_its_songs_out(dashboard, server):
    syncs.request_library_sync(server)
    syncs.run_next_sync()
    address = reverse("admin:catalog_musicserver_delete", args=[server.pk])
    assert dashboard.post(address, {"post": "yes"}).status_code == 302
    assert not Song.objects.available().exists() and Song.objects.count() == 12


def test_rows_that_are_deleted_one_by_one_leave_nothing_offered_or_open(dashboard, stand_in):
    """A song without its row was offered still and played nothing; a joined account left its session there."""
    add_server(dashboard, stand_in.address)
    syncs.run_next_sync()
    server = MusicServer.objects.get()
    first, *others = ServerSong.objects.order_by("pk")
    dashboard.post(reverse("admin:catalog_serversong_delete", args=[first.pk]), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [others[0].pk], "post": "yes"}
    dashboard.post(reverse("admin:catalog_serversong_changelist"), chosen)
    gone = [first.song_id, others[0].song_id]
    assert list(Song.objects.filter(pk__in=gone).values_list("has_audio", "is_available")) == [
        (False, False),
        (False, False),
    ]
    assert Song.objects.filter(has_audio=True).count() == 10

    MusicServer.objects.update(kind=MusicServer.Kind.JELLYFIN)
    lena = User.objects.create_user("lena")
    secret = encrypt_secret("user-1:token-1")
    account = ServerAccount.objects.create(
        server=server, user=lena, account_name="lena", secret=secret
    )
    stand_in.answers = {"/Sessions/Logout": lambda request: Raw(b"", 204)}
    dashboard.post(
        reverse("admin:catalog_serveraccount_delete", args=[account.pk]), {"post": "yes"}
    )
    assert not ServerAccount.objects.exists()
    assert stand_in.count("/Sessions/Logout") == 1
