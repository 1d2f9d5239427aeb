"""One table, written as people in many places write it, is read as itself or refused; never as something else."""

import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.errors import DataError
from backlit.tables.frames import read_table

NARROW, THIN, FIXED, MINUS = "\u202f", "\u2009", "\u00a0", "\u2212"
SHORT = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LONG = "January February March April May June July August September October November December".split()
LEVELS = ("Kent", "Auburn", "Zürich", "Saint-Étienne", "le Mans", "Kent, WA", "left; right", 'so "called"', "a|b")
EASY = LEVELS[:5]
QUICK = {
    "max_examples": 10, "deadline": None, "database": None, "phases": (Phase.generate,),  # small as they come
    "suppress_health_check": (HealthCheck.too_slow,),  # on a loaded machine
}  # fmt: skip
FEWER = QUICK | {"max_examples": 3}  #: where an entry or an option says how to read each column


# --- dialects ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dialect:
    """How one program writes tables.

    date, time, moment : patterns of day, month (d, m; dd, mm with zeros), year (Y, yy), month's name (b, B), hour (H,
        HH; h, hh of twelve), minute, second, milliseconds (MM, SS, f), AM/PM (p)
    free : whether a reader can know each entry's meaning or that it has two; else only a decisive entry tells
    """

    name: str
    separator: str = ","
    decimal: str = "."
    group: str = ""
    indian: bool = False
    before: str = "$"
    after: str = ""
    price_places: int = 2
    negative: str = "-"
    plus: str = ""
    percent: str = "%"
    unit: str = " km"
    date: str = "{Y}-{mm}-{dd}"
    moment: str = "{Y}-{mm}-{dd} {HH}:{MM}:{SS}"
    facts: tuple[str, str] = ("true", "false")
    missing: str = ""
    pad: str = ""
    around: str = ""
    quoted: bool = False
    end: str = "\n"
    encoding: str = "utf-8"
    free: bool = True

    def digits(self, plain: str) -> str:
        """Digits such as 1234.50, grouped."""
        whole, _, places = plain.partition(".")
        first, rest = whole[:-3], whole[-3:]
        parts, size = [rest], 2 if self.indian else 3
        while first:
            parts.append(first[-size:])
            first = first[:-size]
        return self.group.join(reversed(parts)) + (self.decimal + places if places else "")

    def number(self, plain: str, before: str = "", after: str = "") -> str:
        """A number such as -1234.50, with what stands before and after it."""
        body = self.digits(plain.removeprefix("-"))
        if not plain.startswith("-"):
            return f"{self.plus}{before}{body}{after}"
        if self.negative == "()":
            return f"({before}{body}{after})"
        if self.negative == "after":
            return f"{before}{body}-{after}"
        return f"{self.negative}{before}{body}{after}"

    def field(self, kind: str, value) -> str:
        """One value as it stands in the file."""
        if value is None:
            return self.missing
        if kind in ("whole", "number"):
            return self.number(value)
        if kind == "price":
            return self.number(value, self.before, self.after)
        if kind == "share":
            return self.number(value, after=self.percent)
        if kind == "length":
            return self.number(value, after=self.unit)
        if kind in ("day", "moment"):
            return written(value, self.date if kind == "day" else self.moment)
        if kind == "fact":
            return self.facts[0] if value else self.facts[1]
        return value

    def line(self, fields) -> str:
        """A row of a file."""
        odd = (self.separator, '"', "\n")
        quoted = [
            '"' + field.replace('"', '""') + '"' if self.quoted or any(c in field for c in odd) else field
            for field in fields
        ]
        return (self.separator + self.pad).join(quoted) + self.end

    def text(self, table) -> str:
        """The whole file."""
        rows = zip(*[[self.field(kind, value) for value in values] for kind, values in table.items()])
        return self.line(f"{self.around}{name}{self.around}" for name in table) + "".join(map(self.line, rows))


def written(moment, pattern: str) -> str:
    """A date, or a date with its time."""
    hour, minute, second, micro = (getattr(moment, part, 0) for part in ("hour", "minute", "second", "microsecond"))
    return pattern.format(
        d=moment.day, dd=f"{moment.day:02}", m=moment.month, mm=f"{moment.month:02}", Y=moment.year,
        yy=f"{moment.year % 100:02}", b=SHORT[moment.month - 1], B=LONG[moment.month - 1], H=hour, HH=f"{hour:02}",
        h=(hour - 1) % 12 + 1, hh=f"{(hour - 1) % 12 + 1:02}", MM=f"{minute:02}", SS=f"{second:02}",
        f=f"{micro // 1000:03}", p="PM" if hour >= 12 else "AM",
    )  # fmt: skip


US = {"date": "{mm}/{dd}/{Y}", "moment": "{m}/{d}/{Y} {h}:{MM} {p}", "group": ",", "facts": ("TRUE", "FALSE")}
GERMAN = {
    "separator": ";", "decimal": ",", "before": "", "after": " €", "percent": " %", "date": "{dd}.{mm}.{Y}",
    "moment": "{dd}.{mm}.{Y} {HH}:{MM}",
}  # fmt: skip
FRENCH = {**GERMAN, "date": "{dd}/{mm}/{Y}", "moment": "{dd}/{mm}/{Y} {HH}:{MM}:{SS}"}
ISO = {"date": "{Y}-{mm}-{dd}", "moment": "{Y}-{mm}-{dd} {HH}:{MM}"}
BRITISH = {"before": "£", "date": "{dd}/{mm}/{Y}", "moment": "{dd}/{mm}/{Y} {HH}:{MM}", "group": ","}

DIALECTS = [
    Dialect("pandas", facts=("True", "False")),
    Dialect("R", missing="NA", facts=("TRUE", "FALSE"), quoted=True),
    Dialect("database", separator="\t", missing="\\N", moment="{Y}-{mm}-{dd} {HH}:{MM}:{SS}.{f}"),
    Dialect("JSON's words", missing="null", moment="{Y}-{mm}-{dd}T{HH}:{MM}:{SS}"),
    Dialect("Python's words", missing="None", facts=("True", "False"), moment="{Y}-{mm}-{dd}T{HH}:{MM}"),
    Dialect("zone", moment="{Y}-{mm}-{dd}T{HH}:{MM}:{SS}Z"),
    Dialect("fractions and zone", moment="{Y}-{mm}-{dd}T{HH}:{MM}:{SS}.{f}Z"),
    Dialect("compact T", moment="{Y}{mm}{dd}T{HH}{MM}{SS}", date="{Y}/{mm}/{dd}"),
    Dialect("pipe", separator="|", missing="-", facts=("yes", "no")),
    Dialect("UCI", missing="?", unit="kg", before="USD ", pad=" "),
    Dialect("UCI, dots for missing", missing=".", pad=" ", before="", facts=("yes", "no")),
    Dialect("UCI, quoted", missing="?", pad=" ", quoted=True),
    Dialect("blank fields", missing=" ", facts=("Yes", "No")),
    Dialect("names with blanks", around=" ", missing="n/a"),
    Dialect("Windows", end="\r\n", encoding="utf-8-sig", facts=("TRUE", "FALSE")),
    Dialect("US", **US, missing="N/A"),
    Dialect("US, quoted", **US, quoted=True, encoding="utf-8-sig", end="\r\n"),
    Dialect("US, accountant", **US, negative="()", missing="-"),
    Dialect("US, short years", **{**US, "date": "{m}/{d}/{yy}", "moment": "{m}/{d}/{yy} {H}:{MM}"}, missing="#N/A"),
    Dialect("US, seconds", **{**US, "moment": "{mm}/{dd}/{Y} {hh}:{MM}:{SS} {p}"}, missing="#DIV/0!"),
    Dialect("US, months' names", **{**US, "date": "{b} {d}, {Y}", "moment": "{b} {d}, {Y} {h}:{MM} {p}"}),
    Dialect("US, no commas in dates", **{**US, "date": "{b} {d} {Y}"}, separator="\t", before="US$"),
    Dialect("US, long months", **{**US, "date": "{B} {d}, {Y}"}, before="$ ", percent=" %"),
    Dialect("US, code behind", **{**US, "before": "", "after": " USD"}, plus="+"),
    Dialect("US, UTF-16", **US, separator="\t", encoding="utf-16"),
    Dialect("US, semicolons", **{**US, "group": ""}, separator=";"),
    Dialect("British", **BRITISH, facts=("Yes", "No")),
    Dialect("British, short years", **{**BRITISH, "date": "{dd}/{mm}/{yy}"}, encoding="cp1252"),
    Dialect("British, months' names", **{**BRITISH, "date": "{dd}-{b}-{Y}", "moment": "{dd}-{b}-{Y} {HH}:{MM}"}),
    Dialect("Oracle", date="{dd}-{b}-{yy}", moment="{dd}-{b}-{yy} {hh}:{MM}:{SS} {p}", negative="after"),
    Dialect("long months", date="{d} {B} {Y}", moment="{d} {B} {Y} {HH}:{MM}", before="£ "),
    Dialect("true minus", negative=MINUS, before="€"),
    Dialect("leading plus", plus="+", before="€ "),
    Dialect("year first, slashes", date="{Y}/{m}/{d}", moment="{Y}/{mm}/{dd} {HH}:{MM}"),
    Dialect("day first, dashes", date="{dd}-{mm}-{Y}", moment="{dd}-{mm}-{Y} {HH}:{MM}:{SS}", group=" "),
    Dialect("Indian", **{**BRITISH, "before": "₹", "indian": True}),
    Dialect("Indian, rupees", **{**BRITISH, "before": "Rs. ", "indian": True, "date": "{dd}-{mm}-{Y}"}, quoted=True),
    Dialect("Japanese", before="¥", price_places=0, group=",", date="{Y}/{mm}/{dd}", unit="m²"),
    Dialect("yen, no groups", before="¥ ", price_places=0, date="{Y}/{m}/{d}", unit=" °C"),
    Dialect("German", **GERMAN, group="."),
    Dialect("German, no groups", **GERMAN, missing="NA", facts=("yes", "no")),
    Dialect("German, Excel", **GERMAN, group=".", encoding="cp1252", end="\r\n"),
    Dialect("German, short", **{**GERMAN, "date": "{d}.{m}.{yy}", "after": "€", "percent": "%"}, missing="n.a."),
    Dialect("German, euro first", **{**GERMAN, "before": "€ ", "after": ""}, negative="after", missing="#DIV/0!"),
    Dialect("German, UTF-16", **GERMAN, group=".", encoding="utf-16", missing="-"),
    Dialect("German, tabs", **{**GERMAN, "separator": "\t"}),
    Dialect("German in commas", **{**GERMAN, "separator": ","}, group=".", quoted=True, free=False),
    Dialect("French, narrow", **FRENCH, group=NARROW),
    Dialect("French, fixed", **FRENCH, group=FIXED, encoding="cp1252"),
    Dialect("French, thin", **FRENCH, group=THIN, encoding="utf-8-sig"),
    Dialect("French, blank", **FRENCH, group=" ", negative=MINUS),
    Dialect("Swiss", **{**GERMAN, "decimal": ".", "before": "CHF ", "after": ""}, group="'", missing="-"),
    Dialect("Swiss, curly", **{**GERMAN, "decimal": ".", "before": "", "after": " CHF"}, group="’"),
    Dialect("Swedish", **{**GERMAN, "after": " kr", **ISO}, group=FIXED, negative=MINUS),
    Dialect("Brazilian", **{**FRENCH, "before": "R$ ", "after": ""}, group="."),
    Dialect("Brazilian, tight", **{**FRENCH, "before": "R$", "after": "", "separator": "|"}, negative="()"),
    Dialect("Dutch", **{**GERMAN, "before": "€ ", "after": "", "date": "{d}-{m}-{Y}"}, group="."),
]


# --- tables ------------------------------------------------------------------------------------------------------

KINDS = ("whole", "number", "price", "share", "length", "day", "moment", "clock", "fact", "level")


@st.composite
def plain_digits(draw, most=10**9, places=(0, 6), signed=True):
    whole = draw(st.one_of(st.integers(0, 999), st.integers(0, most)))
    many = draw(st.integers(*places))
    behind = "".join(draw(st.lists(st.sampled_from("0123456789"), min_size=many, max_size=many)))
    sign = "-" if signed and draw(st.booleans()) and int(f"{whole}{behind}") else ""
    return f"{sign}{whole}" + (f".{behind}" if behind else "")


def moments(dialect, pattern, timed):
    short = "{yy}" in pattern
    first, last = (1969, 2068) if short else (1900, 2099)
    if not timed:
        return st.dates(datetime.date(first, 1, 1), datetime.date(last, 12, 31))

    def rounded(moment):
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000 if "{f}" in pattern else 0)
        return moment if "{SS}" in pattern else moment.replace(second=0)

    return st.datetimes(datetime.datetime(first, 1, 1), datetime.datetime(last, 12, 31)).map(rounded)


@st.composite
def tables(draw, dialect, decisive):
    """Columns by their kind, each with something in its first row.

    decisive : the first row says in each column how to read it: both separators or one decimal, a day above 12
    """
    rows = draw(st.integers(2, 7))
    hard = dialect.negative not in ("-", MINUS)
    fits = {"whole": (0, 0), "number": (0, 6), "price": (dialect.price_places,) * 2, "share": (0, 3), "length": (0, 3)}
    entries = {
        kind: plain_digits(places=places, signed=not (hard and kind in ("share", "length")))
        for kind, places in fits.items()
    }
    entries |= {kind: moments(dialect, getattr(dialect, {"day": "date"}.get(kind, kind)), kind == "moment")
                for kind in ("day", "moment")}  # fmt: skip
    entries |= {
        "clock": st.times().map(lambda t: f"{t:%H:%M}"),
        "fact": st.booleans(),
        "level": st.sampled_from(EASY if dialect.pad else LEVELS),
    }
    first = {
        "whole": "1234567", "number": "7654321.5", "price": "1234567.50" if dialect.price_places else "12345678",
        "share": "12.5", "length": "1234.25", "day": datetime.date(1994, 5, 27),
        "moment": datetime.datetime(1994, 5, 27, 15, 30),
    }  # fmt: skip
    table = {}
    for kind in KINDS:
        known = [first[kind]] if decisive and kind in first else [draw(entries[kind])]
        table[kind] = known + draw(st.lists(st.none() | entries[kind], min_size=rows, max_size=rows))
    return table


def read(text, dialect, **options):
    """What `read_table` makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(text.encode(dialect.encoding))
        if dialect.encoding == "cp1252":
            options["text_encoding"] = "cp1252"
        return read_table(path, **options)


def require_same(frame, table):
    """Each column holds what was written, and no other type."""
    assert frame.columns == list(table)
    for kind, values in table.items():
        column = frame[kind]
        if kind in ("whole", "number", "price", "share", "length"):
            assert column.dtype.is_numeric(), (kind, column)
            expected = [None if value is None else float(value) for value in values]
            assert column.cast(pl.Float64).to_list() == expected
        elif kind in ("day", "moment"):
            assert column.dtype in (pl.Date, pl.Datetime), (kind, column)
            midnight = datetime.time()
            expected = [
                value
                if value is None or isinstance(value, datetime.datetime)
                else datetime.datetime.combine(value, midnight)
                for value in values
            ]
            assert column.cast(pl.Datetime("us")).to_list() == expected
        elif kind == "fact":
            assert column.dtype == pl.Boolean, (kind, column)
            assert column.to_list() == values
        else:
            text = column.dt.strftime("%H:%M") if column.dtype == pl.Time else column
            assert text.to_list() == values
    assert frame["whole"].dtype == pl.Int64


def test_there_are_forty_dialects():
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS) >= 40


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d.free], ids=lambda d: d.name)
def test_a_table_is_read_as_itself_or_refused(dialect):
    @given(table=tables(dialect, decisive=False))
    @settings(**QUICK)
    def try_one(table):
        try:
            frame = read(dialect.text(table), dialect)
        except DataError:
            return
        require_same(frame, table)

    try_one()


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if not (d.pad and d.quoted)], ids=lambda d: d.name)
def test_a_table_with_decisive_entries_is_read(dialect):
    @given(table=tables(dialect, decisive=True))
    @settings(**FEWER)
    def try_one(table):
        require_same(read(dialect.text(table), dialect), table)

    try_one()


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if not (d.pad and d.quoted)], ids=lambda d: d.name)
def test_told_how_to_read_it_a_table_is_never_refused(dialect):
    """Where decimal mark and order are named, no entry has two meanings."""
    pattern = next((form for form in (dialect.date, dialect.moment) if "{m" in form), "{d}{m}")
    order = "ymd" if pattern.startswith("{Y}") else "dmy" if pattern.startswith("{d") else "mdy"

    @given(table=tables(dialect, decisive=False))
    @settings(**FEWER)
    def try_one(table):
        require_same(read(dialect.text(table), dialect, decimal=dialect.decimal, date_order=order), table)

    try_one()


# --- what the plain convention decides ---------------------------------------------------------------------------


def one_column(entries, separator=",", quoted=True, name="a"):
    """A file with a column of these entries, and a plain one."""
    quote = '"' if quoted else ""
    return "".join(
        f"{quote}{field}{quote}{separator}{other}\n"
        for field, other in zip([name, *entries], ["b", *range(len(entries))])
    )


PLAIN = Dialect("plain")


@pytest.mark.parametrize("separator", [",", "\t", "|"])
@given(entries=st.lists(plain_digits(places=(1, 8)), min_size=1, max_size=5))
@settings(**QUICK)
def test_a_point_is_decimal_in_plain_files(separator, entries):
    column = read(one_column(entries, separator, quoted=False), PLAIN)["a"]
    assert column.to_list() == [float(entry) for entry in entries]


@given(entries=st.lists(plain_digits(places=(1, 8)), min_size=1, max_size=5))
@settings(**QUICK)
def test_a_comma_is_decimal_beside_semicolons(entries):
    text = one_column([entry.replace(".", ",") for entry in entries], ";", quoted=False)
    assert read(text, PLAIN)["a"].to_list() == [float(entry) for entry in entries]


@pytest.mark.parametrize("exponent", ["1.5e-198", "2E3", "1e+05", "-4.25e-7", "1.7976931348623157e308"])
def test_exponents(exponent):
    assert read(one_column([exponent, "2.5"], quoted=False), PLAIN)["a"].to_list() == [float(exponent), 2.5]


@pytest.mark.parametrize(
    ("entries", "values"),
    [
        (["12%", "7%", "100%"], [12, 7, 100]),
        (["0.5 %", "-3 %", ""], [0.5, -3, None]),
        (["$2.39 ", "$ 11.00", "($4.50)"], [2.39, 11, -4.5]),
        (["(153.75)", "12.50", "(0.99)"], [-153.75, 12.5, -0.99]),
        (["12 km", "7 km", "3.5 km"], [12, 7, 3.5]),
        (["1,234,567", "12,345", "999"], [1234567, 12345, 999]),
        (["12,34,567", "12,345", "1,00,000"], [1234567, 12345, 100000]),
        (["0,277", "12,345", "3,100"], [0.277, 12.345, 3.1]),
        (["63,775", "1,25"], [63.775, 1.25]),
        (["63,775", "1,234.5"], [63775, 1234.5]),
        (["63.775", "1.234,5"], [63775, 1234.5]),
        (["1.234.567", "12.345"], [1234567, 12345]),
        (["1'234.5", "12"], [1234.5, 12]),
        ([f"1{THIN}234{THIN}567,25", "0,5"], [1234567.25, 0.5]),
        ([f"{MINUS}12.5", "12.5"], [-12.5, 12.5]),
        (["12.5-", "+12.5"], [-12.5, 12.5]),
        (["-$1,234.50", "$-2.00", "$0.99"], [-1234.5, -2, 0.99]),
        (["1.234,50 €", "-0,99 €"], [1234.5, -0.99]),
        (["€ 1.234,50-", "€ 0,99"], [-1234.5, 0.99]),
    ],
)
def test_decisive_numbers(entries, values):
    column = read(one_column(entries), PLAIN)["a"]
    assert column.dtype.is_numeric()
    assert column.to_list() == values


@pytest.mark.parametrize(
    "entries",
    [
        ["1,234.5", "1.234,5"],
        ["1,25", "1.25", "1,234.5", "1.234,5"],
        ["12 km", "7 mi", "3 km"],
        ["$12", "€7", "$3"],
        ["12%", "0.07", "3%"],
        ["1,23,4", "12,3,45"],
        ["1 2 3", "4 5 6"],
        ["1.2.3", "1.2.4"],
        ["10-9-2", "3-5-10"],
        ["12:30:15.5", "1:2"],
        ["--5", "5"],
        ["(5", "5)"],
    ],
)
def test_what_is_no_column_of_numbers(entries):
    """Nobody is asked to add miles to kilometres: such columns are text, or refused."""
    try:
        column = read(one_column(entries), PLAIN)["a"]
    except DataError as error:
        assert "'a'" in str(error)  # noqa: PT017
    else:
        assert column.dtype == pl.String
        assert column.to_list() == entries


# --- what has two meanings ---------------------------------------------------------------------------------------


def refused(text, dialect=PLAIN):
    with pytest.raises(DataError) as caught:
        read(text, dialect)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", "\t", "|"])
@pytest.mark.parametrize("before", ["", "€ "])
def test_commas_before_three_digits_have_two_meanings(separator, before):
    entries = [f"{before}{entry}" for entry in ("63,775", "111,158", "2,905", "-7,001")]
    text = one_column(entries, separator, name="preis")
    message = refused(text)
    assert "'preis'" in message
    assert any(entry in message for entry in entries)
    assert "63.775" in message or "111.158" in message or "2.905" in message
    assert "decimal" in message
    values = [63.775, 111.158, 2.905, -7.001]
    assert read(text, PLAIN, decimal=",")["preis"].to_list() == values
    assert read(text, PLAIN, decimal=".")["preis"].to_list() == [63775, 111158, 2905, -7001]


@pytest.mark.parametrize("form", ["{dd}/{mm}/{Y}", "{d}/{m}/{Y}", "{dd}/{mm}/{yy}", "{dd}/{mm}/{Y} {HH}:{MM}"])
def test_days_up_to_12_have_two_meanings(form):
    days = [datetime.datetime(2003, month, day, 14, 30) for month, day in ((1, 2), (3, 11), (12, 5), (7, 8))]
    entries = [written(day, form) for day in days]
    text = one_column(entries, name="sold")
    message = refused(text)
    assert "'sold'" in message
    assert any(entry in message for entry in entries)
    assert "date_order" in message.replace("-", "_")

    def dates(order):
        return read(text, PLAIN, date_order=order)["sold"].cast(pl.Date).to_list()

    assert dates("dmy") == [day.date() for day in days]
    assert dates("mdy") == [datetime.date(2003, day.day, day.month) for day in days]


def test_two_digit_years_may_stand_first():
    text = one_column(["01/02/03", "04/05/06"], name="sold")
    frame = read(text, PLAIN, date_order="ymd")
    assert frame["sold"].cast(pl.Date).to_list() == [datetime.date(2001, 2, 3), datetime.date(2004, 5, 6)]


@pytest.mark.parametrize("last", [False, True])
def test_one_decisive_entry_among_many_decides(last):
    numbers = [f"{i % 900 + 100},{i % 1000:03}" for i in range(5000)]
    dates = [f"{i % 12 + 1:02}/{i % 11 + 1:02}/2014" for i in range(5000)]
    at = -1 if last else 0
    numbers[at], dates[at] = "7,5", "05/31/2014"
    lines = zip(numbers, dates)
    frame = read("preis\tsold\n" + "".join(f"{number}\t{date}\n" for number, date in lines), PLAIN)
    assert frame["preis"].to_list() == [float(number.replace(",", ".")) for number in numbers]
    month, day, year = zip(*(map(int, date.split("/")) for date in dates))
    assert frame["sold"].cast(pl.Date).to_list() == list(map(datetime.date, year, month, day))


@pytest.mark.parametrize("entries", [["13/05/2014", "05/13/2014"], ["31.02.2014", "1.3.2014"], ["13/13/2014"] * 2])
def test_days_that_do_not_exist_make_no_dates(entries):
    try:
        assert read(one_column(entries), PLAIN)["a"].to_list() == entries
    except DataError as error:
        assert "'a'" in str(error)  # noqa: PT017


def test_the_usual_pivot_of_two_digit_years():
    years = [f"05/31/{year:02}" for year in range(100)]
    read_as = read(one_column(years), PLAIN)["a"].dt.year().to_list()
    assert read_as == [year + (1900 if year >= 69 else 2000) for year in range(100)]


# --- marks, names, encodings -------------------------------------------------------------------------------------

MARKS = ("", " ", "NA", "N/A", "n.a.", "n/a", "None", "-", ".", "\\N", "#DIV/0!", "null", "NULL", "?", "NaN", "#N/A")


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("separator", [",", ";"])
def test_the_usual_marks_are_missing(mark, separator):
    text = "a;b;c;d;e\n1;2.5;2014-05-31;true;Kent\nX;X;X;X;X\n3;4.5;2014-06-01;false;Auburn\n".replace("X", mark)
    frame = read(text.replace(";", separator), PLAIN)
    assert frame.row(1) == (None,) * 5
    types = [pl.Int64, pl.Float64, frame["c"].dtype, pl.Boolean, pl.String]
    assert frame.dtypes == types
    assert frame["c"].dtype in (pl.Date, pl.Datetime)


@pytest.mark.parametrize("mark", ["-1", "999", "unknown", "keine Angabe"])
def test_a_mark_of_ones_own(mark):
    text = f"a,b\n1,x\n{mark},{mark}\n3,y\n"
    assert read(text, PLAIN, missing=(mark,)).rows() == [(1, "x"), (None, None), (3, "y")]
    assert read(text, PLAIN).item(1, 0) is not None


def test_a_mark_of_ones_own_leaves_the_usual_ones():
    assert read("a,b\n1,NA\n-1,x\n,y\n", PLAIN, missing=("-1",)).rows() == [(1, None), (None, "x"), (None, "y")]


def test_other_encodings():
    text = "größe;ort\n1,5;Zürich\n2,5;Köln\n"
    western = Dialect("western", encoding="latin-1")
    assert "encoding" in refused(text, western)
    frame = read(text, western, text_encoding="cp1252")
    assert frame.rows() == [(1.5, "Zürich"), (2.5, "Köln")]
    assert frame.columns == ["größe", "ort"]
    with pytest.raises((DataError, ValueError), match="klingon"):
        read(text, western, text_encoding="klingon")


@pytest.mark.parametrize(
    ("option", "value"), [("decimal", ";"), ("decimal", "comma"), ("date_order", "DMY!"), ("date_order", "ydm")]
)
def test_options_are_checked(option, value):
    with pytest.raises(bl.errors.BacklitError, match=option):
        read("a,b\n1,2\n", PLAIN, **{option: value})


# --- the same from Python ----------------------------------------------------------------------------------------

draw = np.random.default_rng(0)
N = 60
PRICES = draw.integers(1000, 99_999, N)
DAYS = [datetime.date(2003, month, day) for month, day in draw.integers(1, 13, (N, 2))]
SIZES = np.where(np.arange(N) % 6 == 5, -1, draw.integers(20, 300, N))
HANDED = pl.DataFrame(
    {
        "preis": [f"{price // 1000},{price % 1000:03}" for price in PRICES.tolist()],
        "sold": [f"{day:%d/%m/%Y}" for day in DAYS],
        "size": [str(size) for size in SIZES.tolist()],
        "zip": [str(98000 + i % 4) for i in range(N)],
    }
)
Y = draw.normal(size=N)
KNOWN = {"preis": {"decimal": ","}, "sold": {"date_order": "dmy"}, "size": {"missing": ["-1"]}, "zip": "category"}


def fitted(frame, columns):
    net = bl.NetRegressor(
        columns=columns, hidden=(4,), max_steps=2, validation_fraction=0, encoding="plain", engine="reference",
        random_state=0,
    )  # fmt: skip
    return {column.name: column for column in net.fit(frame, Y).model_.table.columns}


@pytest.mark.parametrize("hand", [lambda frame: frame, lambda frame: pd.DataFrame(frame.to_dict(as_series=False))])
def test_columns_of_text_are_read_as_the_estimator_is_told(hand):
    columns = fitted(hand(HANDED), KNOWN)
    assert columns["preis"].kind == "number"
    np.testing.assert_allclose(columns["preis"].centre, np.median(PRICES) / 1000, rtol=1e-12)
    day = columns["sold"].parts[0]
    assert columns["sold"].kind == "date"
    np.testing.assert_allclose(day.centre, np.median([(d - datetime.date(1970, 1, 1)).days for d in DAYS]))
    assert columns["size"].missing
    np.testing.assert_allclose(columns["size"].centre, np.median(SIZES[SIZES >= 0]))
    assert columns["zip"].levels == ("98000", "98001", "98002", "98003")


def test_the_other_reading_from_python():
    columns = fitted(HANDED, KNOWN | {"preis": {"decimal": "."}, "sold": {"date_order": "mdy"}})
    np.testing.assert_allclose(columns["preis"].centre, np.median(PRICES), rtol=1e-12)
    swapped = [(datetime.date(2003, d.day, d.month) - datetime.date(1970, 1, 1)).days for d in DAYS]
    np.testing.assert_allclose(columns["sold"].parts[0].centre, np.median(swapped))


@pytest.mark.parametrize(("name", "option"), [("preis", "decimal"), ("sold", "date_order")])
def test_estimators_cannot_ask_and_refuse(name, option):
    with pytest.raises(DataError) as caught:
        fitted(HANDED, {other: kind for other, kind in KNOWN.items() if other != name})
    assert f"'{name}'" in str(caught.value)
    assert option in str(caught.value)


def test_decisive_text_needs_no_telling():
    frame = pl.DataFrame(
        {
            "price": [f"${1000 + i:,}.50" for i in range(N)],
            "share": [f"{i % 40}%" for i in range(N)],
            "sold": [f"{i % 28 + 1}.{i % 12 + 1}.{2000 + i % 20}" for i in range(N)],
        }
    )
    columns = fitted(frame, None)
    assert {name: column.kind for name, column in columns.items()} == {
        "price": "number", "share": "number", "sold": "date",
    }  # fmt: skip
    np.testing.assert_allclose(columns["price"].centre, 1000.5 + (N - 1) / 2)
    np.testing.assert_allclose(columns["share"].centre, np.median(np.arange(N) % 40))
    days = [(datetime.date(2000 + i % 20, i % 12 + 1, i % 28 + 1) - datetime.date(1970, 1, 1)).days for i in range(N)]
    np.testing.assert_allclose(columns["sold"].parts[0].centre, np.median(days))
