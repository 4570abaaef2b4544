"""All figures over whole tables that a worker counts for a large site."""

from catalog.songs.genres import GENRE_SONGS
from catalog.songs.kept_figures import Figure, KeptFigure, count_figure, is_small_site
from catalog.songs.sound import HAS_FEATURES
from catalog.statistics.most_heard import MOST_HEARD
from recommendations.services.lists import work_versions
from recommendations.services.operations import catalog_overview, dashboard, metrics
from recommendations.services.serving import popularity_fallback
from recommendations.services.training import memory_check
from recommendations.services.version_reports import version_feedback

FIGURES: tuple[Figure, ...] = (
    GENRE_SONGS,
    HAS_FEATURES,
    MOST_HEARD,
    metrics.IMPORTS,
    metrics.LISTS,
    work_versions.SHARED_WORKS,
    popularity_fallback.MOST_PLAYED,
    catalog_overview.CATALOG,
    memory_check.STORED_SIZE,
    dashboard.DAYS_OF_SITE,
    version_feedback.FEEDBACK,
    version_feedback.VERSION_DAYS,
)


def has_uncounted() -> bool:
    """Return whether the site is large and a figure of it was never counted; at most three queries."""
    names = {figure.name for figure in FIGURES}
    return not is_small_site() and KeptFigure.objects.filter(name__in=names).count() < len(names)


def count_figures() -> int:
    """Count every figure anew where the site is large, and return how many; a small site's pages count themselves."""
    if is_small_site():
        return 0
    for figure in FIGURES:
        count_figure(figure)
    return len(FIGURES)
