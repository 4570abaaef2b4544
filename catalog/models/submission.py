"""What clients said about their own submissions, so that saying it again changes nothing."""

import uuid

from django.conf import settings
from django.db import models

from catalog.models.music import Song


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
        constraints = [models.UniqueConstraint(fields=["listener", "key"], name="submission_once_a_key")]

    def __str__(self) -> str:
        return self.key


class HeardName(models.Model):
    """A name under which a player sent a song: its ListenBrainz message id, and the song it was taken for."""

    msid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="heard_names")

    def __str__(self) -> str:
        return str(self.msid)


class NowPlaying(models.Model):
    """The song that a player last announced for a listener; it plays until `ends_at`.

    Such a song is no listen yet and may be new to the catalog, so the row keeps its description: a heart that
    comes by `msid` or by the MusicBrainz id in the description adds the song.
    """

    listener = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="now_playing", primary_key=True
    )
    msid = models.UUIDField()
    song = models.JSONField()
    player = models.CharField(max_length=200)
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.msid)


class LatestImport(models.Model):
    """How far a program has brought a listener's history from another service, as the program itself says."""

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="latest_imports", db_index=False
    )
    service = models.CharField(max_length=40)
    listened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listener", "service"], name="latest_import_once_a_service")
        ]

    def __str__(self) -> str:
        return self.service
