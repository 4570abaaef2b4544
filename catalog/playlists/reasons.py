"""Why a song is in a playlist, kept in every language of the site: who reads it gets their own."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import translation

MAX_LENGTH = 300


class Reason(NamedTuple):
    """A reason in the language that was active when it was written, and in each language where they differ."""

    text: str = ""
    by_language: Mapping[str, str] = {}

    @property
    def columns(self) -> dict[str, Any]:
        """The values of a `PlaylistItem` that hold it."""
        return {"reason": self.text, "reason_by_language": dict(self.by_language)}


def write_reasons(write_texts: Callable[[], Mapping[int, str]]) -> dict[int, Reason]:
    """Return reasons by song id; `write_texts` is called once in each language of the site, and reads nothing anew."""
    active = write_texts()
    in_languages: dict[str, Mapping[int, str]] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            in_languages[code] = write_texts()
    return {
        song_id: _build(
            text, {code: texts.get(song_id, text) for code, texts in in_languages.items()}
        )
        for song_id, text in active.items()
    }


def read_reason(text: str, by_language: Mapping[str, str]) -> str:
    """Return a stored reason in the active language."""
    return by_language.get(translation.get_language() or settings.LANGUAGE_CODE, text)


def _build(text: str, by_language: Mapping[str, str]) -> Reason:
    cut = {code: one[:MAX_LENGTH] for code, one in by_language.items()}
    differ = len({text[:MAX_LENGTH], *cut.values()}) > 1
    return Reason(text[:MAX_LENGTH], cut if differ else {})
