"""The line on a card: the strongest true reason for one song."""

from collections import Counter
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Song
from common.templatetags.numbers import format_count
from recommendations.engine import Explanation
from recommendations.services.reasons.explanation_facts import ARTIST, GENRE, LEAST_CROWD, Facts
from recommendations.services.reasons.feature_words import compare_features, name_features
from recommendations.services.reasons.share_text import (
    HISTORY,
    LIKENESS,
    OTHER,
    POPULAR,
    SOUND,
    Share,
    compute_shares,
    describe_popularity,
    name_artist,
    name_genre,
)

MOST_NAMED = 2
"""So many cards of a list may name the same song, artist or genre as the cause."""


def write_line(
    song: Song,
    explanation: Explanation,
    shares: tuple[Share, ...],
    facts: Facts,
    named: Counter[Any],
) -> str:
    """Say the strongest true reason in one line."""
    main = next((share.kind for share in shares if share.kind != OTHER), OTHER)
    has_only_picks = facts.picked_song_ids is not None
    if has_only_picks and main in (POPULAR, SOUND, OTHER) and _has_shared_picks(song, facts):
        return _write_likely_line(song, facts, shares, named)
    if main == POPULAR:
        return describe_popularity(explanation)
    because = [facts.named[evidence.item_id] for evidence in explanation.because]
    goes_with = [facts.named[evidence.item_id] for evidence in explanation.goes_with]
    if main not in (SOUND, ARTIST, GENRE, LIKENESS):
        line = _write_cause_line(because, goes_with, named)
        if line:
            return line
    if main == SOUND:
        return _write_sound_line(song, explanation, [*because, *goes_with], named, shares)
    return _write_likely_line(song, facts, shares, named)


def _has_shared_picks(song: Song, facts: Facts) -> bool:
    """Return whether the song came into question by an artist or genre that was picked."""
    return facts.is_known_artist(song) or facts.find_shared_genre(song) is not None


def _write_cause_line(because: list[Song], goes_with: list[Song], named: Counter[Any]) -> str:
    """Name a song as the cause, one that is not named on two cards already; empty where there is none left.

    “Because of” is said only where the song would stand lower without the other one.
    """
    for cause in because:
        if _claim(cause.pk, named):
            return _("Because of “%(title)s” by %(artist)s") % _name_song(cause)
    for position, cause in enumerate(goes_with):
        if _claim(cause.pk, named):
            if position + 1 < len(goes_with):
                return _("Goes with “%(title)s” by %(artist)s and more") % _name_song(cause)
            return _("Goes with “%(title)s” by %(artist)s") % _name_song(cause)
    return _write_group_line([*because, *goes_with], named)


def _write_group_line(songs: list[Song], named: Counter[Any]) -> str:
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


def _name_song(song: Song) -> dict[str, str]:
    return {"title": song.title, "artist": song.artist.name}


def _write_sound_line(
    song: Song,
    explanation: Explanation,
    songs: list[Song],
    named: Counter[Any],
    shares: tuple[Share, ...],
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
    return next(share.text for share in shares if share.kind == SOUND)


def _write_likely_line(
    song: Song, facts: Facts, shares: tuple[Share, ...], named: Counter[Any]
) -> str:
    """Say what the listener has in common with the song, by artist or genre; else where it comes from.

    The same artist or genre is named on two cards at most; the cards behind them name what is left.
    """
    n_songs = facts.artist_songs.get(song.artist_id, 0)
    if facts.is_known_artist(song) and _claim(("known", song.artist_id), named):
        if n_songs:
            n_played = facts.artist_played.get(song.artist_id, 0)
            if n_played == n_songs:
                words = ngettext(
                    "You play %(n)s song by %(artist)s",
                    "You play %(n)s songs by %(artist)s",
                    n_songs,
                )
            elif n_played:
                words = ngettext(
                    "You play or like %(n)s song by %(artist)s",
                    "You play or like %(n)s songs by %(artist)s",
                    n_songs,
                )
            else:
                words = ngettext(
                    "You like %(n)s song by %(artist)s",
                    "You like %(n)s songs by %(artist)s",
                    n_songs,
                )
            return words % {"n": format_count(n_songs), "artist": song.artist.name}
        return name_artist(song, facts)
    genre = facts.find_shared_genre(song)
    if genre is not None and _claim(("genre", genre.pk), named):
        return name_genre(song, facts)
    main = next((share.text for share in shares if share.kind != OTHER), "")
    return main or _("From this library")


def write_likeness_line(item: Any, about: Song, facts: Facts) -> str:
    """Say in what a song is like the one it is shown for."""
    song, alike = item.song, name_features(compare_features(item.song, about))
    shares = compute_shares(song, item.explanation, Facts())
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
