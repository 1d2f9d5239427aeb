"""Numbers as people write them: 1,234.56 and 1.234,56; $1,200, 12 %, 450k, 12 km; (3.50) and 3.50- below zero.

One field alone often does not tell whether its comma parts thousands or decimals. So each field is read both ways, and
`decide` looks at all fields of the column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

_CURRENCY = (
    r"[A-Z]{0,3}\p{Sc}|CHF|USD|EUR|GBP|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|BRL|MXN|ZAR|RUB|"
    r"kr\.?|zł|Kč|Ft|Fr\.|Rs\.?"
)
_TIMES = {"k": 1e3, "K": 1e3, "Tsd": 1e3, "M": 1e6, "mn": 1e6, "Mio": 1e6, "mio": 1e6, "million": 1e6}
_TIMES |= {"B": 1e9, "bn": 1e9, "Mrd": 1e9, "billion": 1e9}
_SIGN = r"[+-]"
_FIELD = (
    rf"^(?P<open>\()?(?P<before>{_SIGN})?\s*(?P<currency>{_CURRENCY})?\s*(?P<within>\()?(?P<inside>{_SIGN})?\s*"
    r"(?P<numeral>[0-9]+(?:[.,' ][0-9]+)*\.?|[.,][0-9]+)(?P<power>[eE][+-]?[0-9]+)?\s*"
    rf"(?:(?P<times>{'|'.join(_TIMES)})\b\.?)?\s*"
    rf"(?P<unit>{_CURRENCY}|[%‰]|[\p{{L}}°µ][\p{{L}}°µ²³^23.]*(?:/[\p{{L}}²³^23]+)?(?: [\p{{L}}²³.]+)?)?\s*"
    r"(?P<after>-)?(?P<close>\))?$"
)
_IS_CURRENCY = rf"^(?:{_CURRENCY})$"
_NO_MILLS = (
    r"^(?:US|C|A|NZ|HK)?[$£₹]$"  # written before its amount, with commas for thousands, never with three decimals
)


def _numeral(mark: str) -> str:
    """Digits with this decimal mark; thousands are parted by anything else, never by a group that begins with 0."""
    groups = [rf"[1-9][0-9]{{0,2}}(?:{part}[0-9]{{3}})+" for part in (r"\.", ",", "'", " ") if part[-1] != mark]
    if mark == ".":
        groups.append(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")  # lakh and crore: 12,34,567
    mark = "\\" + mark if mark == "." else mark
    return rf"^(?:(?:[0-9]+|{'|'.join(groups)})(?:{mark}[0-9]*)?|{mark}[0-9]+)$"


_VALID = {mark: _numeral(mark) for mark in ".,"}


_BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
ADDRESS = rf"^{_BYTE}(?:\.{_BYTE}){{3}}$"  #: of a machine, as in 192.168.100.208


@dataclass(frozen=True)
class Question:
    """A column with two readings.

    Attributes
    ----------
    option : the setting that decides, "decimal" or "date_order"
    entry : a field as it stands
    readings : what it would be, by the setting's value
    """

    option: Literal["decimal", "date_order"]
    entry: str
    readings: dict[str, str]


def plain_numbers(text: pl.Series) -> pl.Series:
    """Fields such as "3", "-2.5" and "1e3" as float64; null where something else stands."""
    import polars as pl

    return text.cast(pl.Float64, strict=False)


def fields_of(text: pl.Series) -> pl.DataFrame:
    """Distinct fields, taken apart.

    Returns
    -------
    pl.DataFrame
        text; numeral, null where it is no number; "." and ",": its value with that decimal mark, null where it has
        none; currency, unit: "" for none; times: what a k or M multiplies it by, null for none.
    """
    import polars as pl

    clean = pl.col("text")
    for pattern, plain in (("[\u00a0\u2009\u202f\u2007]", " "), ("[’`´]", "'"), ("[−–]", "-")):
        clean = clean.str.replace_all(pattern, plain)
    parts = pl.DataFrame({"text": text}).select("text", parts=clean.str.extract_groups(_FIELD)).unnest("parts")
    parts = parts.with_columns(pl.col(pl.String).fill_null(""))
    signs = sum((pl.col(name) != "").cast(pl.Int8) for name in ("open", "before", "within", "inside", "after"))
    opened = pl.concat_str("open", "within") != ""
    good = (pl.col("numeral") != "") & (signs <= 1) & (opened == (pl.col("close") != ""))
    good &= (pl.col("currency") == "") | (pl.col("unit") == "")
    below = opened | pl.concat_str("before", "inside", "after").str.contains("-", literal=True)
    factor = pl.when(below).then(-1.0).otherwise(1.0) * pl.col("times").replace_strict(_TIMES, default=1.0)

    def value(mark: str) -> pl.Expr:
        other = "." if mark == "," else ","
        digits = pl.col("numeral").str.replace_all(f"['{other} ]", "").str.replace(mark, ".", literal=True)
        number = (digits + pl.col("power")).cast(pl.Float64, strict=False)
        return pl.when(good & pl.col("numeral").str.contains(_VALID[mark])).then(number * factor).alias(mark)

    money = pl.col("unit").str.contains(_IS_CURRENCY)
    return parts.select(
        "text", value("."), value(","),
        pl.when(good & pl.col("numeral").str.contains(f"{_VALID['.']}|{_VALID[',']}")).then("numeral").alias("numeral"),
        pl.when(money).then("unit").otherwise("currency").alias("currency"),
        pl.when(money).then(pl.lit("")).otherwise("unit").alias("unit"),
        pl.col("times").replace_strict(_TIMES, default=None, return_dtype=pl.Float64),
        (pl.col("currency") != "").alias("leading"),
    )  # fmt: skip


def one_unit(fields: pl.DataFrame) -> str | None:
    """The unit that all numbers carry, or the currency that some do; "" for none, None where they differ."""
    import polars as pl

    numbers = fields.filter(pl.col("numeral").is_not_null())
    currencies, units = (numbers[name].unique().to_list() for name in ("currency", "unit"))
    scaled = numbers["times"].is_not_null()
    if scaled.any() and currencies == [""] and scaled.mean() < 0.5:  # type: ignore[operator]
        return None
    if units != [""]:
        return units[0] if len(units) == 1 and currencies == [""] else None
    money = [name for name in currencies if name]
    return money[0] if len(money) == 1 else "" if not money else None


def decide(fields: pl.DataFrame, around: str = "") -> str | Question | None:
    """The decimal mark of a column, "." or ","; "" where its fields are whole numbers; a question where both are right.

    None where neither fits all fields.

    Parameters
    ----------
    fields : from `fields_of`, numbers all of them
    around : the mark that other columns have, or that a file with semicolons is likely to have; "" where nothing tells

    Notes
    -----
    A mark stands for decimals in every field or in none. So one field with another count of digits behind it, with two
    kinds of marks, with a leading zero or with two equal marks decides for all. Numbers without a mark beside ones that
    end in 0 tell, too: 1,200 and 900 cannot both be written with three decimals, nor without trailing zeros.
    """

    valid = {mark: fields[mark].is_not_null() for mark in ".,"}
    fits = [mark for mark in ".," if valid[mark].all()]
    if len(fits) < 2:
        return next(iter(fits), None)
    numerals = fields["numeral"]
    marked = fields.filter(fields["."] != fields[","])
    if marked.height == 0:
        return ""
    seen = "," if numerals.str.contains(",", literal=True).any() else "."
    bare = numerals.str.contains(r"^[0-9]+$")
    grouped = bool(bare.any()) and bool(marked["numeral"].str.ends_with("0").any())
    grouped &= not bool(numerals.filter(bare).str.contains(r"^[0-9]{4,}$").any())
    money = bool((fields["currency"] != "").any())
    if seen == ",":
        dollars = bool((fields["leading"] & fields["currency"].str.contains(_NO_MILLS)).any())
        if around == "," and not (money or grouped):
            return ","
        if around != "," and (grouped or dollars):
            return "."
    elif around != "," and not money:
        return "."
    row = marked.row(0, named=True)
    return Question("decimal", row["text"], {mark: f"{row[mark]:.15g}" for mark in ".,"})


def leans(fields: pl.DataFrame) -> str:
    """The mark that a column's fields show beyond doubt, as a hint for other columns; "" for none."""
    marked = fields.filter(fields["numeral"].str.contains("[.,]"))
    fits = [mark for mark in ".," if marked[mark].is_not_null().all()]
    return fits[0] if len(fits) == 1 and marked.height else ""
