"""Music servers: what is connected, which songs are there, and which listener has an account there."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from catalog.songs.models import Song
from catalog.songs.sources import AudioSource
from common.jobs.models import JobRow

ITEM_ID_LENGTH = 255


class MusicServer(models.Model):
    """A music server of the household. Only an operator may enter its address.

    `secret` is what the server takes as proof for `account_name`, encrypted (`catalog.servers.credentials`).
    """

    class Kind(models.TextChoices):
        SUBSONIC = "subsonic", "Subsonic (Navidrome, Gonic, Ampache, LMS, Airsonic …)"
        JELLYFIN = "jellyfin", "Jellyfin"

    class Interval(models.IntegerChoices):
        NEVER = 0, _("only by hand")
        HOURLY = 1, _("every hour")
        QUARTERLY = 6, _("every 6 hours")
        DAILY = 24, _("every day")
        WEEKLY = 168, _("every week")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.SUBSONIC)
    address = models.CharField(
        _("address"),
        max_length=500,
        help_text=_("As this machine reaches it, such as http://192.168.1.5:4533."),
    )
    web_address = models.CharField(
        _("address of its web page"),
        max_length=500,
        blank=True,
        help_text=_("As listeners reach it, for links into its own page. Empty: no links."),
    )
    account_name = models.CharField(
        _("account"), max_length=200, help_text=_("An account there that sees the whole library.")
    )
    secret = models.TextField(editable=False, blank=True)
    sync_library = models.BooleanField(_("bring its songs in"), default=True)
    sync_opinions = models.BooleanField(
        _("bring in stars and ratings of joined accounts"), default=True
    )
    sync_plays = models.BooleanField(_("bring in plays of joined accounts"), default=True)
    write_playlists = models.BooleanField(_("write playlists into it"), default=True)
    sync_every_hours = models.PositiveSmallIntegerField(
        _("how often"), choices=Interval, default=Interval.DAILY
    )
    software = models.CharField(
        _("software"),
        max_length=100,
        blank=True,
        editable=False,
        help_text=_("As it names itself."),
    )
    last_scan = models.CharField(
        max_length=100,
        blank=True,
        editable=False,
        help_text=_("Its own mark of its last scan when its library was last read to the end."),
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("music server")
        verbose_name_plural = _("music servers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def source_name(self) -> str:
        """Return the source of interactions that come from this server."""
        return f"server-{self.pk}"


class ServerSync(JobRow):
    """One reading of a server's library, or of what one joined account thinks and plays; states as in `JobRow`.

    Of a library, `cursor` says where the next page begins, written in the transaction that wrote the page before it:
    after a turn or a kill the reading goes on there. A song of the server is noted with the number of the sync that
    saw it last, so that what a complete reading did not see is known. An account is read anew after a kill.
    """

    queue_name = "server sync"

    server = models.ForeignKey(
        MusicServer, on_delete=models.CASCADE, related_name="syncs", verbose_name=_("music server")
    )
    account = models.ForeignKey(
        "catalog.ServerAccount",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="syncs",
        verbose_name=_("account there"),
    )
    cursor = models.JSONField(default=dict, editable=False)
    is_forced = models.BooleanField(
        default=False,
        help_text=_("Read everything, also where the server says that nothing changed."),
    )
    stage = models.CharField(_("stage"), max_length=100, blank=True)
    note = models.TextField(
        _("note"),
        blank=True,
        help_text=_("What was odd about the server's answers, one sentence a line."),
    )
    n_read = models.PositiveIntegerField(_("songs read"), default=0)
    n_added = models.PositiveIntegerField(_("new songs"), default=0)
    n_changed = models.PositiveIntegerField(_("changed songs"), default=0)
    n_removed = models.PositiveIntegerField(_("removed songs"), default=0)
    n_rejected = models.PositiveIntegerField(_("rejected songs"), default=0)
    turn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("server sync")
        verbose_name_plural = _("server syncs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["server"],
                condition=models.Q(status__in=["queued", "running"], account=None),
                name="server_sync_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(status__in=["queued", "running"]),
                name="server_sync_one_an_account",
            ),
        ]

    @property
    def label(self) -> str:
        return f"#{self.pk} {self.server}"


class RejectedServerSong(models.Model):
    """A song of a server that could not be read, and why."""

    sync = models.ForeignKey(ServerSync, on_delete=models.CASCADE, related_name="rejected_songs")
    item_id = models.CharField(_("id there"), max_length=ITEM_ID_LENGTH, blank=True)
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("rejected song of a server")
        verbose_name_plural = _("rejected songs of a server")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.reason}"


class ServerSongQuerySet(models.QuerySet["ServerSong"]):
    def present(self) -> Self:
        """Return the songs that the servers still have."""
        return self.filter(removed_at=None)


class ServerSong(models.Model):
    """A song of the catalog as one server has it: under which id, and where its file and cover are.

    Several items of a server may be one song. A removed item keeps its row, so that it comes back as what it was.
    """

    server = models.ForeignKey(
        MusicServer, on_delete=models.CASCADE, related_name="songs", db_index=False
    )
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="server_songs")
    item_id = models.CharField(max_length=ITEM_ID_LENGTH)
    album_item_id = models.CharField(max_length=ITEM_ID_LENGTH, blank=True)
    artist_item_id = models.CharField(max_length=ITEM_ID_LENGTH, blank=True)
    cover_id = models.CharField(max_length=ITEM_ID_LENGTH, blank=True)
    path = models.TextField(
        blank=True, help_text=_("As the server writes it; empty where it does not tell.")
    )
    suffix = models.CharField(max_length=20, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    n_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    disc_number = models.PositiveIntegerField(null=True, blank=True)
    track_number = models.PositiveIntegerField(null=True, blank=True)
    fingerprint = models.CharField(
        max_length=32,
        help_text=_("Of everything that the server said; the same one needs no second look."),
    )
    is_bringer = models.BooleanField(
        default=False, help_text=_("The song came into the catalog by this row.")
    )
    seen_in = models.BigIntegerField(default=0, help_text=_("The sync that saw it last."))
    missing_since = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = ServerSongQuerySet.as_manager()
    audio_source = AudioSource(
        present={"removed_at": None}, cover_columns=("server_id", "cover_id")
    )

    class Meta:
        verbose_name = _("song of a server")
        verbose_name_plural = _("songs of a server")
        indexes = [
            models.Index(fields=["server", "seen_in"], name="server_song_seen"),
            models.Index(
                fields=["server", "album_item_id", "disc_number", "track_number"],
                name="server_song_album",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["server", "item_id"], name="server_song_once_an_item"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} – {self.song}"


class ServerAccount(models.Model):
    """A listener's own account on a server, joined by signing in there once.

    `secret` is encrypted (`catalog.servers.credentials`); leaving deletes the row and the secret with it.
    """

    server = models.ForeignKey(
        MusicServer,
        on_delete=models.CASCADE,
        related_name="accounts",
        verbose_name=_("music server"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="server_accounts",
        verbose_name=_("listener"),
    )
    account_name = models.CharField(_("account there"), max_length=200)
    secret = models.TextField(editable=False)
    star_back = models.BooleanField(
        _("star there what you like here"),
        default=False,
        help_text=_("A like here stars the song there, and taking it back unstars it."),
    )
    writes_playlists = models.BooleanField(_("write my playlists there"), default=True)
    joined_at = models.DateTimeField(_("joined"), auto_now_add=True)
    last_pull_at = models.DateTimeField(_("last read"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("account on a music server")
        verbose_name_plural = _("accounts on music servers")
        ordering = ["server", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["server", "user"], name="server_account_one_a_listener"
            ),
            models.UniqueConstraint(
                "server", Lower("account_name"), name="server_account_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_name} – {self.server}"


class ServerAccountSong(models.Model):
    """What a joined account's server said last about one of its songs, so that only what changed there changes here."""

    account = models.ForeignKey(
        ServerAccount, on_delete=models.CASCADE, related_name="songs", db_index=False
    )
    server_song = models.ForeignKey(
        ServerSong, on_delete=models.CASCADE, related_name="account_songs"
    )
    opinion = models.CharField(
        max_length=7, blank=True, choices=[("like", _("like")), ("dislike", _("dislike"))]
    )
    is_starred = models.BooleanField(default=False)
    play_count = models.PositiveIntegerField(default=0)
    played_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("song of an account on a music server")
        verbose_name_plural = _("songs of accounts on music servers")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "server_song"], name="server_account_song_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.server_song}"


class WrittenPlaylist(models.Model):
    """A playlist that we wrote into a server: the only ones there that we change or delete.

    `name` says which list it is: "weekly-jams", "daily-mix-1", or a playlist's own id.
    """

    account = models.ForeignKey(
        ServerAccount, on_delete=models.CASCADE, related_name="playlists", db_index=False
    )
    name = models.CharField(max_length=50)
    playlist_id = models.CharField(max_length=ITEM_ID_LENGTH)
    digest = models.CharField(
        max_length=64, help_text=_("Of title and songs as they were last written.")
    )
    n_songs = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(_("written"), auto_now=True)

    class Meta:
        verbose_name = _("playlist on a music server")
        verbose_name_plural = _("playlists on music servers")
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="server_playlist_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} – {self.account}"
