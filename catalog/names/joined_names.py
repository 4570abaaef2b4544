"""Names of one artist that look like several: "Earth, Wind & Fire", "Tyler, The Creator", "Black Country, New Road".

Whether a joiner stands between two artists or inside one name can't be seen in the letters, so the best known of these
names are listed here. A credit that is cut at its joiners keeps them whole, wherever in it they stand.
"""

from collections.abc import Sequence

from catalog.names.text import normalise

_NAMES = """
above & beyond | alex & sierra | aly & aj | amadou & mariam | angels & airwaves | angus & julia stone |
ashford & simpson | belle & sebastian | big & rich | black country, new road | blood, sweat & tears |
brooks & dunn | bruno e marrone | captain & tennille | chad & jeremy | chas & dave | chitãozinho & xororó |
chloe x halle | cindy & bert | coheed & cambria | crosby & nash | crosby, stills & nash |
crosby, stills, nash & young | dan + shay | daryl hall & john oates |
neil young & crazy horse | steve harley & cockney rebel | alison krauss & union station |
bob seger & silver bullet band | gladys knight & pips | lisa lisa & cult jam |
dave dee, dozy, beaky, mick & tich | delaney & bonnie |
earth, wind & fire | emerson, lake & palmer | england dan & john ford coley | eric b. & rakim |
flatt & scruggs | for king & country | godley & creme | hall & oates | hamilton, joe frank & reynolds |
henrique & juliano | ich + ich | ike & tina turner | iron & wine | jan & dean | jesse & joy | jorge & mateus |
lambert, hendricks & ross | leandro & leonardo | loggins & messina | love and rockets |
macklemore & ryan lewis | maiara & maraisa | matheus & kauan | matt & kim | medeski, martin & wood |
mel & kim | milionário & josé rico | mumford & sons | nico & vinz | now, now | of mice & men |
of monsters and men | oh, sleeper | peaches & herb | penny & sparrow | peter & gordon |
peter, bjorn and john | peter bjorn and john | peter, paul & mary | renée & renato |
right away, great captain! | rodrigo y gabriela | salt & pepa | sam & dave | santo & johnny | seals & crofts |
she & him | shirley & lee | shovels & rope | simon & garfunkel | simone & simaria | sly & robbie |
smith & thell | sonny & cher | sonny terry & brownie mcghee | stock, aitken & waterman | tegan and sara |
the good, the bad & the queen | the head and the heart | the mamas & the papas | tomorrow x together | tones and i |
tonico & tinoco | tyler, the creator | up, bustle & out | victor & leo | wendy & lisa | wisin & yandel |
years & years | zager & evans | zezé di camargo & luciano | zion & lennox |
神様、僕は気づいてしまった
"""


def _build_key(name: str) -> str:
    return "".join(word for word in normalise(name).split() if word not in ("and", "y", "n"))


_KEYS = frozenset(map(_build_key, _NAMES.split("|")))
_MOST_SPANS = 5


def join_listed_names(credit: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """Return the names between the joiners of a credit, given by their spans; a listed name of several spans is one."""
    names = []
    i = 0
    while i < len(spans):
        last = _find_end_of_name(credit, spans, i)
        names.append(credit[spans[i][0] : spans[last][1]].strip())
        i = last + 1
    return names


def _find_end_of_name(credit: str, spans: Sequence[tuple[int, int]], first: int) -> int:
    """Return the last span of the longest listed name that begins with the span `first`; `first` where none does."""
    for last in range(min(first + _MOST_SPANS, len(spans)) - 1, first, -1):
        if _build_key(credit[spans[first][0] : spans[last][1]]) in _KEYS:
            return last
    return first
