"""CSV and its kin, read a part at a time: every field as text, every row as wide as the line of names."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
    """The line of names.

    Attributes
    ----------
    separator : between fields
    lines : how many the names take, with any blank ones before them
    notices : what is odd about the names
    """

    names: list[str]
    separator: str
    lines: int
    notices: tuple[Remark, ...]


@dataclass(frozen=True)
class CsvText:
    """A file of text with a table in it; all that reads it raises `DataError`, with the line of what is wrong.

    It may be empty, in another encoding, have a name that stands twice, a row that is too short or too long, or a quote
    that is not closed.

    Attributes
    ----------
    called : the table's name in messages
    encoding : of the text, such as "cp1252"; None: UTF-8, or UTF-16 where the file begins with its mark
    """

    path: Path
    called: str
    encoding: str | None = None

    @cached_property
    def header(self) -> Header:
        """The line of names."""
        for text, _ in self._blocks():
            return _header(text, self.called)
        raise DataError("file.empty", called=self.called)

    def parts(self) -> Iterator[pl.DataFrame]:
        """The rows, some at a time, every field as text, an empty one null; the first is there even without rows."""
        header, blank = self.header, 0
        for text, line in self._blocks():
            if line == 1:
                text, line = _behind(text, header.lines), 1 + header.lines
            if blank and text.strip("\r\n"):
                raise self._error("blank_line", blank)
            part = self._parsed(text, line)
            if len(header.names) > 1 and part[header.names[-1]].null_count():
                rows, blank = self._checked(text, line, blank)
                part = part.head(rows)
            yield part

    def types(self) -> dict[str, Any]:
        """The narrowest type that fits every field of a column: whole numbers, numbers or true/false; none for text."""
        import polars as pl

        types: dict[str, list[Any]] = {}
        for text in (text_of(series) for part in self.parts() for series in part.iter_columns()):
            if text.null_count() < len(text):
                narrow = [] if has_codes(text) else types.get(text.name, [pl.Int64, pl.Float64, pl.Boolean])
                fits = [dtype for dtype in narrow if _cast(text, dtype).null_count() == text.null_count()]
                types[text.name] = fits
        return {name: fits[0] for name, fits in types.items() if fits}

    def _blocks(self) -> Iterator[tuple[str, int]]:
        """The text, some whole rows at a time, and the line where they begin."""
        line = 1
        with _opened(self.path, self.called, self.encoding) as file:
            for block in _whole_rows(file):
                text = _decoded(block, self.called, line)
                yield text, line
                line += text.count("\n")

    def _parsed(self, text: str, line: int) -> pl.DataFrame:
        import polars as pl

        names, separator = self.header.names, self.header.separator
        if not text:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        if (at := _goes_on(text, separator)) >= 0:
            raise self._error("quote", line + text.count("\n", 0, at))
        places = [str(i) for i in range(len(names))]  # stand in for the names, which may hold anything
        try:
            part = pl.read_csv(
                f"{separator.join(places)}\n{text}".encode(), separator=separator, null_values=[""],
                infer_schema=False,
            )  # fmt: skip
        except pl.exceptions.PolarsError:
            if text.count('"') % 2 == 0:
                self._checked(text, line, 0)
            raise self._error("quote", line + text.count("\n", 0, _odd_quote(text))) from None
        return part.rename(dict(zip(places, names)))

    def _checked(self, text: str, line: int, blank: int) -> tuple[int, int]:
        """How many rows there are before the blank lines at the end, and the first of these lines, 0 without any."""
        reader, rows, width = _reader(text, self.header.separator), 0, len(self.header.names)
        try:
            for fields in reader:
                at = line + reader.line_num - 1
                if not fields:
                    blank = blank or at
                elif blank:
                    raise self._error("blank_line", blank)
                elif len(fields) != width:
                    raise self._error("fields", at, fields=len(fields), width=width)
                else:
                    rows += 1
        except csv.Error as error:
            raise self._error("broken_line", line + reader.line_num - 1, why=error) from None
        return rows, blank

    def _error(self, kind: str, line: int, **facts: Any) -> DataError:
        return DataError(f"file.{kind}", called=self.called, line=line, **facts)


def typed_part(part: pl.DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """A part with its columns in these types."""
    return part.with_columns(_cast(text_of(part[name]), dtype) for name, dtype in types.items())


def _cast(text: pl.Series, dtype: Any) -> pl.Series:
    """Text as numbers or true/false, null where it is neither."""
    import polars as pl

    if dtype == pl.Boolean:
        return text.str.to_lowercase().replace_strict(["true", "false"], [True, False], default=None)
    return text.cast(dtype, strict=False)


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


def _header(text: str, called: str) -> Header:
    """The column names without the blanks around them, and whether they look like a row of data.

    A column without a name is called by its place, such as "nameless column 11".
    """
    separator = _separator(text)
    reader = _reader(text, separator)
    fields = next(filter(None, reader), [])
    if not fields or fields == [" " * len(fields[0])]:
        raise DataError("file.empty", called=called)
    blank = next((field for field in fields if re.match(r'\s+".*"\s*$', field)), None)
    if blank is not None:
        raise DataError("file.blank_before_quote", called=called, entry=blank)
    names = [name.strip() or f"nameless column {i}" for i, name in enumerate(fields, 1)]
    require_unique(names, called)
    lines, notices = reader.line_num, []
    padded = next((field for field, name in zip(fields, names) if field != name and field.strip()), None)
    if padded is not None:
        notices.append(Remark("header.blanks", name=padded))
    numeric = _numeric(names)
    if any(numeric) and numeric == _numeric(next(filter(None, _reader(_behind(text, lines), separator)), [])):
        notices.append(Remark("header.data", names=", ".join(names[:3])))
    return Header(names, separator, lines, tuple(notices))


def _behind(text: str, lines: int) -> str:
    """What stands behind so many lines."""
    return "".join(text.split("\n", lines)[lines:])


def _numeric(fields: Sequence[str]) -> list[bool]:
    """Which fields are numbers without a word behind them."""
    import polars as pl

    parts = fields_of(pl.Series(fields, dtype=pl.String).str.strip_chars())
    return (parts["numeral"].is_not_null() & parts["unit"].is_in(["", "%"])).to_list()


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


def _reader(text: str, separator: str) -> Any:
    return csv.reader(io.StringIO(text, newline="\n"), delimiter=separator)


def _odd_quote(text: str) -> int:
    """Where the first quote stands that neither begins nor ends a field; else the last quote."""
    odd = re.search(r'[^",;\t|\r\n]"[^",;\t|\r\n]', text)
    return max(0, odd.start() if odd else text.rfind('"'))
