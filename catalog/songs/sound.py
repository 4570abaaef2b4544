"""Whether anything is known of how the songs of this site sound."""

from functools import reduce
from operator import or_

from django.db.models import Q

from catalog.records import AUDIO_FEATURES
from catalog.songs.kept_figures import Figure, read_figure
from catalog.songs.models import Song

KEPT_SECONDS = 600


def _has_features() -> bool:
    has_any = reduce(or_, (Q(**{f"{name}__isnull": False}) for name in AUDIO_FEATURES))
    return Song.objects.filter(has_any).exists()


HAS_FEATURES = Figure("has_features", _has_features)


def has_features() -> bool:
    """Return whether a song here has an audio feature; True, too, where nobody has looked yet."""
    return read_figure(HAS_FEATURES, KEPT_SECONDS).value is not False
