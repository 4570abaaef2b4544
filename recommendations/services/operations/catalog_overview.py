"""What the catalog holds, and in which ways songs and listens come in, for the operator."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from catalog.models import Album, Artist, ImportRun, MusicFolder, MusicServer, Song
from catalog.songs.kept_figures import Figure, read_figure

N_IMPORTS = 8
_FIGURES = (
    "n_songs",
    "n_withdrawn",
    "n_artists",
    "n_albums",
    "n_with_genre",
    "n_with_sound",
    "n_with_cover",
    "n_playable",
    "n_own",
)


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
    counted_at: datetime | None
    folders: list[MusicFolder]
    servers: list[MusicServer]
    imports: list[ImportRun]

    def get_share(self, n: int) -> float | None:
        """Return which part of the songs `n` is; None where there is none."""
        return n / self.n_songs if self.n_songs else None

    @property
    def is_uncounted(self) -> bool:
        """Whether a worker of a large site has yet to count for the first time."""
        return self.counted_at is None

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
    """Return the overview; on a large site its figures are those that a worker counted last, 0 before."""
    counted = read_figure(CATALOG)
    return CatalogOverview(
        **(counted.value or dict.fromkeys(_FIGURES, 0)),
        counted_at=counted.at,
        folders=list(MusicFolder.objects.order_by("pk")[:20]),
        servers=list(MusicServer.objects.order_by("pk")[:20]),
        imports=list(ImportRun.objects.select_related("listener").order_by("-pk")[:N_IMPORTS]),
    )


def _count_catalog() -> dict[str, int]:
    """Count songs, artists and albums; four queries, two of which read every song."""
    available = Q(is_available=True)
    counts = Song.objects.order_by().aggregate(
        n_songs=Count("pk", filter=available),
        n_withdrawn=Count("pk", filter=~available),
        n_with_sound=Count("pk", filter=available & ~Q(features_source="")),
        n_with_cover=Count("pk", filter=available & ~Q(cover_tag="")),
        n_playable=Count("pk", filter=available & (Q(has_audio=True) | ~Q(audio_url=""))),
        n_own=Count("pk", filter=available & Q(brought_by__isnull=False)),
    )
    with_genre = Song.genres.through.objects.filter(song__is_available=True)
    return counts | {
        "n_artists": Artist.objects.count(),
        "n_albums": Album.objects.count(),
        "n_with_genre": with_genre.aggregate(n=Count("song_id", distinct=True))["n"],
    }


CATALOG = Figure("catalog", _count_catalog)
