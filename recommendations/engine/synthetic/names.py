"""Plausible names for music that does not exist."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _split_words(text: str) -> list[str]:
    return text.split()


_FIRST = _split_words(
    """
    Ada Alma Amos Anouk Ari Bela Bruno Caro Cleo Dario Della Dina Edda Elio Enzo Esme Etta Fausto Faye Flora
    Greta Hana Hugo Ida Ilse Imre Iris Ivo Jana Jonas Juno Kaja Kira Lena Leo Lior Lola Luca Mara Marek Mika
    Milo Mina Nadia Nico Nina Noa Olga Otis Pia Rafa Remy Rosa Ruben Sami Sasha Selma Silas Tara Theo Uma Vera
    Yara Zeno
    """
)
_LAST = _split_words(
    """
    Abrams Adeyemi Aldana Almeida Ardent Arvidsson Banks Barros Bellamy Berg Blum Brandt Calloway Carver
    Castell Dahl Delacroix Demir Duarte Eklund Ellery Farrow Fenn Fontaine Galt Garrido Hale Halloran Hart
    Holm Ibarra Ishida Jansen Kaur Keller Kessler Lang Laurent Lindqvist Lowe Madsen Marlow Mercer Mori
    Navarro Nilsen Novak Okafor Oduya Palmer Park Quinn Rao Reyes Rivera Rossi Rowe Sandoval Sato Serra Shaw
    Silva Sorel Strand Tanaka Thorne Torres Vance Varga Weaver Whitlock Winter Yamada York Zeller
    """
)
_ADJECTIVES = _split_words(
    """
    Amber Awake Blind Blue Bright Broken Burning Careless Cold Crooked Crystal Dark Dear Distant Dusty Early
    Electric Empty Endless Faded Fearless First Foreign Fragile Gentle Ghostly Gilded Golden Green Hidden
    Hollow Holy Hungry Idle Invisible Iron Kind Last Late Little Lonely Long Lost Loud Lucky Mellow Midnight
    Modern Naked Neon New Old Open Paper Patient Perfect Plastic Quiet Rapid Red Restless Royal Rusty Sacred
    Salty Second Secret Shallow Silent Silver Simple Sleepless Slow Soft Solar Spare Strange Sudden Summer
    Sweet Tender Thin Tired Tiny Torn Twin Velvet Violet Warm Wasted White Wide Wild Winter Wooden Yellow
    Young
    """
)
_NOUNS = _split_words(
    """
    Angel Anchor Animal Arrow Atlas Avenue Balcony Beacon Bird Bloom Boat Bridge Canyon Captain Castle
    Cathedral Circle City Cloud Coast Comet Compass Crow Dancer Desert Diamond Door Dream Echo Ember Engine
    Feather Field Fire Flame Flower Forest Fountain Fox Garden Ghost Giant Glacier Harbour Heart Hill Horizon
    Horse House Hunter Island Jungle Kite Ladder Lake Lantern Letter Light Lighthouse Lion Machine Magnet Map
    Meadow Melody Memory Mirror Mission Moon Mountain Needle Night Ocean Orchard Painter Parade Pilot Planet
    Postcard Promise Queen Radio Rain River Road Rocket Room Rose Sailor Satellite Season Shadow Shore Signal
    Sky Snow Soldier Spark Sparrow Star Station Stone Storm Stranger Street Sun Swan Temple Thief Thunder Tide
    Tiger Tower Train Traveller Tunnel Valley Voice Wave Whale Window Wolf Wonder
    """
)
_VERBS = _split_words(
    """
    Believe Break Call Carry Chase Count Cross Dance Drive Fall Feel Find Float Follow Forget Hold Keep Kiss
    Leave Lose Meet Move Need Open Paint Push Ride Run Save Send Shake Sing Sleep Steal Stop Take Tell Touch
    Turn Wait Wake Walk Want Watch
    """
)
_TAILS = _split_words(
    """
    Tonight Again Alone Anyway Home Forever Slowly Tomorrow Together Sideways Downtown Outside Before Sunday
    Midnight
    """
)


def make_artist_names(n: int, rng: np.random.Generator) -> list[str]:
    """Return `n` different names of people and bands."""
    shares = (
        rng.permutation(_PEOPLE.size)[: -(-n // 3)],
        rng.permutation(_BANDS.size)[: -(-n // 3)],
    )
    names = [_PEOPLE.fill(i) for i in shares[0]] + [_BANDS.fill(i) for i in shares[1]]
    backed = rng.permutation(_BACKED.size)[: max(0, n - len(names))]
    names += [_BACKED.fill(i) for i in backed]
    names = names[:n] + [
        f"{_BACKED.fill(i % _BACKED.size)} {i // _BACKED.size + 1}" for i in range(n - len(names))
    ]
    return [names[i] for i in rng.permutation(n)]


def make_song_titles(artist_rows: NDArray[np.int32], rng: np.random.Generator) -> list[str]:
    """Return a title for each song, different from the artist's other titles."""
    pattern = rng.integers(0, len(_TITLES), len(artist_rows))
    number = rng.integers(0, 2**31, len(artist_rows))
    titles: list[str] = []
    used: set[tuple[int, str]] = set()
    for artist, which, i in zip(
        artist_rows.tolist(), pattern.tolist(), number.tolist(), strict=True
    ):
        title = _find_untaken(_TITLES[which].fill(i % _TITLES[which].size), artist, used)
        used.add((artist, title))
        titles.append(title)
    return titles


def make_album_titles(n: int, rng: np.random.Generator) -> list[str]:
    """Return `n` titles; some may be the same."""
    return [_TITLES[0].fill(i) for i in rng.integers(0, _TITLES[0].size, n)]


def _find_untaken(title: str, artist: int, used: set[tuple[int, str]]) -> str:
    number = 2
    candidate = title
    while (artist, candidate) in used:
        candidate = f"{title} (Part {number})"
        number += 1
    return candidate


class _Pattern:
    """Names made by filling the places of a sentence; `fill` counts through all of them."""

    def __init__(self, sentence: str, *word_lists: list[str]) -> None:
        self._sentence = sentence
        self._places = word_lists
        self.size = int(np.prod([len(words) for words in word_lists]))

    def fill(self, i: int) -> str:
        chosen = []
        for words in self._places:
            i, position = divmod(int(i), len(words))
            chosen.append(words[position])
        return self._sentence.format(*chosen)


_PEOPLE = _Pattern("{} {}", _FIRST, _LAST)
_BANDS = _Pattern(
    "The {} {}s", _ADJECTIVES, [noun for noun in _NOUNS if not noun.endswith(("s", "x", "y"))]
)
_BACKED = _Pattern(
    "{} & the {} {}s",
    _FIRST,
    _ADJECTIVES,
    [noun for noun in _NOUNS if not noun.endswith(("x", "y"))],
)
_TITLES = (
    _Pattern("{} {}", _ADJECTIVES, _NOUNS),
    _Pattern("{} of the {}", _NOUNS, _NOUNS),
    _Pattern("{} the {}", _VERBS, _NOUNS),
    _Pattern("{} Me {}", _VERBS, _TAILS),
    _Pattern("{} {} {}", _VERBS, _ADJECTIVES, _NOUNS),
    _Pattern("{} in the {}", _NOUNS, _NOUNS),
    _Pattern("Don't {} {}", _VERBS, _TAILS),
)
