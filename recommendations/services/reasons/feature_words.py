"""What two songs have in common in sound, in words."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Song
from recommendations.engine import FASTEST_BPM, SLOWEST_BPM, FeatureMatch

FEATURE_WORDS = {
    "acousticness": gettext_lazy("acoustic feel"),
    "danceability": gettext_lazy("danceability"),
    "energy": gettext_lazy("energy"),
    "instrumentalness": gettext_lazy("instrumental parts"),
    "liveness": gettext_lazy("live feel"),
    "speechiness": gettext_lazy("spoken parts"),
    "valence": gettext_lazy("mood"),
    "tempo": gettext_lazy("tempo"),
}
CALM = gettext_lazy("calm feel")
# Features that a song has much or little of: two songs without any have nothing in common.
AMOUNTS = {"acousticness", "danceability", "instrumentalness", "liveness", "speechiness"}
LEAST_AMOUNT, MOST_CALM, MOST_APART, MOST_BPM_APART = 0.5, 0.35, 0.2, 12


def agrees(match: FeatureMatch) -> bool:
    """Return whether a feature may be called similar: near each other, and both have something of it."""
    one, other = match.song_value, match.listener_value
    if match.name == "tempo":
        return abs(one - other) <= MOST_BPM_APART
    if abs(one - other) > MOST_APART:
        return False
    if match.name in AMOUNTS:
        return min(one, other) >= LEAST_AMOUNT
    return match.name != "energy" or (one < MOST_CALM) == (other < MOST_CALM)


def compare_features(song: Song, other: Song) -> tuple[FeatureMatch, ...]:
    """Return the features in which two songs agree, nearest first; none where either has none."""
    pairs = [(name, getattr(song, name), getattr(other, name)) for name in FEATURE_WORDS]
    matches = [FeatureMatch(*pair) for pair in pairs if pair[1] is not None and pair[2] is not None]
    return tuple(sorted((match for match in matches if agrees(match)), key=_measure_distance))


def _measure_distance(match: FeatureMatch) -> float:
    span = FASTEST_BPM - SLOWEST_BPM if match.name == "tempo" else 1.0
    return abs(match.song_value - match.listener_value) / span


def name_features(matches: Sequence[FeatureMatch]) -> str:
    """Return the words for at most two features."""
    words = [
        str(
            CALM
            if match.name == "energy" and match.song_value < MOST_CALM
            else FEATURE_WORDS[match.name]
        )
        for match in matches[:2]
    ]
    return join_words(words)


def join_words(words: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}
