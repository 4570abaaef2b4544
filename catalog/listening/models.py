"""What a listener did with a song: plays, skips and opinions."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog import records
from catalog.songs.models import Song


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def for_listener(self, listener: User) -> "InteractionQuerySet":
        return self.filter(listener=listener)

    def likes(self) -> "InteractionQuerySet":
        return self.filter(kind=Interaction.Kind.LIKE)

    def dislikes(self) -> "InteractionQuerySet":
        return self.filter(kind=Interaction.Kind.DISLIKE)

    def opinions(self) -> "InteractionQuerySet":
        return self.filter(kind__in=[Interaction.Kind.LIKE, Interaction.Kind.DISLIKE])

    def plays_and_skips(self) -> "InteractionQuerySet":
        return self.filter(kind__in=[Interaction.Kind.PLAY, Interaction.Kind.SKIP])


class Interaction(models.Model):
    """One fact. Opinions (like, dislike) replace one another; plays and skips add up.

    Sending the same fact twice stores it once: the unique constraints are the idempotency keys.
    """

    class Kind(models.IntegerChoices):
        PLAY = records.PLAY, _("play")
        LIKE = records.LIKE, _("like")
        DISLIKE = records.DISLIKE, _("dislike")
        SKIP = records.SKIP, _("skip")

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="interactions",
        db_index=False,
        verbose_name=_("listener"),
    )
    song = models.ForeignKey(
        Song,
        on_delete=models.CASCADE,
        related_name="interactions",
        db_index=False,
        verbose_name=_("song"),
    )
    kind = models.PositiveSmallIntegerField(_("kind"), choices=Kind)
    plays = models.PositiveIntegerField(
        _("plays"),
        default=1,
        help_text=_("How many plays this row stands for; files with counts give one row a song."),
    )
    played_ms = models.PositiveIntegerField(_("played (ms)"), null=True, blank=True)
    occurred_at = models.DateTimeField(
        _("when"),
        null=True,
        blank=True,
        help_text=_("Start of the play; empty where the source does not tell."),
    )
    source = models.CharField(_("source"), max_length=40)
    import_run = models.ForeignKey(
        "catalog.ImportRun",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="interactions",
        db_index=False,
    )

    objects = InteractionQuerySet.as_manager()

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        indexes = [
            models.Index(fields=["listener", "occurred_at"], name="interaction_history"),
            models.Index(fields=["song", "kind"], name="interaction_song"),
            models.Index(
                fields=["import_run"],
                name="interaction_import_run",
                condition=models.Q(import_run__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "song"],
                condition=models.Q(kind__in=[1, 2]),
                name="interaction_one_opinion_a_song",
            ),
            models.UniqueConstraint(
                fields=["listener", "song", "occurred_at", "kind"],
                condition=models.Q(kind__in=[0, 3], occurred_at__isnull=False),
                name="interaction_one_play_a_moment",
            ),
            models.UniqueConstraint(
                fields=["listener", "song", "kind", "source"],
                condition=models.Q(kind__in=[0, 3], occurred_at__isnull=True),
                name="interaction_one_untimed_row_a_source",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[0, 1, 2, 3]), name="interaction_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(plays__gte=1), name="interaction_plays_at_least_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listener} {self.get_kind_display()} {self.song}"


class Submission(models.Model):
    """A write that a client marked with an Idempotency-Key, and what it was answered.

    Sent again, it gets the same answer and nothing is written. Rows are kept for some days.
    """

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(max_length=100)
    body_sha256 = models.CharField(max_length=64)
    answer = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = [
            models.UniqueConstraint(fields=["listener", "key"], name="submission_once_a_key")
        ]

    def __str__(self) -> str:
        return self.key


class RecordingMsid(models.Model):
    """A ListenBrainz message id (msid) and the song that it was resolved to."""

    msid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="recording_msids")

    class Meta:
        verbose_name = _("recording MSID")
        verbose_name_plural = _("recording MSIDs")

    def __str__(self) -> str:
        return str(self.msid)


class NowPlaying(models.Model):
    """The song that a player last announced for a listener; it plays until `ends_at`.

    Such a song is no listen yet and may be new to the catalog, so the row keeps its description: a heart that
    comes by `msid` or by the MusicBrainz id in the description adds the song.
    """

    listener = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="now_playing",
        primary_key=True,
    )
    msid = models.UUIDField()
    song = models.JSONField()
    player = models.CharField(max_length=200)
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("song that plays now")
        verbose_name_plural = _("songs that play now")

    def __str__(self) -> str:
        return str(self.msid)


class LatestImport(models.Model):
    """How far a program has brought a listener's history from another service, as the program itself says."""

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="latest_imports",
        db_index=False,
    )
    service = models.CharField(max_length=40)
    listened_at = models.DateTimeField()

    class Meta:
        verbose_name = _("latest import")
        verbose_name_plural = _("latest imports")
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "service"], name="latest_import_once_a_service"
            )
        ]

    def __str__(self) -> str:
        return self.service
