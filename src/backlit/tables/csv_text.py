"""CSV and its kin, read a part at a time: every field as text, every row as wide as the line of names."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from backlit.errors import ArgumentError, DataError
from backlit.tables.fields import text_of
from backlit.tables.numerals import fields_of
from backlit.tables.reading import has_codes
from backlit.words import Remark

if TYPE_CHECKING:
    import polars as pl

BLOCK = 1 << 22  #: bytes that are read at once


class Header(NamedTuple):
    """The line of names. separator: between fields; notices: what is odd about the names."""

    names: list[str]
    separator: str
    notices: tuple[Remark, ...] = ()


def csv_header(path: Path, called: str, encoding: str | None = None) -> Header:
    """The line of names of a table.

    Raises
    ------
    DataError
        As `csv_parts`.
    """
    with _opened(path, called, encoding) as file:
        for block in _whole_rows(file):
            text = _decoded(block, called, 1)
            header, used = _names(text, _separator(text), called)
            return _with_notices(header, text.split("\n", used)[used] if text.count("\n") >= used else "")
    raise DataError("file.empty", called=called)


def csv_parts(path: Path, called: str, encoding: str | None = None) -> Iterator[pl.DataFrame]:
    """The rows, one part after another, every field as text, an empty one null; the first is there even without rows.

    Parameters
    ----------
    called : the table's name in messages
    encoding : of the text, such as "cp1252"; None: UTF-8, or UTF-16 where the file begins with its mark

    Raises
    ------
    DataError
        Empty, in another encoding, a name that stands twice, a row that is too short or too long, a quote that is not
        closed; with the line.
    """
    line, names, separator, blank = 1, [], ",", 0
    with _opened(path, called, encoding) as file:
        for block in _whole_rows(file):
            text = _decoded(block, called, line)
            start = line
            line += text.count("\n")
            if not names:
                (names, separator, _), used = _names(text, _separator(text), called)
                text = text.split("\n", used)[used] if text.count("\n") >= used else ""
                start += used
            if blank and text.strip("\r\n"):
                raise _blank_line(called, blank)
            part = _parsed(text, names, separator, called, start)
            if len(names) > 1 and part[names[-1]].null_count():
                rows, blank = _checked(text, len(names), separator, called, start, blank)
                part = part.head(rows)
            yield part
    if not names:
        raise DataError("file.empty", called=called)


def column_types(parts: Iterable[pl.DataFrame]) -> dict[str, Any]:
    """The narrowest type that fits every field of a column: whole numbers, numbers, true/false, or text."""
    import polars as pl

    types: dict[str, Any] = {}
    for part in parts:
        for text in part.iter_columns():
            known, here = types.get(text.name, pl.Null), pl.Null
            text = text_of(text)
            if known != pl.String and text.null_count() < len(text):
                narrow = () if has_codes(text) else (pl.Int64, pl.Float64, pl.Boolean)
                here = next(
                    (dtype for dtype in narrow if _read_as(text, dtype).null_count() == text.null_count()), pl.String
                )
            if known == pl.Null:
                types[text.name] = here
            elif here not in (known, pl.Null):
                types[text.name] = pl.Float64 if {here, known} == {pl.Int64, pl.Float64} else pl.String
    return types


def typed_part(part: pl.DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """A part with its columns in these types."""
    import polars as pl

    return part.with_columns(
        _read_as(part[name], dtype) for name, dtype in types.items() if dtype not in (pl.String, pl.Null)
    )


def _read_as(text: pl.Series, dtype: Any) -> pl.Series:
    """Text as numbers or true/false, null where it is neither."""
    import polars as pl

    plain = text_of(text)
    if dtype == pl.Boolean:
        return plain.str.to_lowercase().replace_strict(["true", "false"], [True, False], default=None)
    return plain.cast(dtype, strict=False)


def require_unique(names: Sequence[str], called: str) -> None:
    """Raise `DataError` where a column name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError("file.twice", called=called, name=name)
        seen.add(name)


def _opened(path: Path, called: str, encoding: str | None) -> BinaryIO:
    """The file as UTF-8, whatever it is written in."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError("file.unreadable", called=called, why=error.strerror) from None
    if encoding is None:
        encoding = "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"
        file.seek(0)
    try:
        if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
            return file
        return codecs.EncodedFile(file, "utf-8", encoding)  # type: ignore[return-value]
    except LookupError:
        file.close()
        raise ArgumentError("file.unknown_encoding", encoding=encoding) from None


def _whole_rows(file: BinaryIO) -> Iterator[bytes]:
    """Blocks that end where a row ends: at a line feed with an even number of quotes before it."""
    rest = file.read(BLOCK).removeprefix(codecs.BOM_UTF8)
    while rest:
        end, quotes = len(rest), rest.count(b'"')
        while (cut := rest.rfind(b"\n", 0, end)) >= 0:
            quotes -= rest.count(b'"', cut, end)
            if quotes % 2 == 0:
                yield rest[: cut + 1]
                rest = rest[cut + 1 :]
                break
            end = cut
        more = file.read(BLOCK)
        if not more:
            break
        rest += more
    if rest:
        yield rest


def _decoded(block: bytes, called: str, line: int) -> str:
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
        raise DataError("file.no_utf8", called=called, line=line) from None
    if "\0" in text:
        raise DataError("file.zero_bytes", called=called)
    if "\n" not in text and "\r" in text.rstrip("\r"):
        raise DataError("file.carriage_returns", called=called)
    return text


def _separator(text: str) -> str:
    """The one of , ; tab | that is most frequent in the first line, outside quotes."""
    line = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").partition("\n")[0])
    return max(",;\t|", key=line.count)


def _names(text: str, separator: str, called: str) -> tuple[Header, int]:
    """The column names without the blanks around them, and how many lines they take with any blank ones before them.

    A column without a name is called by its place, such as "nameless column 11".
    """
    reader = _reader(text, separator)
    fields = next(filter(None, reader), [])
    if not fields or fields == [" " * len(fields[0])]:
        raise DataError("file.empty", called=called)
    blank = next((field for field in fields if re.match(r'\s+".*"\s*$', field)), None)
    if blank is not None:
        raise DataError("file.blank_before_quote", called=called, entry=blank)
    names = [name.strip() or f"nameless column {i}" for i, name in enumerate(fields, 1)]
    require_unique(names, called)
    padded = next((field for field, name in zip(fields, names) if field != name and field.strip()), None)
    notices = () if padded is None else (Remark("header.blanks", name=padded),)
    return Header(names, separator, notices), reader.line_num


def _with_notices(header: Header, text: str) -> Header:
    """The header, and whether it looks like a row of data."""
    numeric = _numeric(header.names)
    if any(numeric) and numeric == _numeric(next(filter(None, _reader(text, header.separator)), [])):
        odd = Remark("header.data", names=", ".join(header.names[:3]))
        return header._replace(notices=(*header.notices, odd))
    return header


def _numeric(fields: Sequence[str]) -> list[bool]:
    """Which fields are numbers without a word behind them."""
    import polars as pl

    parts = fields_of(pl.Series(fields, dtype=pl.String).str.strip_chars())
    return (parts["numeral"].is_not_null() & parts["unit"].is_in(["", "%"])).to_list()


def _parsed(text: str, names: Sequence[str], separator: str, called: str, start: int) -> pl.DataFrame:
    import polars as pl

    if not text:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    if (at := _goes_on(text, separator)) >= 0:
        raise _quote_within(called, start + text.count("\n", 0, at))
    places = [str(i) for i in range(len(names))]  # stand in for the names, which may hold anything
    try:
        part = pl.read_csv(
            f"{separator.join(places)}\n{text}".encode(), separator=separator, null_values=[""], infer_schema=False,
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        if text.count('"') % 2 == 0:
            _checked(text, len(names), separator, called, start, 0)
        raise _quote_within(called, _odd_quote(text, start)) from None
    return part.rename(dict(zip(places, names)))


def _quote_within(called: str, line: int) -> DataError:
    return DataError("file.quote", called=called, line=line)


def _goes_on(text: str, separator: str) -> int:
    """Where a field in quotes goes on behind them, as where some are written \\" instead of twice; -1 for nowhere.

    The parser would take such fields, and the rows around them, for one.
    """
    if '\\"' not in text:
        return -1
    for field in re.finditer(r'"[^"]*"(?:"[^"]*")*', text):
        begins = text[max(0, field.start() - 1) : field.start()] in ("", separator, "\n")
        if begins and text[field.end() : field.end() + 1] not in ("", separator, "\r", "\n"):
            return field.end()
    return -1


def _checked(text: str, width: int, separator: str, called: str, start: int, blank: int) -> tuple[int, int]:
    """How many rows there are before the blank lines at the end, and the first of these lines, 0 without any."""
    reader, rows = _reader(text, separator), 0
    try:
        for fields in reader:
            at = start + reader.line_num - 1
            if not fields:
                blank = blank or at
            elif blank:
                raise _blank_line(called, blank)
            elif len(fields) != width:
                many = f"{len(fields)} field{'s' * (len(fields) > 1)}"
                raise DataError("file.fields", called=called, line=at, fields=many, width=width)
            else:
                rows += 1
    except csv.Error as error:
        raise DataError("file.broken_line", called=called, line=start + reader.line_num - 1, why=error) from None
    return rows, blank


def _reader(text: str, separator: str) -> Any:
    return csv.reader(io.StringIO(text, newline="\n"), delimiter=separator)


def _blank_line(called: str, line: int) -> DataError:
    return DataError("file.blank_line", called=called, line=line)


def _odd_quote(text: str, start: int) -> int:
    """The first line with a quote that neither begins nor ends a field; else the last line with a quote."""
    found = re.search(r'[^",;\t|\r\n]"[^",;\t|\r\n]', text)
    return start + text.count("\n", 0, max(0, found.start() if found else text.rfind('"')))
