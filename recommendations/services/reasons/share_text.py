"""The parts of a song's bar: how much of its score came from what, and what each part may be called."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.models import Song
from common.templatetags.numbers import format_count
from recommendations.engine import Explanation
from recommendations.services.reasons.explanation_facts import (
    ARTIST,
    AUDIO,
    GENRE,
    LEAST_CROWD,
    Facts,
)
from recommendations.services.reasons.feature_words import join_words

HISTORY, LISTENERS, ELSEWHERE, SOUND, LIKENESS, POPULAR, OTHER = (
    "history",
    "listeners",
    "elsewhere",
    "sound",
    "likeness",
    "popular",
    "other",
)

# What the components of every algorithm mean to a listener; what is not named here is "other". Those of the second
# group say in what a song is alike.
KIND_OF_COMPONENT = {
    "als": HISTORY,
    "ease": HISTORY,
    "ials": HISTORY,
    "softmax": HISTORY,
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
    HISTORY: gettext_lazy("it is played together with your music on this site"),
    LISTENERS: gettext_lazy("listeners whose history is like yours play it"),
    ELSEWHERE: gettext_lazy("listeners of other sites play it together with your music"),
    ARTIST: gettext_lazy("it is by an artist you play or like, or one you picked"),
    GENRE: gettext_lazy("it is of a genre you play or like, or one you picked"),
    SOUND: gettext_lazy("it sounds like what you play"),
    LIKENESS: gettext_lazy("it shares two or more of artist, genre and sound with your music"),
    POPULAR: gettext_lazy("many listeners here play it"),
    OTHER: gettext_lazy("small contributions from everything else"),
}
# The same for who has no history, where picks are all that is known.
PICKED_NAMES = {
    HISTORY: gettext_lazy("What you picked"),
    ARTIST: gettext_lazy("Artists of what you picked"),
    GENRE: gettext_lazy("Genres of what you picked"),
    SOUND: gettext_lazy("The sound you picked"),
    LIKENESS: gettext_lazy("Likeness to what you picked"),
}
PICKED_MEANINGS = {
    HISTORY: gettext_lazy("it is played together with what you picked on this site"),
    ELSEWHERE: gettext_lazy("listeners of other sites play it together with what you picked"),
    ARTIST: gettext_lazy("it is by an artist you picked, or of a song you picked"),
    GENRE: gettext_lazy("it is of a genre you picked, or of a song you picked"),
    SOUND: gettext_lazy("it sounds like what you picked"),
    LIKENESS: gettext_lazy("it shares two or more of artist, genre and sound with what you picked"),
}
TEXTS = {
    HISTORY: (
        gettext_lazy("Personalized pick based on your listening history"),
        gettext_lazy("Chosen from what you picked"),
    ),
    LISTENERS: (gettext_lazy("Played by listeners like you"),) * 2,
    SOUND: (
        gettext_lazy("Matches your taste in audio features"),
        gettext_lazy("Sounds like what you picked"),
    ),
    OTHER: (gettext_lazy("Other signals"),) * 2,
}
"""What a part is called in a sentence: for listeners, and for who has picks and no history."""
KIND_OF_PART = {ARTIST: ARTIST, GENRE: GENRE, AUDIO: SOUND}


@dataclass(frozen=True)
class Share:
    """One part of the bar: `start` and `percent` are whole numbers, and all parts together make 100.

    `has_only_picks`: it is for somebody without a history.
    """

    kind: str
    percent: int
    start: int
    text: str
    has_only_picks: bool = False

    @property
    def name(self) -> str:
        names = NAMES | PICKED_NAMES if self.has_only_picks else NAMES
        return str(names[self.kind])

    @property
    def meaning(self) -> str:
        """What this part says about the song, for somebody who has never heard of a model."""
        meanings = MEANINGS | PICKED_MEANINGS if self.has_only_picks else MEANINGS
        return str(meanings[self.kind])


def compute_shares(song: Song, explanation: Explanation, facts: Facts) -> tuple[Share, ...]:
    """Return the parts of the bar, largest first, in whole percent that make 100."""
    amounts: dict[str, float] = {}
    groups: dict[str, set[str]] = {}
    for component, share in explanation.shares.items():
        kind, used = _name_kind(component, song, explanation, facts)
        amounts[kind] = amounts.get(kind, 0.0) + share
        groups.setdefault(kind, set()).update(used)
    percents = round_to_percents(amounts)
    ordered = sorted(
        (kind for kind in percents if percents[kind]), key=lambda kind: -percents[kind]
    )
    shares, start = [], 0
    for kind in ordered:
        text = _write_share_text(kind, groups[kind], song, explanation, facts)
        has_only_picks = facts.picked_song_ids is not None
        shares.append(Share(kind, percents[kind], start, text, has_only_picks))
        start += percents[kind]
    return tuple(shares)


def _name_kind(
    component: str, song: Song, explanation: Explanation, facts: Facts
) -> tuple[str, frozenset[str] | set[str]]:
    """Return what a component's share may be called, and in what it says the song is alike."""
    if component == CONTENT or component in PARTS_OF_COMPONENT:
        claimed = set(facts.content if component == CONTENT else PARTS_OF_COMPONENT[component])
        used = {group for group in claimed if _holds(group, song, facts)}
        if not used:
            return OTHER, used
        return (KIND_OF_PART[min(used)] if len(used) == 1 else LIKENESS), used
    kind = KIND_OF_COMPONENT.get(component, OTHER)
    if kind == POPULAR and explanation.popularity is None:
        return OTHER, frozenset()
    if kind == LISTENERS and facts.n_others.get(song.pk, 0) < LEAST_CROWD:
        return OTHER, frozenset()
    return kind, frozenset()


def _holds(group: str, song: Song, facts: Facts) -> bool:
    if group == ARTIST:
        return facts.is_known_artist(song)
    if group == GENRE:
        return facts.find_shared_genre(song) is not None
    return any(value is not None for value in song.audio_features.values())


def _write_share_text(
    kind: str, groups: set[str], song: Song, explanation: Explanation, facts: Facts
) -> str:
    has_only_picks = facts.picked_song_ids is not None
    match kind:
        case "elsewhere":
            return _say_elsewhere(explanation, has_only_picks)
        case "artist":
            return name_artist(song, facts)
        case "genre":
            return name_genre(song, facts)
        case "likeness":
            return _say_likeness(groups, has_only_picks)
        case "popular":
            return describe_popularity(explanation)
    plain, of_picks = TEXTS[kind]
    return str(of_picks if has_only_picks else plain)


def _say_elsewhere(explanation: Explanation, has_only_picks: bool) -> str:
    if not explanation.named:
        return _("Heard by listeners elsewhere")
    if has_only_picks:
        return _("Heard by listeners elsewhere together with what you picked")
    return _("Heard by listeners elsewhere together with your music")


def _say_likeness(groups: set[str], has_only_picks: bool) -> str:
    words = {ARTIST: _("artist"), GENRE: _("genre"), AUDIO: _("sound")}
    alike = {"parts": join_words([word for group, word in words.items() if group in groups])}
    if has_only_picks:
        return _("Like what you picked in %(parts)s") % alike
    return _("Like your music in %(parts)s") % alike


def name_artist(song: Song, facts: Facts) -> str:
    if song.artist_id in facts.artist_ids:
        is_played = song.artist_id in facts.artist_played
        return _("By an artist you play") if is_played else _("By an artist you like")
    if song.artist_id in facts.picked_artist_ids:
        return _("By an artist you picked")
    return _("By the artist of a song you picked")


def name_genre(song: Song, facts: Facts) -> str:
    genre = facts.find_shared_genre(song)
    if genre is None:
        return ""
    if genre.pk in facts.genre_ids:
        if genre.pk in facts.played_genre_ids:
            return _("More of the genre %(genre)s you play") % {"genre": genre.name}
        return _("More of the genre %(genre)s you like") % {"genre": genre.name}
    if genre.pk in facts.picked_genre_ids:
        return _("More of the genre %(genre)s you picked") % {"genre": genre.name}
    return _("%(genre)s, like a song you picked") % {"genre": genre.name}


def round_to_percents(amounts: Mapping[str, float]) -> dict[str, int]:
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


def describe_popularity(explanation: Explanation) -> str:
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
