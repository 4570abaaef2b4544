"""The songs that most listeners heard: what searches order equal matches by."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet

from catalog.listening.sum_tables import SongTotal
from catalog.songs.kept_figures import Figure, is_small_site, read_figure

N_KEPT = 5_000


def _count() -> list[int]:
    """Return the songs that most listeners heard, the first ones first."""
    heard = SongTotal.objects.order_by().values("song").annotate(n=Count("pk"))
    return list(heard.order_by("-n", "song").values_list("song", flat=True)[:N_KEPT])


MOST_HEARD = Figure("most_heard", _count)


def select_popularity() -> QuerySet[Any] | Sequence[int]:
    """Return what `search_songs` orders by: rows to count on a small site, what a worker counted on a large one.

    Of a word that half of the songs have, the rows to count would be half of all that everybody ever heard.
    """
    if is_small_site():
        return SongTotal.objects.all()
    return read_figure(MOST_HEARD).value or ()
