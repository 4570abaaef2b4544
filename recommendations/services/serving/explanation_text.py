"""An explanation's numbers in words: the sentence, the bar and the line on a card.

The shares are the song's own, so no two songs need to have the same sentence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.models import Song
from recommendations.engine import Explanation

HISTORY, LISTENERS, ARTIST, SOUND, POPULAR, OTHER = (
    "history",
    "listeners",
    "artist",
    "sound",
    "popular",
    "other",
)

# What the parts of every algorithm mean to a listener; what is not named here is "other".
KIND_OF_COMPONENT = {
    "als": HISTORY,
    "ease": HISTORY,
    "item_knn": HISTORY,
    "history": HISTORY,
    "user_knn": LISTENERS,
    "artist": ARTIST,
    "content": SOUND,
    "audio": SOUND,
    "genre": SOUND,
    "popularity": POPULAR,
}
NAMES = {
    HISTORY: gettext_lazy("Your listening history"),
    LISTENERS: gettext_lazy("Listeners like you"),
    ARTIST: gettext_lazy("Artists you know"),
    SOUND: gettext_lazy("Your taste in sound"),
    POPULAR: gettext_lazy("Popularity"),
    OTHER: gettext_lazy("Other signals"),
}
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


@dataclass(frozen=True)
class Share:
    """One part of the bar: `start` and `percent` are whole numbers, and all parts together make 100."""

    kind: str
    percent: int
    start: int
    text: str

    @property
    def name(self) -> str:
        return str(NAMES[self.kind])


@dataclass(frozen=True)
class Reasons:
    """Why one song is recommended, ready to be shown."""

    shares: tuple[Share, ...]
    sentence: str
    line: str
    because: tuple[Song, ...] = ()
    goes_with: tuple[Song, ...] = ()
    features: tuple[tuple[str, float, float], ...] = field(default=())
    explanation: Explanation | None = None


def of(explanation: Explanation, songs: Mapping[Any, Song] | None = None) -> Reasons:
    """Put `explanation` into words; `songs` holds the songs it may name, by id."""
    known = songs or {}
    because = tuple(known[part.item_id] for part in explanation.because if part.item_id in known)
    goes_with = tuple(known[part.item_id] for part in explanation.goes_with if part.item_id in known)
    shares = shares_of(explanation)
    return Reasons(
        shares=shares,
        sentence=" + ".join(f"{share.text} ({share.percent}%)" for share in shares),
        line=_line(explanation, shares, because, goes_with),
        because=because,
        goes_with=goes_with,
        features=tuple(
            (match.name, match.song_value, match.listener_value) for match in explanation.features
        ),
        explanation=explanation,
    )


def compared(reasons: Reasons) -> Reasons:
    """Put the line of a song that a list holds for being like another song, whoever looks at it."""
    explanation, main = reasons.explanation, reasons.shares[0].kind if reasons.shares else OTHER
    if explanation is None or main == POPULAR:
        return reasons
    alike = words_joined([str(FEATURE_WORDS.get(f.name, f.name)) for f in explanation.features[:2]])
    if main == ARTIST:
        line = _("By the same artist")
    elif main == SOUND:
        line = _("Similar %(features)s") % {"features": alike} if alike else _("Sounds alike")
    elif alike:
        line = _("Liked by the same listeners, similar %(features)s") % {"features": alike}
    else:
        line = _("Liked by the same listeners")
    return replace(reasons, line=line)


def songs_named_by(explanations: Iterable[Explanation]) -> dict[int, Song]:
    """Return every song that the explanations name, by id, with its artist; one query."""
    ids = {part.item_id for explanation in explanations for part in explanation.named}
    return Song.objects.select_related("artist").in_bulk(ids) if ids else {}


def shares_of(explanation: Explanation) -> tuple[Share, ...]:
    """Return the parts of the bar, largest first, in whole percent that make 100."""
    amounts: dict[str, float] = {}
    for component, share in explanation.shares.items():
        kind = KIND_OF_COMPONENT.get(component, OTHER)
        amounts[kind] = amounts.get(kind, 0.0) + share
    percents = whole_percents(amounts)
    ordered = sorted((kind for kind in percents if percents[kind]), key=lambda kind: -percents[kind])
    shares, start = [], 0
    for kind in ordered:
        shares.append(Share(kind, percents[kind], start, _text(kind, explanation)))
        start += percents[kind]
    return tuple(shares)


def whole_percents(amounts: Mapping[str, float]) -> dict[str, int]:
    """Round amounts to whole percents of their sum that make exactly 100 (largest remainders get the rest)."""
    total = sum(amounts.values())
    if total <= 0:
        return {}
    exact = {name: 100 * amount / total for name, amount in amounts.items()}
    rounded = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: rounded[name] - exact[name])
    for name in by_remainder[: 100 - sum(rounded.values())]:
        rounded[name] += 1
    return rounded


def _text(kind: str, explanation: Explanation) -> str:
    match kind:
        case "history":
            return _("Personalized pick based on your listening history")
        case "listeners":
            return _("Played by listeners like you")
        case "artist":
            return _("By artists you know")
        case "sound":
            return _("Matches your taste in audio features")
        case "popular":
            trending = explanation.popularity and explanation.popularity.kind == "trending"
            return _("Currently trending") if trending else _("Popular with all listeners")
    return _("Other signals")


def _line(
    explanation: Explanation,
    shares: tuple[Share, ...],
    because: tuple[Song, ...],
    goes_with: tuple[Song, ...],
) -> str:
    """Say the strongest true reason in one line."""
    main, named = shares[0].kind if shares else OTHER, because + goes_with
    if main == POPULAR and explanation.popularity:
        return popularity_words(explanation)
    if named and main != SOUND:
        return _history_line(because, goes_with)
    if explanation.features:
        return _sound_line(explanation, named)
    if named:
        return _("Sounds like “%(title)s”") % {"title": named[0].title}
    return shares[0].text if shares else _("Chosen for you")


def _history_line(because: tuple[Song, ...], goes_with: tuple[Song, ...]) -> str:
    """Say “because of” only where the song would stand lower without the other one."""
    if because:
        form = _("Because of “%(title)s” by %(artist)s")
    elif len(goes_with) > 1:
        form = _("Goes with “%(title)s” by %(artist)s and more")
    else:
        form = _("Goes with “%(title)s” by %(artist)s")
    first = (because or goes_with)[0]
    return form % {"title": first.title, "artist": first.artist.name}


def _sound_line(explanation: Explanation, named: tuple[Song, ...]) -> str:
    features = words_joined([str(FEATURE_WORDS.get(f.name, f.name)) for f in explanation.features[:2]])
    if named:
        return _("Similar %(features)s to “%(title)s”") % {"features": features, "title": named[0].title}
    return _("Similar %(features)s to what you like") % {"features": features}


def popularity_words(explanation: Explanation) -> str:
    """Say how popular the song is, with the count."""
    note = explanation.popularity
    if note is None:
        return ""
    if note.kind == "trending":
        words = ngettext(
            "Trending: %(count)d listener lately", "Trending: %(count)d listeners lately", note.count
        )
    else:
        words = ngettext("Loved by %(count)d listener", "Popular with %(count)d listeners", note.count)
    return words % {"count": note.count}


def words_joined(words: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}
