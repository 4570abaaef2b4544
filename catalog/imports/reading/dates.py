"""Dates with a time of day as exporters write them: ISO 8601, names of months, numbers with dots or slashes.

Months are known in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Swedish, Danish,
Finnish and Turkish, by their names and usual abbreviations; Chinese, Japanese and Korean dates by their signs. Names
of weekdays are passed over in any language. Names of zones are read where they mean one zone only: CST, IST and BST
do not.

A date such as 02/03/2024 has two readings. Which one holds is for the whole file to say (`find_day_order`): one row
with 13 or more in the first or second place decides; where none does, such a date is not read.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

_MONTH_NAMES = (
    """jan january januar janvier janv enero ene gennaio gen janeiro januari styczeń stycznia sty
    января январь янв ocak oca tammikuuta jän jänner januari jaan jaanuar ledna led leden január januára
    ιαν ιανουαρίου січ січня sty ian ianuarie sausio janvāris""",
    """feb february februar février févr fév fevrier febrero febbraio fevereiro fev februari luty
    lutego lut febr február februára února úno únor φεβ φεβρουαρίου лют лютого
    февраля февраль фев февр şubat şub helmikuuta""",
    """mar march märz mär mrz mars marzo março maart mrt marzec marca marts márc március března bře březen μαρ
    μαρτίου бер березня martie
    марта март мар mart maaliskuuta""",
    """apr april avril avr abril abr aprile kwiecień kwietnia kwi ápr április dubna dub duben απρ απριλίου квіт
    квітня aprilie апреля апрель апр nisan nis huhtikuuta""",
    """may mai mayo maggio mag maio mei maj maja máj május máje května kvě květen μαΐ μαΐου μαϊ трав травня мая
    май mayıs toukokuuta""",
    """jun june juni juin junio giugno giu junho czerwiec czerwca cze jún június červen června čvn ιουν ιουνίου
    черв червня iun iunie июня июнь июн haziran haz kesäkuuta""",
    """jul july juli juillet juil julio luglio lug julho lipiec lipca lip júl július července čvc červenec ιουλ
    ιουλίου лип липня iul iulie июля июль июл temmuz tem heinäkuuta""",
    """aug august août aout agosto ago augustus augusti sierpień sierpnia sie augusztus srpna srp srpen αυγ
    αυγούστου серп серпня agu agustus августа август авг
    ağustos ağu elokuuta""",
    """sep sept september septembre septiembre settembre set setembro wrzesień września wrz szept szeptember
    září zář σεπ σεπτεμβρίου вер вересня septembrie сентября
    сентябрь сен сент eylül eyl syyskuuta""",
    """oct october oktober okt octobre octubre ottobre ott outubro out październik października paź
    október října říj říjen οκτ οκτωβρίου жовт жовтня octombrie октября октябрь окт ekim eki lokakuuta""",
    """nov november novembre noviembre novembro listopad listopada lis listopadu νοε νοεμβρίου листопада
    noiembrie ноября ноябрь ноя нояб kasım
    kas marraskuuta""",
    """dec december dezember dez décembre déc decembre diciembre dic dicembre dezembro grudzień
    grudnia gru des desember decembrie prosince pro prosinec δεκ δεκεμβρίου груд грудня декабря декабрь дек
    aralık ara joulukuuta""",
)
_MONTHS = {name: i for i, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")
# "Tuesday ", "mardi ", "terça-feira, ": a word before the day that is no month
_WEEKDAY = re.compile(r"^(?P<name>[^\W\d_]{2,14})(?:-feira)?\.?,?\s(?=\S)", re.IGNORECASE)
# what stands between the day and the time: "at", "um", "à"
_BEFORE_A_CLOCK = re.compile(
    r"\s(?:at|um|à|às|as|a las|a la|alle|alle ore|ore|om|kl|kl\.|klo|o|o godz\.|в)$"
)
_ZONES = {
    "WET": 0, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13,
}  # fmt: skip
_ZONE_WORDS = "|".join(_ZONES)
_CLOCK = re.compile(
    r"[\sT](?P<hour>\d{1,2})[:.h](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{1,9})?)?\s?(?P<half>[ap]\.?m\.?)?"
    rf"(?:\sUhr)?\s?(?P<zone>Z|(?:UTC|GMT)?[+-]\d\d:?\d\d|(?:UTC|GMT)[+-]\d{{1,2}}|UTC|GMT|{_ZONE_WORDS})?$",
    re.IGNORECASE,
)
# "Tue Jan 05 2021 22:15:00 GMT+0100 (CET)", "2021-01-05 22:15:00 +0100 CET"
_ZONE_NAME = re.compile(r"(?<=[+-]\d{4})\s(?:\([^()]{1,60}\)|[A-Z]{2,5})$")
# "2021-01-05T22:15:00+01:00[Europe/Berlin]", as Java writes it
_ZONE_IN_BRACKETS = re.compile(r"(?<=[\dZ])\[[A-Za-z_/+\-0-9]{1,40}\]$")
# "22時15分00秒", "22시 15분"
_EASTERN_CLOCK = re.compile(r"(\d{1,2})[時时시点]\s?(\d{1,2})[分분](?:\s?(\d{1,2})[秒초])?$")
# "05/Jan/2021:22:15:00 +0000", as web servers log
_LOGGED = re.compile(r"^(\d{1,2})/([A-Za-z]{3})/(\d{4}):(?=\d\d:)")
# "Tue Jan 5 22:15:00 2021", "Tue Jan 05 22:15:00 +0000 2021"
_YEAR_LAST = re.compile(
    r"^(?P<day>[^:]{5,20})\s(?P<clock>\d{1,2}:\d\d:\d\d(?:\s(?:UTC|GMT|[+-]\d{4}|[A-Z]{3,4}))?)\s(?P<year>\d{4})$"
)
# "下午10:15:00", "오후 10:15"
_HALF_FIRST = re.compile(
    r"(?P<half>午前|上午|오전|午後|下午|오후)\s?(?P<clock>\d{1,2}:\d\d(?::\d\d)?)$"
)
_MORNING = ("午前", "上午", "오전")
_EASTERN = re.compile(
    r"^(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]$"
)
_YEAR_FIRST = re.compile(r"^(?P<year>\d{4})[./-]\s?(?P<month>\d{1,2})[./-]\s?(?P<day>\d{1,2})\.?$")
_DAY_FIRST = re.compile(r"^(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4}|\d\d)\.?$")
_UNSURE = re.compile(
    r"^(?P<one>\d{1,2})(?P<sign>[/-])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4}|(?<=/)\d\d)$"
)
_DAY_AND_NAME = re.compile(
    r"^(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|°)?[\s-](?P<name>[^\W\d_]{3,12})\.?[\s-](?P<year>\d{4}|(?<=-)\d\d)$"
)
_NAME_AND_DAY = re.compile(
    r"^(?P<name>[^\W\d_]{3,12})\.?\s(?P<day>\d{1,2})(?:st|nd|rd|th)?\s(?P<year>\d{4})$"
)


# "5 янв. 2021 г.": "of the year"
_OF_THE_YEAR = re.compile(r"(?<=\d{4})\s?(?:г|р|r|m)\.?$")
# "2021. jan. 5.", "2021 m. sausio 5 d."
_YEAR_AND_NAME = re.compile(
    r"^(?P<year>\d{4})\.?\s(?:m\.\s)?(?P<name>[^\W\d_]{3,12})\.?\s(?P<day>\d{1,2})(?:\.|\sd\.)?$"
)


class TwoReadings(ValueError):
    """A date whose first number may be the day or the month."""


def parse_date(text: str, day_first: bool | None = None) -> datetime:
    """Return the moment that a date with a time of day says, in UTC where it names no zone.

    Raises
    ------
    TwoReadings
        Day and month may be changed over, and `day_first` does not say which is first.
    ValueError
        It is no such date.
    """
    try:
        moment = datetime.fromisoformat(
            _LONG_FRACTION.sub(r"\1", _ZONE_IN_BRACKETS.sub("", text).removesuffix(" UTC"))
        )
    except ValueError:
        moment = _parse_words(" ".join(text.split()), day_first)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find_day_order(texts: Iterable[str]) -> bool | None:
    """Return whether the day stands first in dates with slashes; None where nothing shows it.

    Raises
    ------
    TwoReadings
        One date has the day first and another one the month.
    """
    orders = set()
    for text in texts:
        match = _match_unsure(text)
        if match and max(int(match["one"]), int(match["two"])) > 12:
            orders.add(int(match["one"]) > 12)
    if len(orders) > 1:
        raise TwoReadings
    return next(iter(orders), None)


def has_two_readings(text: str) -> bool:
    """Whether the first number of a date may be its day or its month, as far as it says itself."""
    match = _match_unsure(text)
    return (
        match is not None
        and match["one"] != match["two"]
        and max(int(match["one"]), int(match["two"])) <= 12
    )


def _match_unsure(text: str) -> re.Match[str] | None:
    return _UNSURE.match(text.strip().partition(" ")[0].rstrip(","))


def _tidy_clock(text: str) -> str:
    """Return a date with its time of day behind it, and with the zone once."""
    text = _ZONE_NAME.sub("", text)
    text = _LOGGED.sub(r"\1 \2 \3 ", text)
    if match := _EASTERN_CLOCK.search(text):
        clock = ":".join(f"{int(number or 0):02}" for number in match.groups())
        return f"{text[: match.start()].rstrip()} {clock}"
    if match := _YEAR_LAST.match(text):
        return f"{match['day']} {match['year']} {match['clock']}"
    if match := _HALF_FIRST.search(text):
        half = "am" if match["half"] in _MORNING else "pm"
        return f"{text[: match.start()].rstrip()} {match['clock']} {half}"
    return text


def _parse_words(text: str, day_first: bool | None) -> datetime:
    text = _tidy_clock(text)
    clock = _CLOCK.search(text)
    if clock is None:
        raise ValueError(text)
    day = _BEFORE_A_CLOCK.sub("", _cut_weekday(text[: clock.start()]).rstrip(", ")).replace(
        ",", " "
    )
    year, month, number = _parse_day(" ".join(day.split()), day_first)
    hour = int(clock["hour"])
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + 12 * (clock["half"][0] in "pP")
    zone = _parse_zone(clock["zone"] or "")
    return datetime(
        year, month, number, hour, int(clock["minute"]), int(clock["second"] or 0), tzinfo=zone
    )


def _cut_weekday(text: str) -> str:
    weekday = _WEEKDAY.match(text)
    is_month = weekday is not None and weekday["name"].casefold() in _MONTHS
    # "Mar 5, 2021" is March, "Mar, 5 Jan 2021" is a Tuesday in Spanish and Italian
    if weekday is None or (
        is_month and "," not in weekday[0] and not _has_month(text[weekday.end() :])
    ):
        return text
    return text[weekday.end() :]


def _has_month(text: str) -> bool:
    return any(word.strip(".,").casefold() in _MONTHS for word in text.split(" "))


def _parse_day(text: str, day_first: bool | None) -> tuple[int, int, int]:
    """Return year, month and day."""
    if match := _YEAR_FIRST.match(text) or _DAY_FIRST.match(text) or _EASTERN.match(text):
        return _parse_year(match["year"]), int(match["month"]), int(match["day"])
    if match := _UNSURE.match(text):
        one, two = int(match["one"]), int(match["two"])
        if max(one, two) > 12 and day_first is None:
            day_first = one > 12
        if day_first is None and one != two:
            raise TwoReadings(text)
        return _parse_year(match["year"]), *((two, one) if day_first else (one, two))
    named = text.replace(" de ", " ")  # "5 de enero de 2021"
    named = _OF_THE_YEAR.sub("", named)
    if match := (
        _DAY_AND_NAME.match(named) or _NAME_AND_DAY.match(named) or _YEAR_AND_NAME.match(named)
    ):
        month = _MONTHS.get(match["name"].casefold())
        if month is not None:
            return _parse_year(match["year"]), month, int(match["day"])
    raise ValueError(text)


def _parse_year(digits: str) -> int:
    """Return a year; of two digits it is of this century, before which nobody scrobbled."""
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _parse_zone(name: str) -> timezone:
    text = name.upper().removeprefix("UTC").removeprefix("GMT")
    if text in _ZONES:
        return timezone(timedelta(hours=_ZONES[text]))
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")  # "0530", or the hours alone: "2"
    hours, minutes = (digits, "0") if len(digits) < 3 else (digits[:-2], digits[-2:])
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)
