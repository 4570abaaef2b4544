"""The tables of kept sums: what one listener played by month, song, day and source.

They hold nothing that the interactions do not: `catalog.statistics.sums` counts them anew month by month, where
`catalog.listening.outdated_months` says that plays came or went. Months and days are those of the listener's time zone.
"""

from datetime import date

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.songs.models import Song

UNTIMED = date(1, 1, 1)
"""The month of plays without a time: they count in all time and in no day."""


def _make_listener_key() -> "models.ForeignKey[User, User]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )


class ListeningSums(models.Model):
    """That a listener's plays are counted, in which time zone, and how far their entity totals are.

    Entity totals go NONE -> OUTDATED -> COUNTING -> KEPT, and back to OUTDATED from the last two
    (`catalog.statistics.entity_totals`).
    """

    class Entities(models.IntegerChoices):
        NONE = 0, "none: the listener has few songs"
        OUTDATED = 1, "to be counted"
        COUNTING = 2, "being counted"
        KEPT = 3, "kept"

    listener = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", primary_key=True
    )
    time_zone = models.CharField(max_length=64)
    entities = models.PositiveSmallIntegerField(
        choices=Entities, default=Entities.NONE, db_default=Entities.NONE
    )
    n_entity_plays = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text=_("Plays of all time that the entity totals hold.")
    )

    class Meta:
        verbose_name = _("state of a listener's sums")
        verbose_name_plural = _("states of listeners' sums")
        indexes = [
            models.Index(
                fields=["entities", "listener"],
                condition=models.Q(entities__gt=0),
                name="sums_with_entities",
            )
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} in {self.time_zone}"


class OutdatedMonth(models.Model):
    """A month of a listener in which plays came or went since it was counted."""

    listener = _make_listener_key()
    month = models.DateField()
    n_changes = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("outdated month")
        verbose_name_plural = _("outdated months")
        constraints = [
            models.UniqueConstraint(fields=["listener", "month"], name="outdated_month_once")
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.month}"


class SongMonth(models.Model):
    """How often a listener played a song in a month."""

    listener = _make_listener_key()
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()
    n_plays = models.PositiveIntegerField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("song's plays in a month")
        verbose_name_plural = _("songs' plays in a month")
        constraints = [
            models.UniqueConstraint(fields=["listener", "song", "month"], name="song_month_once")
        ]
        indexes = [
            models.Index(
                fields=["listener", "month", "song", "n_plays"], name="song_month_of_listener"
            )
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.song_id} {self.month}: {self.n_plays}"


class SongTotal(models.Model):
    """How often a listener played a song in all time, and when first and last."""

    listener = _make_listener_key()
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="+")
    n_plays = models.PositiveIntegerField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("song's plays in all")
        verbose_name_plural = _("songs' plays in all")
        constraints = [models.UniqueConstraint(fields=["listener", "song"], name="song_total_once")]
        indexes = [
            models.Index(fields=["listener", "-n_plays", "song"], name="song_total_most_played"),
            models.Index(fields=["listener", "first_at"], name="song_total_first_at"),
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.song_id}: {self.n_plays}"


class DayTotal(models.Model):
    """What a listener played on one day: how often, in which hours, and how long where sources say it."""

    listener = _make_listener_key()
    day = models.DateField()
    n_plays = models.PositiveIntegerField()
    n_measured = models.PositiveIntegerField(
        help_text=_("Plays whose source says how long they were.")
    )
    played_ms = models.PositiveBigIntegerField()
    hours = models.JSONField(help_text=_("Plays in each of the 24 hours."))

    class Meta:
        verbose_name = _("plays of a day")
        verbose_name_plural = _("plays by day")
        constraints = [models.UniqueConstraint(fields=["listener", "day"], name="day_total_once")]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.day}: {self.n_plays}"


class SourceMonth(models.Model):
    """How many of a listener's plays of a month came from a source."""

    listener = _make_listener_key()
    month = models.DateField()
    source = models.CharField(max_length=40)
    n_plays = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("source's plays in a month")
        verbose_name_plural = _("sources' plays in a month")
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "month", "source"], name="source_month_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.source} {self.month}: {self.n_plays}"


class EntityTotal(models.Model):
    """How often a listener played a song, artist, album or genre in a year, or in all time (year 0).

    Only of listeners of many songs; songs of all time are `SongTotal`.
    """

    class Entity(models.IntegerChoices):
        SONG = 0, "song"
        ARTIST = 1, "artist"
        ALBUM = 2, "album"
        GENRE = 3, "genre"

    listener = _make_listener_key()
    year = models.PositiveSmallIntegerField()
    entity = models.PositiveSmallIntegerField(choices=Entity)
    entity_id = models.BigIntegerField()
    n_plays = models.BigIntegerField()

    class Meta:
        verbose_name = _("total of a song, artist, album or genre")
        verbose_name_plural = _("totals of songs, artists, albums and genres")
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "year", "entity", "entity_id"], name="entity_total_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["listener", "year", "entity", "-n_plays", "entity_id"],
                name="entity_total_most_played",
            )
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.year} {self.entity} {self.entity_id}: {self.n_plays}"


class RegroupedSong(models.Model):
    """That a song got another artist, album or genre; written by triggers, read by `entity_totals`."""

    song_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("regrouped song")
        verbose_name_plural = _("regrouped songs")

    def __str__(self) -> str:
        return str(self.song_id)


SUM_TABLES = (SongMonth, SongTotal, DayTotal, SourceMonth, EntityTotal)
