"""Dates and times as people write them: 2019-03-06, 6.3.2019, 3/6/19 1:05 PM, 06-Mar-2019, March 2019.

All forms are tried on every field. What a field alone may not tell is the order of day, month and year, as in 3/6/19;
`decide` looks at all fields of the column.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import TYPE_CHECKING

from backlit.tables.numerals import Question

if TYPE_CHECKING:
    import polars as pl

ORDERS = ("mdy", "dmy", "ymd")
SAMPLE = 100  #: fields that are looked at before all are

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? +)?"
_CLOCK = (
    r"(?:(?:[t,]? *| at )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<rest>[.,][0-9]{1,9})?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?)? ?(?P<zone>z|utc|gmt|[+-][0-9]{2}:?[0-9]{2})?"
)
_COMPACT = r"(?:t(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?)?(?P<zone>z)?"
_YEAR, _DAY = r"(?P<year>[0-9]{4}|'?[0-9]{2})", r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"

#: dates whose parts tell themselves: a year of four digits first, or the month by its name
_CLEAR = (
    *(rf"(?P<year>[0-9]{{4}}){s}(?P<month>[0-9]{{1,2}}){s}(?P<day>[0-9]{{1,2}}){_CLOCK}" for s in ("-", "/", r"\.")),
    rf"(?P<year>[0-9]{{4}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){_COMPACT}",
    rf"{_DAY}[-/. ]*{_MONTH}[-/., ]*{_YEAR}{_CLOCK}",
    rf"{_MONTH}[-/. ]*{_DAY}(?:, ?| |-|/)(?P<year>[0-9]{{4}}){_CLOCK}",
    rf"(?P<year>[0-9]{{4}})[-/. ]?{_MONTH}[-/. ]?{_DAY}{_CLOCK}",
    r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})",
    r"(?P<month>[0-9]{1,2})[-/](?P<year>[0-9]{4})",
    rf"{_MONTH}[-/., ]*{_YEAR}",
    rf"(?P<year>[0-9]{{4}})[-/. ]?{_MONTH}",
)
#: dates in figures alone, whose order one must know
_PARTS = {"d": r"(?P<day>[0-9]{1,2})", "m": r"(?P<month>[0-9]{1,2})", "y": r"(?P<year>[0-9]{4}|[0-9]{2})"}
_ORDERED = {
    order: tuple(s.join(_PARTS[part] for part in order) + _CLOCK for s in ("/", "-", r"\.", " "))
    for order in ("mdy", "dmy")
}
_ORDERED["ymd"] = tuple(
    s.join((r"(?P<year>[0-9]{2})", r"(?P<month>[0-9]{2})", r"(?P<day>[0-9]{2})")) + _CLOCK for s in ("/", "-", r"\.")
)


def dates_of(text: pl.Series, order: str) -> pl.Series:
    """Fields as dates and times, null where they are none; a time of another zone is moved to UTC.

    Parameters
    ----------
    order : of day, month and year where they are figures alone, one of ORDERS; "" where no such field counts

    Notes
    -----
    A year of two digits is 1969 to 2068, as in POSIX.
    """
    import polars as pl

    dates = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    for pattern in _patterns(text, order):
        left = (dates.is_null() & text.is_not_null()).arg_true()
        if len(left) == 0:
            break
        dates = dates.scatter(left, _matched(text.gather(left), pattern))
    return dates


def share(text: pl.Series) -> float:
    """The share of the first fields that look like dates."""
    sample = [entry.lower() for entry in text.drop_nulls().head(SAMPLE)]
    known = [_compiled(pattern) for pattern in (*_CLEAR, *itertools.chain(*_ORDERED.values()))]
    return sum(any(pattern.match(entry) for pattern in known) for entry in sample) / max(1, len(sample))


def _patterns(text: pl.Series, order: str = "") -> list[str]:
    """Those that may count, the one that describes most of the first fields first."""
    known = text.drop_nulls()
    sample = [entry.lower() for entry in known.head(SAMPLE)]
    fits = {
        pattern: sum(_compiled(pattern).match(entry) is not None for entry in sample)
        for pattern in (*_CLEAR, *_ORDERED.get(order, ()))
    }
    if len(known) <= SAMPLE:  # no other field can have a form that none of the sample has
        fits = {pattern: count for pattern, count in fits.items() if count}
    return sorted(fits, key=lambda pattern: -fits[pattern])


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_whole(pattern))


def _whole(pattern: str) -> str:
    return f"^{_WEEKDAY}(?:{pattern})$"


def have_times(text: pl.Series) -> bool:
    """Whether some fields tell the time of the day."""
    return bool(text.str.contains(r"[0-9]:[0-9][0-9]|[0-9]T[0-9]{4}").any())


def _matched(text: pl.Series, pattern: str) -> pl.Series:
    """The fields that a pattern describes as dates; null for others, and for days that no month has."""
    import polars as pl

    parts = pl.DataFrame({"text": text}).select(
        pl.col("text").str.to_lowercase().str.extract_groups(_whole(pattern)).alias("parts")
    )
    names = [field.name for field in parts.schema["parts"].fields]  # type: ignore[union-attr]
    parts = parts.unnest("parts").with_columns(pl.col(pl.String).replace("", None))

    def part(name: str, otherwise: int) -> pl.Expr:
        return pl.col(name).cast(pl.Int32, strict=False).fill_null(otherwise) if name in names else pl.lit(otherwise)

    year = pl.col("year").str.strip_chars("'").cast(pl.Int32, strict=False)
    short = pl.col("year").str.strip_chars("'").str.len_chars() == 2
    year = pl.when(short).then(year + pl.when(year <= 68).then(2000).otherwise(1900)).otherwise(year)
    month = part("month", 1)
    if "name" in names:
        month = pl.col("name").str.slice(0, 3).replace_strict(list(_MONTHS), list(range(1, 13)), default=None)
    hour = part("hour", 0)
    if "half" in names:
        afternoon = 12 * (pl.col("half") == "p").cast(pl.Int32)
        on_the_dial = pl.when((hour >= 1) & (hour <= 12)).then(hour % 12 + afternoon)  # else null: 13 PM is none
        hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(on_the_dial)
    rest = pl.col("rest").str.replace(",", ".", literal=True).fill_null("") if "rest" in names else pl.lit("")
    written = pl.format(
        "{}-{}-{}T{}:{}:{}{}", year.cast(pl.String).str.zfill(4), month, part("day", 1), hour, part("minute", 0),
        part("second", 0), rest,
    )  # fmt: skip
    dates = pl.when(pl.col("year").is_not_null()).then(written)
    dates = dates.str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S%.f", strict=False)
    if "zone" in names:
        east = pl.col("zone").str.extract(r"^([+-][0-9]{2})").cast(pl.Int32, strict=False).fill_null(0) * 60
        minutes = pl.col("zone").str.extract(r"([0-9]{2})$").cast(pl.Int32, strict=False).fill_null(0)
        minutes = pl.when(pl.col("zone").str.starts_with("-")).then(-minutes).otherwise(minutes)
        dates = dates - pl.duration(minutes=east + minutes)
    return parts.select(dates.alias(text.name)).to_series()


def decide(text: pl.Series) -> str | Question | None:
    """The order of day, month and year in a column's distinct fields; "" where each field tells by itself.

    Returns
    -------
    str, Question or None
        None where some field is no date in any order; a question where several orders fit and mean different days.

    Notes
    -----
    Dots are written day first everywhere. A year of two digits comes first only where the parts are joined by dashes,
    or where no other order fits.
    """
    import polars as pl

    if share(text) < 1:
        return None
    text = text.filter(dates_of(text, "").is_null())
    if len(text) == 0:
        return ""
    read = {order: dates for order in ORDERS if (dates := dates_of(text, order)).null_count() == 0}
    if len(read) > 1 and "ymd" in read and not text.str.contains(r"^[0-9][0-9]-").all():
        del read["ymd"]
    if {"dmy", "mdy"} <= set(read) and text.str.contains(r"^[0-9]+\.").all():
        del read["mdy"]
    if len(read) < 2:
        return next(iter(read), None)
    first, *others = read.values()
    differs = pl.Series([False] * len(text))
    for other in others:
        differs = differs | (other != first)
    if not differs.any():
        return next(iter(read))
    row = int(differs.arg_max() or 0)
    return Question("date_order", text[row], {order: f"{dates[row]:%Y-%m-%d}" for order, dates in read.items()})
