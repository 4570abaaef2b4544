"""An explanation's numbers in words: the sentence, the bar and the line on a card.

Nothing is said that is not so: each statement is checked against `Facts` before it is made, and what can't be shown
to be true is left out. The shares are the song's own, so no two songs need to have the same sentence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.models import Song
from common.templatetags.numbers import format_count
from recommendations.engine import Explanation, FeatureMatch
from recommendations.services.serving.explanation_facts import (
    ARTIST,
    AUDIO,
    GENRE,
    LEAST_CROWD,
    Facts,
    read_facts,
    read_facts_of_picks,
)
from recommendations.services.serving.served_list import Served

HISTORY, LISTENERS, ELSEWHERE, SOUND, LIKENESS, POPULAR, OTHER = (
    "history",
    "listeners",
    "elsewhere",
    "sound",
    "likeness",
    "popular",
    "other",
)
MOST_NAMED = 2
"""So many cards of a list may name the same song or artist as the cause."""

# What the components of every algorithm mean to a listener; what is not named here is "other". Those of the second
# group say in what a song is alike.
KIND_OF_COMPONENT = {
    "als": HISTORY,
    "ease": HISTORY,
    "ials": HISTORY,
    "transitions": HISTORY,
    "item_knn": HISTORY,
    "history": HISTORY,
    "user_knn": LISTENERS,
    "prior": ELSEWHERE,
    "popularity": POPULAR,
}
PARTS_OF_COMPONENT = {"artist": {ARTIST}, "audio": {AUDIO}, "genre": {GENRE}}
CONTENT = "content"
NAMES = {
    HISTORY: gettext_lazy("Your listening history"),
    LISTENERS: gettext_lazy("Listeners like you"),
    ELSEWHERE: gettext_lazy("Listeners elsewhere"),
    ARTIST: gettext_lazy("Artists you know"),
    GENRE: gettext_lazy("Your genres"),
    SOUND: gettext_lazy("Your taste in sound"),
    LIKENESS: gettext_lazy("Likeness to your music"),
    POPULAR: gettext_lazy("Popularity"),
    OTHER: gettext_lazy("Other signals"),
}
MEANINGS = {
    HISTORY: gettext_lazy("people who play what you play also play this song"),
    LISTENERS: gettext_lazy("listeners whose history is like yours play it"),
    ELSEWHERE: gettext_lazy("listeners of other sites play it together with your music"),
    ARTIST: gettext_lazy("it is by somebody you play or picked"),
    GENRE: gettext_lazy("it is of a genre you play or picked"),
    SOUND: gettext_lazy("it sounds like what you play"),
    LIKENESS: gettext_lazy("it is like your music in several of artist, genre and sound"),
    POPULAR: gettext_lazy("many listeners here play it"),
    OTHER: gettext_lazy("small amounts of everything else that was looked at"),
}
KIND_OF_PART = {ARTIST: ARTIST, GENRE: GENRE, AUDIO: SOUND}
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

    @property
    def meaning(self) -> str:
        """What this part says about the song, for somebody who has never heard of a model."""
        return str(MEANINGS[self.kind])


@dataclass(frozen=True)
class ExplanationText:
    """Why one song is recommended, ready to be shown; `popularity` is empty unless a crowd plays it."""

    shares: tuple[Share, ...]
    sentence: str
    line: str
    because: tuple[Song, ...] = ()
    goes_with: tuple[Song, ...] = ()
    features: tuple[tuple[str, float, float], ...] = field(default=())
    popularity: str = ""
    explanation: Explanation | None = None


def describe_list(items: Iterable[Any], facts: Facts) -> list[ExplanationText]:
    """Put the reasons of a list into words; no song or artist is named as the cause on more than two cards.

    Parameters
    ----------
    items
        In order, each with a `song` and its `explanation`.
    """
    named: Counter[Any] = Counter()
    return [_describe(item.song, item.explanation, facts, named) for item in items]


def describe(song: Song, explanation: Explanation, facts: Facts) -> ExplanationText:
    """Put the reasons of one song into words."""
    return _describe(song, explanation, facts, Counter())


def describe_likeness(items: Iterable[Any], about: Song, facts: Facts) -> list[ExplanationText]:
    """Put into words in what the songs of a list are like the one song they are shown for."""
    return [
        replace(
            describe(item.song, item.explanation, facts), line=_likeness_line(item, about, facts)
        )
        for item in items
    ]


def describe_served(served: Served, listener: Any) -> list[ExplanationText]:
    """Put the reasons of a served list into words, checked against what the list was made from."""
    if served.about is not None:
        facts = read_facts(listener, served.items, about=served.about)
        return describe_likeness(served.items, served.about, facts)
    if served.picks:
        return describe_list(served.items, read_facts_of_picks(served.items, served.picks))
    return describe_list(served.items, read_facts(listener, served.items))


def name_shares(reasons: Iterable[ExplanationText | None]) -> list[Share]:
    """Return one share of each kind that the reasons of a page show, most frequent first: their legend."""
    shares = [share for one in reasons if one is not None for share in one.shares]
    first = {share.kind: share for share in reversed(shares)}
    return [first[kind] for kind, _n in Counter(share.kind for share in shares).most_common()]


def check_explanation(song: Song, explanation: Explanation, facts: Facts) -> Explanation:
    """Return the explanation with only what holds: the gate between the engine and every word.

    A count below three is no crowd; a song is named only where the listener has it in their history or picked it;
    a feature only where both sides have it, and something of it.
    """
    note = explanation.popularity
    return replace(
        explanation,
        because=tuple(part for part in explanation.because if _may_name(part.item_id, facts)),
        goes_with=tuple(part for part in explanation.goes_with if _may_name(part.item_id, facts)),
        features=tuple(match for match in explanation.features if agrees(match)),
        popularity=note if note is not None and note.count >= LEAST_CROWD else None,
    )


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
    return tuple(sorted((match for match in matches if agrees(match)), key=_distance))


def _distance(match: FeatureMatch) -> float:
    span = 120.0 if match.name == "tempo" else 1.0
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


def _may_name(song_id: Any, facts: Facts) -> bool:
    is_picked = facts.picked_song_ids is None or song_id in facts.picked_song_ids
    return song_id in facts.named and is_picked


def _describe(
    song: Song, explanation: Explanation, facts: Facts, named: Counter[Any]
) -> ExplanationText:
    checked = check_explanation(song, explanation, facts)
    shares = _shares(song, checked, facts)
    return ExplanationText(
        shares=shares,
        sentence=" + ".join(f"{share.text} ({share.percent}%)" for share in shares),
        line=_line(song, checked, shares, facts, named),
        because=tuple(facts.named[part.item_id] for part in checked.because),
        goes_with=tuple(facts.named[part.item_id] for part in checked.goes_with),
        features=tuple(
            (match.name, match.song_value, match.listener_value) for match in checked.features
        ),
        popularity=popularity_words(checked),
        explanation=checked,
    )


# --- The bar ------------------------------------------------------------------------------------------


def _shares(song: Song, explanation: Explanation, facts: Facts) -> tuple[Share, ...]:
    """Return the parts of the bar, largest first, in whole percent that make 100."""
    amounts: dict[str, float] = {}
    parts: dict[str, set[str]] = {}
    for component, share in explanation.shares.items():
        kind, used = _kind(component, song, explanation, facts)
        amounts[kind] = amounts.get(kind, 0.0) + share
        parts.setdefault(kind, set()).update(used)
    percents = whole_percents(amounts)
    ordered = sorted(
        (kind for kind in percents if percents[kind]), key=lambda kind: -percents[kind]
    )
    shares, start = [], 0
    for kind in ordered:
        text = _share_text(kind, parts[kind], song, explanation, facts)
        shares.append(Share(kind, percents[kind], start, text))
        start += percents[kind]
    return tuple(shares)


def _kind(
    component: str, song: Song, explanation: Explanation, facts: Facts
) -> tuple[str, frozenset[str] | set[str]]:
    """Return what a component's share may be called, and in what it says the song is alike."""
    if component == CONTENT or component in PARTS_OF_COMPONENT:
        claimed = set(facts.content if component == CONTENT else PARTS_OF_COMPONENT[component])
        used = {part for part in claimed if _holds(part, song, facts)}
        if not used:
            return OTHER, used
        return (KIND_OF_PART[min(used)] if len(used) == 1 else LIKENESS), used
    kind = KIND_OF_COMPONENT.get(component, OTHER)
    if kind == POPULAR and explanation.popularity is None:
        return OTHER, frozenset()
    if kind == LISTENERS and facts.n_others.get(song.pk, 0) < LEAST_CROWD:
        return OTHER, frozenset()
    return kind, frozenset()


def _holds(part: str, song: Song, facts: Facts) -> bool:
    if part == ARTIST:
        return facts.is_known_artist(song)
    if part == GENRE:
        return facts.shared_genre(song) is not None
    return any(value is not None for value in song.audio_features.values())


def _share_text(
    kind: str, parts: set[str], song: Song, explanation: Explanation, facts: Facts
) -> str:
    match kind:
        case "history":
            return _("Personalized pick based on your listening history")
        case "listeners":
            return _("Played by listeners like you")
        case "elsewhere":
            if not explanation.named:
                return _("Heard by listeners elsewhere")
            return _("Heard by listeners elsewhere together with your music")
        case "artist":
            return _artist_words(song, facts)
        case "genre":
            return _genre_words(song, facts)
        case "sound":
            return _("Matches your taste in audio features")
        case "likeness":
            words = {ARTIST: _("artist"), GENRE: _("genre"), AUDIO: _("sound")}
            alike = join_words([word for part, word in words.items() if part in parts])
            return _("Like your music in %(parts)s") % {"parts": alike}
        case "popular":
            return popularity_words(explanation)
    return _("Other signals")


def _artist_words(song: Song, facts: Facts) -> str:
    if song.artist_id in facts.artist_ids:
        return _("By an artist you play")
    return _("By an artist you picked")


def _genre_words(song: Song, facts: Facts) -> str:
    genre = facts.shared_genre(song)
    if genre is None:
        return ""
    if genre.pk in facts.genre_ids:
        return _("More of the genre %(genre)s you play") % {"genre": genre.name}
    return _("More of the genre %(genre)s you picked") % {"genre": genre.name}


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


# --- The line on a card -------------------------------------------------------------------------------


def _line(
    song: Song,
    explanation: Explanation,
    shares: tuple[Share, ...],
    facts: Facts,
    named: Counter[Any],
) -> str:
    """Say the strongest true reason in one line."""
    main = next((share.kind for share in shares if share.kind != OTHER), OTHER)
    has_only_picks = facts.picked_song_ids is not None
    if has_only_picks and main in (POPULAR, SOUND, OTHER) and _shares_picks(song, facts):
        return _likely_line(song, facts, shares)
    if main == POPULAR:
        return popularity_words(explanation)
    because = [facts.named[part.item_id] for part in explanation.because]
    goes_with = [facts.named[part.item_id] for part in explanation.goes_with]
    if main not in (SOUND, ARTIST, GENRE, LIKENESS):
        line = _cause_line(because, goes_with, named)
        if line:
            return line
    if main == SOUND:
        return _sound_line(song, explanation, [*because, *goes_with], named)
    return _likely_line(song, facts, shares)


def _shares_picks(song: Song, facts: Facts) -> bool:
    """Return whether the song came into question by an artist or genre that was picked."""
    return facts.is_known_artist(song) or facts.shared_genre(song) is not None


def _cause_line(because: list[Song], goes_with: list[Song], named: Counter[Any]) -> str:
    """Name a song as the cause, one that is not named on two cards already; empty where there is none left.

    “Because of” is said only where the song would stand lower without the other one.
    """
    for cause in because:
        if _claim(cause.pk, named):
            return _("Because of “%(title)s” by %(artist)s") % _titled(cause)
    for place, cause in enumerate(goes_with):
        if _claim(cause.pk, named):
            if place + 1 < len(goes_with):
                return _("Goes with “%(title)s” by %(artist)s and more") % _titled(cause)
            return _("Goes with “%(title)s” by %(artist)s") % _titled(cause)
    return _group_line([*because, *goes_with], named)


def _group_line(songs: list[Song], named: Counter[Any]) -> str:
    """Name an artist of several of the songs instead of one song."""
    by_artist = Counter(song.artist for song in songs)
    for artist, n in by_artist.most_common():
        if n > 1 and _claim(("artist", artist.pk), named):
            words = ngettext(
                "Goes with %(n)d song by %(artist)s", "Goes with %(n)d songs by %(artist)s", n
            )
            return words % {"n": n, "artist": artist.name}
    return ""


def _claim(cause: Any, named: Counter[Any]) -> bool:
    """Count one more card that names this cause; return whether it may."""
    if named[cause] >= MOST_NAMED:
        return False
    named[cause] += 1
    return True


def _titled(song: Song) -> dict[str, str]:
    return {"title": song.title, "artist": song.artist.name}


def _sound_line(
    song: Song, explanation: Explanation, songs: list[Song], named: Counter[Any]
) -> str:
    """Name a song and the features both have, else the features of what the listener likes."""
    for other in songs:
        matches = compare_features(song, other)
        if matches and _claim(other.pk, named):
            words = {"features": name_features(matches), "title": other.title}
            return _("Similar %(features)s to “%(title)s”") % words
    if explanation.features:
        return _("Similar %(features)s to what you like") % {
            "features": name_features(explanation.features)
        }
    return _("Matches your taste in audio features")


def _likely_line(song: Song, facts: Facts, shares: tuple[Share, ...]) -> str:
    """Say what the listener has in common with the song, by artist or genre; else where it comes from."""
    if facts.is_known_artist(song):
        return _artist_words(song, facts)
    if facts.shared_genre(song) is not None:
        return _genre_words(song, facts)
    told = next((share.text for share in shares if share.kind != OTHER), "")
    return told or _("From this library")


def _likeness_line(item: Any, about: Song, facts: Facts) -> str:
    """Say in what a song is like the one it is shown for."""
    song, alike = item.song, name_features(compare_features(item.song, about))
    shares = _shares(song, item.explanation, Facts())
    is_heard = any(share.kind == HISTORY for share in shares)
    if is_heard and facts.n_shared.get(song.pk, 0) >= LEAST_CROWD:
        if alike:
            return _("Played by the same listeners, similar %(features)s") % {"features": alike}
        return _("Played by the same listeners")
    if song.artist_id == about.artist_id:
        return _("By the same artist")
    if song.album_id is not None and song.album_id == about.album_id:
        return _("From the same album")
    genres = {genre.pk for genre in about.genres.all()}
    shared = next((genre for genre in song.genres.all() if genre.pk in genres), None)
    if shared is not None and alike:
        return _("Also %(genre)s, similar %(features)s") % {"genre": shared.name, "features": alike}
    if shared is not None:
        return _("Also %(genre)s") % {"genre": shared.name}
    if alike:
        return _("Similar %(features)s") % {"features": alike}
    return _("Goes with this song")


def popularity_words(explanation: Explanation) -> str:
    """Say how popular the song is, with the count; nothing where no crowd plays it."""
    note = explanation.popularity
    if note is None or note.count < LEAST_CROWD:
        return ""
    if note.kind == "trending":
        words = ngettext(
            "Trending: %(count)s listener lately",
            "Trending: %(count)s listeners lately",
            note.count,
        )
    else:
        words = ngettext(
            "Popular with %(count)s listener", "Popular with %(count)s listeners", note.count
        )
    return words % {"count": format_count(note.count)}


def join_words(words: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}
