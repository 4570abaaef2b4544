"""The listeners as an operator looks for them: plays, last listen, how much of a history they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, Max, Q, Sum

from accounts.models import User
from catalog.models import Interaction
from catalog.songs.kept_figures import is_small_site
from common.paging import BoundedPaginator
from recommendations.engine import RecommenderConfig

ROWS_A_PAGE = 50
COLD_BELOW, HOT_FROM = RecommenderConfig.cold_below, RecommenderConfig.hot_from


@dataclass(frozen=True)
class ListenerRow:
    """One listener; `segment` is how long their history is: none, cold, warm or hot."""

    user: User
    n_plays: int = 0
    n_songs: int = 0
    n_likes: int = 0
    n_skips: int = 0
    last_listen: datetime | None = None

    @property
    def segment(self) -> str:
        if not self.n_songs:
            return "none"
        return "cold" if self.n_songs < COLD_BELOW else "warm" if self.n_songs < HOT_FROM else "hot"

    @property
    def skip_rate(self) -> float | None:
        heard = self.n_plays + self.n_skips
        return self.n_skips / heard if heard else None


def list_listeners(words: str, page: str) -> tuple[Page[User], list[ListenerRow]]:
    """Return one page of the listeners whose name is like `words`, newest account first; three queries."""
    users = User.objects.all().order_by("-pk")
    if words.strip():
        users = users.with_name_like(words.strip()[:150], is_small_site=is_small_site())
    shown = BoundedPaginator(users, ROWS_A_PAGE).get_page(page)
    return shown, _count_rows(list(shown))


def load_listener(listener: User) -> ListenerRow:
    """Return one listener's row; one query."""
    return _count_rows([listener])[0]


def _count_rows(users: Sequence[User]) -> list[ListenerRow]:
    kinds = Interaction.Kind
    positive = Q(kind__in=[kinds.PLAY, kinds.LIKE])
    counts = (
        Interaction.objects.filter(listener__in=[user.pk for user in users])
        .order_by()
        .values("listener_id")
        .annotate(
            n_plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
            n_songs=Count("song_id", distinct=True, filter=positive),
            n_likes=Count("pk", filter=Q(kind=kinds.LIKE)),
            n_skips=Sum("plays", filter=Q(kind=kinds.SKIP), default=0),
            last_listen=Max("occurred_at", filter=Q(kind=kinds.PLAY)),
        )
    )
    by_listener: dict[int, dict[str, Any]] = {row["listener_id"]: {**row} for row in counts}
    for row in by_listener.values():
        del row["listener_id"]
    return [ListenerRow(user, **by_listener.get(user.pk, {})) for user in users]
