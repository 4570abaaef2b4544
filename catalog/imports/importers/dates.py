"""Dates with a time of day as exporters write them: ISO 8601, names of months, numbers with dots or slashes.

Months are known in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Swedish, Danish and
Turkish, by their names and usual abbreviations; Chinese, Japanese and Korean dates by their signs.

A date such as 02/03/2024 has two readings. Which one holds is for the whole file to say (`find_day_order`): one row
with 13 or more in the first or second place decides; where none does, such a date is not read.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

_MONTH_NAMES = (
    """jan january januar janvier janv enero ene gennaio gen janeiro januari styczeń stycznia sty
    января январь янв ocak oca""",
    """feb february februar février févr fév fevrier febrero febbraio fevereiro fev februari luty
    lutego lut февраля февраль фев февр şubat şub""",
    """mar march märz mär mrz mars marzo março maart mrt marzec marca марта март мар mart""",
    """apr april avril avr abril abr aprile kwiecień kwietnia kwi апреля апрель апр nisan nis""",
    """may mai mayo maggio mag maio mei maj maja мая май mayıs""",
    """jun june juni juin junio giugno giu junho czerwiec czerwca cze июня июнь июн haziran haz""",
    """jul july juli juillet juil julio luglio lug julho lipiec lipca lip июля июль июл temmuz tem""",
    """aug august août aout agosto ago augustus augusti sierpień sierpnia sie августа август авг
    ağustos ağu""",
    """sep sept september septembre septiembre settembre set setembro wrzesień września wrz сентября
    сентябрь сен сент eylül eyl""",
    """oct october oktober okt octobre octubre ottobre ott outubro out październik października paź
    октября октябрь окт ekim eki""",
    """nov november novembre noviembre novembro listopad listopada lis ноября ноябрь ноя нояб kasım
    kas""",
    """dec december dezember dez décembre déc decembre diciembre dic dicembre dezembro grudzień
    grudnia gru декабря декабрь дек aralık ara""",
)
_MONTHS = {name: i for i, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s", re.IGNORECASE)
_CLOCK = re.compile(
    r"[\sT](?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{1,9})?)?\s?(?P<half>[ap]\.?m\.?)?"
    r"\s?(?P<zone>Z|(?:UTC|GMT)?[+-]\d\d:?\d\d|UTC|GMT)?$",
    re.IGNORECASE,
)
# "Tue Jan 05 2021 22:15:00 GMT+0100 (CET)", "2021-01-05 22:15:00 +0100 CET"
_ZONE_NAME = re.compile(r"(?<=[+-]\d{4})\s(?:\([^()]{1,60}\)|[A-Z]{2,5})$")
# "Tue Jan 5 22:15:00 2021", "Tue Jan 05 22:15:00 +0000 2021"
_YEAR_LAST = re.compile(
    r"^(?P<day>[^:]{5,20})\s(?P<clock>\d{1,2}:\d\d:\d\d(?:\s(?:UTC|GMT|[+-]\d{4}))?)\s(?P<year>\d{4})$"
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
_DAY_FIRST = re.compile(r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})$")
_UNSURE = re.compile(
    r"^(?P<one>\d{1,2})(?P<sign>[/-])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4}|(?<=/)\d\d)$"
)
_DAY_AND_NAME = re.compile(
    r"^(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-](?P<name>[^\W\d_]{3,12})\.?[\s-](?P<year>\d{4})$"
)
_NAME_AND_DAY = re.compile(
    r"^(?P<name>[^\W\d_]{3,12})\.?\s(?P<day>\d{1,2})(?:st|nd|rd|th)?\s(?P<year>\d{4})$"
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
        moment = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", text.removesuffix(" UTC")))
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
    day = _WEEKDAY.sub("", text[: clock.start()]).replace(",", " ").strip().removesuffix(" at")
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


def _parse_day(text: str, day_first: bool | None) -> tuple[int, int, int]:
    """Return year, month and day."""
    if match := _YEAR_FIRST.match(text) or _DAY_FIRST.match(text) or _EASTERN.match(text):
        return int(match["year"]), int(match["month"]), int(match["day"])
    if match := _UNSURE.match(text):
        one, two = int(match["one"]), int(match["two"])
        if max(one, two) > 12 and day_first is None:
            day_first = one > 12
        if day_first is None and one != two:
            raise TwoReadings(text)
        year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
        return year, *((two, one) if day_first else (one, two))
    named = text.replace(" de ", " ")  # "5 de enero de 2021"
    if match := _DAY_AND_NAME.match(named) or _NAME_AND_DAY.match(named):
        month = _MONTHS.get(match["name"].casefold())
        if month is not None:
            return int(match["year"]), month, int(match["day"])
    raise ValueError(text)


def _parse_zone(name: str) -> timezone:
    text = name.upper().removeprefix("UTC").removeprefix("GMT")
    if not text or text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
