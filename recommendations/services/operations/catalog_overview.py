"""What the catalog holds, and in which ways songs and listens come in, for the operator."""

from dataclasses import dataclass

from django.db.models import Count, Q

from catalog.models import Album, Artist, ImportRun, MusicFolder, MusicServer, Song

N_IMPORTS = 8


@dataclass(frozen=True)
class CatalogOverview:
    """Figures of the songs that can be recommended, and where they come from."""

    n_songs: int
    n_withdrawn: int
    n_artists: int
    n_albums: int
    n_with_genre: int
    n_with_sound: int
    n_with_cover: int
    n_playable: int
    n_own: int
    folders: list[MusicFolder]
    servers: list[MusicServer]
    imports: list[ImportRun]

    def get_share(self, n: int) -> float | None:
        """Return which part of the songs `n` is; None where there is none."""
        return n / self.n_songs if self.n_songs else None

    @property
    def genre_share(self) -> float | None:
        return self.get_share(self.n_with_genre)

    @property
    def sound_share(self) -> float | None:
        return self.get_share(self.n_with_sound)

    @property
    def cover_share(self) -> float | None:
        return self.get_share(self.n_with_cover)

    @property
    def playable_share(self) -> float | None:
        return self.get_share(self.n_playable)


def load_overview() -> CatalogOverview:
    """Return the overview; seven queries, one of which reads every song."""
    available = Q(is_available=True)
    counts = Song.objects.order_by().aggregate(
        songs=Count("pk", filter=available),
        withdrawn=Count("pk", filter=~available),
        sound=Count("pk", filter=available & ~Q(features_source="")),
        cover=Count("pk", filter=available & ~Q(cover_tag="")),
        playable=Count("pk", filter=available & (Q(has_audio=True) | ~Q(audio_url=""))),
        own=Count("pk", filter=available & Q(brought_by__isnull=False)),
    )
    with_genre = Song.genres.through.objects.filter(song__is_available=True)
    return CatalogOverview(
        n_songs=counts["songs"],
        n_withdrawn=counts["withdrawn"],
        n_artists=Artist.objects.count(),
        n_albums=Album.objects.count(),
        n_with_genre=with_genre.aggregate(n=Count("song_id", distinct=True))["n"],
        n_with_sound=counts["sound"],
        n_with_cover=counts["cover"],
        n_playable=counts["playable"],
        n_own=counts["own"],
        folders=list(MusicFolder.objects.order_by("pk")[:20]),
        servers=list(MusicServer.objects.order_by("pk")[:20]),
        imports=list(ImportRun.objects.select_related("listener").order_by("-pk")[:N_IMPORTS]),
    )
