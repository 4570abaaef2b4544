"""Other ids under which songs were heard."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.songs.models import Song


class SongAlias(models.Model):
    """An id under which a song was heard and which is not its own: another recording's, or one that is taken.

    Several songs may have been heard with one id, as sources give wrong ones; names decide between them.
    """

    class Kind(models.TextChoices):
        MBID = "mbid", _("MusicBrainz id")
        SPOTIFY = "spotify_id", _("Spotify id")
        ISRC = "isrc", _("ISRC")

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    value = models.CharField(_("id"), max_length=64)

    class Meta:
        verbose_name = _("other id of a song")
        verbose_name_plural = _("other ids of songs")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["value", "kind", "song"], name="song_alias_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
