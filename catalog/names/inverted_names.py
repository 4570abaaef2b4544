"""Names that libraries of classical music write with the surname first: "Bach, Johann Sebastian".

"Adele, Bruno Mars" has the same form and names two artists, so the form alone turns no name: surname and first given
name have to be a composer's. The same table says whether a credit is of classical music.
"""

import re

from catalog.names.text import normalise

_COMPOSERS = """
albinoni tomaso | albeniz isaac | bach johann carl wilhelm | barber samuel | bartok bela | beethoven ludwig |
bellini vincenzo | berg alban | berlioz hector | bernstein leonard | bizet georges | boccherini luigi |
borodin alexander | brahms johannes | britten benjamin | bruch max | bruckner anton | buxtehude dieterich dietrich |
byrd william | cage john | chopin frederic fryderyk | clementi muzio | copland aaron | corelli arcangelo |
couperin francois | czerny carl | debussy claude | delibes leo | donizetti gaetano | dowland john | dvorak antonin |
elgar edward | faure gabriel | franck cesar | gershwin george | glass philip | glinka mikhail | gluck christoph |
gounod charles | grieg edvard | handel georg george | haendel georg george | haydn joseph franz michael |
hindemith paul | holst gustav | janacek leos | khachaturian aram | kodaly zoltan | lehar franz | ligeti gyorgy |
liszt franz ferenc | lully jean | mahler gustav | massenet jules | mendelssohn felix fanny | messiaen olivier |
monteverdi claudio | mozart wolfgang leopold | mussorgsky modest | nielsen carl | offenbach jacques |
orff carl | pachelbel johann | paganini niccolo | palestrina giovanni | part arvo | pergolesi giovanni |
poulenc francis | prokofiev sergei sergey | puccini giacomo | purcell henry | rachmaninoff sergei | rachmaninov sergei |
rameau jean | ravel maurice | reich steve | respighi ottorino | rimsky-korsakov nikolai | rossini gioachino gioacchino |
saint-saens camille | salieri antonio | satie erik | scarlatti domenico alessandro | schoenberg arnold |
schonberg arnold | schubert franz | schumann robert clara | scriabin alexander | shostakovich dmitri dmitry |
sibelius jean | smetana bedrich | strauss johann richard josef | stravinsky igor | tchaikovsky pyotr peter |
telemann georg | verdi giuseppe | villa-lobos heitor | vivaldi antonio | wagner richard siegfried |
weber carl | webern anton | williams ralph john | vaughan-williams ralph | ysaye eugene
"""
_GIVEN_NAMES = {
    words[0].replace("-", " "): frozenset(words[1:])
    for words in (entry.split() for entry in _COMPOSERS.split("|"))
}
_PARTICLES = ("van", "von", "de", "da")
_INITIALS = re.compile(r"^(?:[A-Z]\.[\s-]?){1,4}$")
_SEPARATOR = re.compile(r"(\s?;\s?|\s/\s)")
_FORM = re.compile(r"^([^,;&/]+),\s([^,;&/]+)$")


def turn_inverted_name(name: str) -> str:
    """Return the name of a composer with the given names first: "Bach, Johann Sebastian" → "Johann Sebastian Bach".

    Among several names, between semicolons or slashes, each such one is turned.
    """
    names = _SEPARATOR.split(name)
    if len(names) == 1:
        return _turn_name(name)
    return "".join(_turn_name(one) if i % 2 == 0 else one for i, one in enumerate(names))


def _turn_name(name: str) -> str:
    form = _FORM.match(name)
    if form is None:
        return name
    surname, given = form[1].strip(), form[2].strip()
    surname_words = normalise(surname).split()
    while len(surname_words) > 1 and surname_words[0] in _PARTICLES:
        surname_words = surname_words[1:]
    first = normalise(given).split()[:1]
    given_names = _GIVEN_NAMES.get(" ".join(surname_words), frozenset())
    is_composer = bool(first) and (
        first[0] in given_names
        or (_INITIALS.match(given) is not None and given[0].lower() in {n[0] for n in given_names})
    )
    return f"{given} {surname}" if is_composer else name


_ENSEMBLE = re.compile(
    r"\b(?:philharmon\w+|(?:\w*symphon\w*|sinfonie|chamber|festival|national|radio|state|city) orch\w+|"
    r"(?:sinfonie|symphonie|kammer|gewandhaus|rundfunk|barock|concertgebouw)or(?:ch|k)est\w*|orchestre \w+|"
    r"orquesta sinf\w+|orchestra sinf\w+|staatskapelle|academy of st martin|(?:string )?quar(?:tet|tett|teto|tetto)|"
    r"\w+ (?:sinfonietta|symphony)|kammer\w*chor|chamber choir)\b"
)


def names_classical(name: str) -> bool:
    """Whether a name is a composer's of the table, or an orchestra's or another ensemble's of classical music."""
    words = normalise(name).split()
    surnames = (" ".join(words[-n:]) for n in (1, 2) if len(words) > n)
    if any(words[0] in _GIVEN_NAMES.get(surname, ()) for surname in surnames):
        return True
    return _ENSEMBLE.search(" ".join(words)) is not None
