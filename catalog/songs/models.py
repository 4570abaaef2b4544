"""The music itself: artists, albums, genres and songs."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.names.artist_keys import build_lookup_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import build_search_text, list_query_words, normalise
from catalog.records import AUDIO_FEATURES, FASTEST_TEMPO
from catalog.songs import search_index
from common.generics import StrOrPromise


def build_visible(listener: Any, prefix: str = "") -> models.Q:
    """Return the condition for songs that `listener` may see; None is somebody without an account.

    What one listener's plays alone brought is theirs (`Song.brought_by`); everything else is seen by all. `prefix`
    leads from another table to the songs.
    """
    visible = models.Q(**{f"{prefix}brought_by": None})
    pk = getattr(listener, "pk", None)
    return visible | models.Q(**{f"{prefix}brought_by": pk}) if pk else visible


class ArtistQuerySet(models.QuerySet["Artist"]):
    def filter_visible(self, listener: Any) -> "ArtistQuerySet":
        """Artists with a song that `listener` may see, as the main artist or as another one of its credit."""
        pk = models.OuterRef("pk")
        main = Song.objects.filter(build_visible(listener), artist=pk)
        guest = ArtistCredit.objects.filter(build_visible(listener, "song__"), artist=pk)
        return self.filter(models.Exists(main) | models.Exists(guest))

    def matching(self, words: str) -> "ArtistQuerySet":
        """Artists whose name contains every word of `words`, or is written like it without blanks: AC/DC, ACDC."""
        query_words = list_query_words(words)
        if not query_words:
            return self
        has_words = search_index.build_condition(search_index.ARTIST_INDEX, " ".join(query_words))
        for word in query_words:
            has_words &= models.Q(search_text__contains=word)
        begins = search_index.build_beginning("lookup_key", "".join(query_words))
        return self.filter(has_words | begins)


class Artist(models.Model):
    name = models.CharField(_("name"), max_length=500)
    search_text = models.CharField(max_length=500, editable=False, db_index=True)
    lookup_key = models.CharField(max_length=300, editable=False, db_index=True, default="")
    mbid = models.UUIDField(_("MusicBrainz id"), null=True, blank=True, unique=True)

    objects = ArtistQuerySet.as_manager()

    class Meta:
        verbose_name = _("artist")
        verbose_name_plural = _("artists")
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["name", "id"], name="artist_name")]
        constraints = [
            # Two artists may share a name only when MusicBrainz tells them apart.
            models.UniqueConstraint(
                fields=["search_text"],
                condition=models.Q(mbid=None),
                name="artist_without_mbid_has_unique_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_text = normalise(self.name)[:500]
        self.lookup_key = build_lookup_key(self.name)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Say which name is taken; the database's constraint would only fail."""
        same = Artist.objects.filter(search_text=normalise(self.name)[:500], mbid=None).exclude(
            pk=self.pk
        )
        if self.mbid is None and same.exists():
            raise ValidationError(_("There is an artist of this name already: merge the two."))


class AlbumQuerySet(models.QuerySet["Album"]):
    def matching(self, words: str) -> "AlbumQuerySet":
        """Albums whose title or artist contains every word of `words`, whatever its case and accents."""
        albums = self
        for word in list_query_words(words):
            has_word = models.Q(search_text__contains=word)
            has_word &= search_index.build_condition(search_index.ALBUM_INDEX, word)
            by_artist = models.Q(search_text__contains=word)
            by_artist &= search_index.build_condition(search_index.ARTIST_INDEX, word)
            artists = Artist.objects.filter(by_artist).order_by().values("pk")
            rows = Album.objects.order_by().values("pk")
            # two halves with an index each; one condition with OR reads every album
            matching_ids = rows.filter(has_word).union(rows.filter(artist__in=artists))
            albums = albums.filter(pk__in=matching_ids)
        return albums


class Album(models.Model):
    title = models.CharField(_("title"), max_length=500)
    search_text = models.CharField(max_length=500, editable=False)
    artist = models.ForeignKey(
        Artist, on_delete=models.CASCADE, related_name="albums", verbose_name=_("artist")
    )
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    mbid = models.UUIDField(_("MusicBrainz id"), null=True, blank=True, unique=True)

    objects = AlbumQuerySet.as_manager()

    class Meta:
        verbose_name = _("album")
        verbose_name_plural = _("albums")
        ordering = ["title", "id"]
        indexes = [models.Index(fields=["title", "id"], name="album_title")]
        constraints = [
            models.UniqueConstraint(
                fields=["artist", "search_text"],
                condition=models.Q(mbid=None),
                name="album_without_mbid_has_unique_title_of_artist",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_text = normalise(self.title)[:500]
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Say which title is taken; the database's constraint would only fail."""
        same = Album.objects.filter(
            search_text=normalise(self.title)[:500], artist=self.artist_id, mbid=None
        )
        if self.mbid is None and same.exclude(pk=self.pk).exists():
            raise ValidationError(_("There is an album of this title by the same artist already."))


class Genre(models.Model):
    name = models.CharField(_("name"), max_length=100)
    search_text = models.CharField(max_length=100, editable=False, unique=True)

    class Meta:
        verbose_name = _("genre")
        verbose_name_plural = _("genres")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_text = normalise(self.name)[:100]
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Say which name is taken; the database's constraint would only fail."""
        same = Genre.objects.filter(search_text=normalise(self.name)[:100]).exclude(pk=self.pk)
        if same.exists():
            raise ValidationError(_("There is a genre of this name already: merge the two."))


class SongQuerySet(models.QuerySet["Song"]):
    def available(self) -> "SongQuerySet":
        return self.filter(is_available=True)

    def filter_visible(self, listener: Any) -> "SongQuerySet":
        """All but what other listeners' plays alone brought; None is somebody without an account."""
        return self.filter(build_visible(listener))

    def filter_offered(self, listener: Any) -> "SongQuerySet":
        """Songs that a list for `listener` may show: available, and not other listeners' own."""
        return self.available().filter_visible(listener)

    def matching(self, words: str) -> "SongQuerySet":
        """Songs whose title or artist contains every word of `words`, whatever its case and accents."""
        query_words = list_query_words(words)
        songs = self.filter(search_index.build_condition(search_index.INDEX, " ".join(query_words)))
        for word in query_words:
            songs = songs.filter(search_text__contains=word)
        return songs

    def by_artists(self, artist_ids: Iterable[int]) -> "SongQuerySet":
        """Songs whose credit names one of the artists, as the main one, as one of several or as a guest."""
        ids = list(artist_ids)
        # two halves with an index each; one condition with OR reads every song
        main = Song.objects.filter(artist__in=ids).order_by().values("pk")
        guest = ArtistCredit.objects.filter(artist__in=ids).order_by().values("song")
        return self.filter(pk__in=main.union(guest))

    def pair_with_artists(self, artist_ids: Iterable[int]) -> list[tuple[int, int]]:
        """Return (song, artist) for each of the artists that the credit of one of these songs names; one query."""
        ids, songs = list(artist_ids), self.order_by()
        main = songs.filter(artist__in=ids).values_list("pk", "artist")
        guest = ArtistCredit.objects.filter(artist__in=ids, song__in=songs.values("pk")).order_by()
        return list(main.union(guest.values_list("song", "artist")))

    def for_cards(self) -> "SongQuerySet":
        """With everything a card shows, in a number of queries that does not grow with the songs."""
        return self.select_related("artist", "album").prefetch_related("genres")


def _make_audio_feature(label: StrOrPromise) -> "models.FloatField[float | None, float | None]":
    return models.FloatField(label, null=True, blank=True)


class Song(models.Model):
    """A song of the catalog. `key` is its public id: `song_00042`, or what the owner's own files call it."""

    key = models.CharField(_("id"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=500)
    artist = models.ForeignKey(
        Artist, on_delete=models.CASCADE, related_name="songs", verbose_name=_("artist")
    )
    credit = models.CharField(
        _("credit"),
        max_length=500,
        blank=True,
        help_text=_(
            "The artists as the source writes them, where that is more than the artist's name."
        ),
    )
    album = models.ForeignKey(
        Album,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="songs",
        verbose_name=_("album"),
    )
    genres = models.ManyToManyField(
        Genre, blank=True, related_name="songs", verbose_name=_("genres")
    )
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration (ms)"), null=True, blank=True)

    acousticness = _make_audio_feature(_("acousticness"))
    danceability = _make_audio_feature(_("danceability"))
    energy = _make_audio_feature(_("energy"))
    instrumentalness = _make_audio_feature(_("instrumentalness"))
    liveness = _make_audio_feature(_("liveness"))
    speechiness = _make_audio_feature(_("speechiness"))
    valence = _make_audio_feature(_("valence"))
    tempo = _make_audio_feature(_("tempo (BPM)"))
    features_source = models.CharField(_("source of the features"), max_length=64, blank=True)
    other_sources = models.JSONField(
        _("features from elsewhere"),
        null=True,
        blank=True,
        editable=False,
        help_text=_(
            "The source of each feature that does not come from the source of the features."
        ),
    )

    mbid = models.UUIDField(_("MusicBrainz id"), null=True, blank=True, unique=True)
    isrc = models.CharField(_("ISRC"), max_length=12, blank=True, db_index=True)
    spotify_id = models.CharField(
        _("Spotify id"), max_length=22, null=True, blank=True, unique=True
    )
    audio_url = models.URLField(_("audio or preview address"), max_length=500, blank=True)
    disc_number = models.PositiveSmallIntegerField(_("disc"), null=True, blank=True)
    track_number = models.PositiveSmallIntegerField(_("track"), null=True, blank=True)

    # What `songs/sources.py` computes from the tables of all sources, so that a page of cards needs no query for it.
    has_audio = models.BooleanField(
        _("can be played here"),
        default=False,
        editable=False,
        help_text=_("A file of a scanned folder or of a connected server holds it."),
    )
    lost_audio = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("It was withdrawn because its last file vanished, and comes back with one."),
    )
    cover_tag = models.CharField(
        max_length=16,
        blank=True,
        editable=False,
        help_text=_("Names the picture that a source has of it; another picture has another tag."),
    )

    is_available = models.BooleanField(_("available"), default=True)
    import_run = models.ForeignKey(
        "catalog.ImportRun",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="songs",
        db_index=False,
        editable=False,
        help_text=_(
            "The import that brought the song; undoing it takes the song away again if nobody uses it."
        ),
    )
    brought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        editable=False,
        verbose_name=_("brought by"),
        help_text=_(
            "The listener whose plays alone brought it. Only they see it, until others or an operator bring it, "
            "and it goes with the account."
        ),
    )
    search_text = models.CharField(max_length=1100, editable=False)
    match_key = models.CharField(max_length=1100, editable=False, db_index=True)
    work_key = models.CharField(max_length=1100, editable=False, db_index=True, default="")
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = SongQuerySet.as_manager()

    class Meta:
        verbose_name = _("song")
        verbose_name_plural = _("songs")
        ordering = ["title", "id"]
        indexes = [
            models.Index(fields=["year"], name="song_year"),
            models.Index(fields=["title", "id"], name="song_title"),
            models.Index(
                fields=["id"], name="song_withdrawn", condition=models.Q(is_available=False)
            ),
            models.Index(
                fields=["cover_tag"], name="song_cover_tag", condition=~models.Q(cover_tag="")
            ),
            models.Index(
                fields=["import_run"],
                name="song_import_run",
                condition=models.Q(import_run__isnull=False),
            ),
            models.Index(
                fields=["brought_by"],
                name="song_brought_by",
                condition=models.Q(brought_by__isnull=False),
            ),
        ]
        constraints = [
            *(
                models.CheckConstraint(
                    condition=models.Q(**{name: None}) | models.Q(**{f"{name}__range": (0.0, 1.0)}),
                    name=f"song_{name}_is_0_to_1",
                )
                for name in AUDIO_FEATURES
                if name != "tempo"
            ),
            models.CheckConstraint(
                condition=models.Q(tempo=None) | models.Q(tempo__gt=0, tempo__lte=FASTEST_TEMPO),
                name="song_tempo_is_bpm",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} – {self.artist}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.update_derived()
        super().save(*args, **kwargs)

    def update_derived(self) -> None:
        """Recompute from title and artist what the song is searched and matched by."""
        self.search_text = build_search_text(self.title, self.artist_credit)
        self.match_key, self.work_key = build_song_keys(self.artist_credit, self.title)

    @property
    def artist_credit(self) -> str:
        """The artists as the source writes them, guests included."""
        return self.credit or self.artist.name

    def learn_features(self, features: Mapping[str, float | None], source: str) -> None:
        """Set some features, which come from `source`; the others keep their values and sources."""
        if features and all(value is None for value in self.audio_features.values()):
            self.features_source, self.other_sources = source, None
        others = dict.fromkeys(features, source) if source != self.features_source else {}
        kept_sources = {
            name: of for name, of in (self.other_sources or {}).items() if name not in features
        }
        self.other_sources = kept_sources | others or None
        for name, value in features.items():
            setattr(self, name, value)

    def get_source(self, feature: str) -> str:
        """Return where a feature comes from; empty where nobody said."""
        return str((self.other_sources or {}).get(feature, self.features_source))

    @property
    def features_by_source(self) -> dict[str, list[str]]:
        """The known features by their sources; those of no known source are left out."""
        names_by_source: dict[str, list[str]] = {}
        for name, value in self.audio_features.items():
            if value is not None and (source := self.get_source(name)):
                names_by_source.setdefault(source, []).append(name)
        return names_by_source

    @property
    def audio_features(self) -> dict[str, float | None]:
        return {name: getattr(self, name) for name in AUDIO_FEATURES}


class ArtistCredit(models.Model):
    """An artist that a song's credit names beside `song.artist`: one of several, or a guest."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="credits", db_index=False)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="credits")

    class Meta:
        verbose_name = _("credited artist")
        verbose_name_plural = _("credited artists")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["song", "artist"], name="artist_credited_once_a_song"),
        ]

    def __str__(self) -> str:
        return f"{self.artist} – {self.song}"
