"""How much memory a Parquet table takes, told before any of it is decoded: a few bytes may claim gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backlit.errors import DataError

VALUE = 16  #: bytes that a value takes in polars, at most: those of a view of a text
FOOTER = 32  #: bytes that polars keeps for a byte of the footer, at most
DEEPEST = 16  #: structs and lists within each other; Parquet's own need fewer

#: kinds of values, as the compact protocol counts them
BOOLEAN, BYTE, SHORT, INT, LONG, DOUBLE, BINARY, LIST, SET, _, STRUCT = range(2, 13)

# The structs of parquet.thrift: the kinds of their fields, from field 1 on; a tuple is a struct, [kind] a list. They
# are whole because decoders go by them and not by the kind that the file says: were the two allowed to differ, a
# decoder would see another file than is seen here.
_TIME = (BOOLEAN, ((), (), ()))
_LOGICAL_TYPE = (
    (), (), (), (), (INT, INT), (), _TIME, _TIME, (), (BYTE, BOOLEAN), (), (), (), (), (), (BYTE,), (BINARY,),
    (BINARY, INT),
)  # fmt: skip
_SCHEMA_ELEMENT = (INT, INT, INT, BINARY, INT, INT, INT, INT, INT, _LOGICAL_TYPE)
_STATISTICS = (BINARY, BINARY, LONG, LONG, BINARY, BINARY, BOOLEAN, BOOLEAN)
_PAIRS = [(BINARY, BINARY)]
_COLUMN = (
    INT, [INT], [BINARY], INT, LONG, LONG, LONG, _PAIRS, LONG, LONG, LONG, _STATISTICS, [(INT, INT, INT)], LONG, INT,
    (LONG, [LONG], [LONG]), ((DOUBLE,) * 8, [INT]),
)  # fmt: skip
_CHUNK = (BINARY, LONG, _COLUMN, LONG, INT, LONG, INT, (), BINARY)
_ROW_GROUP = ([_CHUNK], LONG, LONG, [(INT, BOOLEAN, BOOLEAN)], LONG, LONG, SHORT)
_FILE = (INT, [_SCHEMA_ELEMENT], LONG, [_ROW_GROUP], _PAIRS, BINARY, [((), ())], (), BINARY)
_PAGE_1, _DICTIONARY, _PAGE_2 = (INT,) * 4 + (_STATISTICS,), (INT, INT, BOOLEAN), (INT,) * 6 + (BOOLEAN, _STATISTICS)
_PAGE = (INT, INT, INT, INT, _PAGE_1, (), _DICTIONARY, _PAGE_2)
_HEADERS = {0: (5, 2), 2: (7, 2), 3: (8, 4)}  # kind of page: the field of its header, the field of the encoding in it


def decoded_bytes(data: bytes) -> int:
    """How many bytes a Parquet file decodes to at most, told by its footer and the header of every page.

    What the pages claim, `VALUE` bytes for each value (few bytes may stand for any number of equal ones), more where
    values have a longer fixed length, and `FOOTER` for each byte of the footer. Nothing is decoded; the time is linear
    in the size of the data. Texts that share the bytes of a dictionary, as they do in polars, count them once: whoever
    copies each of them needs more.

    Parameters
    ----------
    data : the whole file, from anyone

    Raises
    ------
    DataError
        No Parquet file, one that contradicts itself, or one whose memory cannot be told: with nested columns,
        encrypted, or with texts told by their differences (DELTA_BYTE_ARRAY).

    References
    ----------
    Apache Parquet format specification, parquet.thrift: https://github.com/apache/parquet-format
    Thrift compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
    """
    footer_length = int.from_bytes(data[-8:-4], "little")
    end = len(data) - 8 - footer_length
    _require(data[:4] == data[-4:] == b"PAR1" and end >= 4, "it does not begin and end as one")
    chunks: list[tuple[int, int, int]] = []
    lengths, rows, checked = [0], 0, 0

    def visit(shape: Any, found: dict[int, Any]) -> None:  # numbers of fields are those of parquet.thrift
        nonlocal rows, checked
        if shape is _SCHEMA_ELEMENT:
            _require(found.get(3) != 2 and not (lengths[1:] and found.get(5)), "it has nested columns")
            lengths.append(found.get(2, 0))
        elif shape is _CHUNK:
            _require(not {8, 9} & found.keys(), "it is encrypted")
            values, size, first = (found[3][field] for field in (5, 7, 9))
            start = found[3].get(11, first)  # where the dictionary lies
            fine = 4 <= start <= first or values == 0 <= start  # Arrow gives columns without values no place
            _require(fine and 0 <= size <= end - start, f"it puts {size} bytes of a column at {start}")
            chunks.append((start, size, values))
        elif shape is _ROW_GROUP:
            _require({values for *_, values in chunks[checked:]} == {found[3]}, "its columns differ in length")
            rows, checked = rows + found[3], len(chunks)

    try:
        footer = _Thrift(data, end, len(data) - 8, visit).struct(_FILE)
        _require(8 not in footer, "it is encrypted")
        _require(rows == footer[3] and checked == len(chunks), "its row groups do not make up its rows")
        # many columns in the same place would make the walk over their pages quadratic
        _require(sum(size for _, size, _ in chunks) <= end - 4, "its columns lie in the same place")
        width = VALUE + max(lengths)
        return footer_length * FOOTER + sum(_claimed(data, *chunk, width) for chunk in chunks)
    except KeyError as missing:
        raise DataError(f"{_NONE}: it lacks field {missing} of a struct") from None


def _claimed(data: bytes, at: int, size: int, values: int, width: int) -> int:
    """What all pages of a column chunk claim, wherever a decoder may stop."""
    claimed, end = 0, at + size
    while at < end:
        thrift = _Thrift(data, at, end)
        page = thrift.struct(_PAGE)
        _require(page[1] in _HEADERS, f"its page at {at} is of the unknown kind {page[1]}")
        field, encoding = _HEADERS[page[1]]
        decoded, stored, here = page[2], page[3], page[field][1]
        _require(min(decoded, here) >= 0 <= stored <= end - thrift.at, f"its page at {at} claims {stored} bytes")
        # there each text may repeat the one before it, and no header says how much of it
        _require(page[field][encoding] != 7, "it has texts told by their differences (DELTA_BYTE_ARRAY)")
        values -= here if page[1] != 2 else 0
        claimed += max(decoded, stored) + here * width
        at = thrift.at + stored
    _require(values == 0, "its pages hold other numbers of values than its footer claims")
    return claimed


class _Thrift:
    """Reads the compact protocol; structs in lists go to `visit`, one by one, for to keep them takes much memory."""

    def __init__(self, data: bytes, at: int, end: int, visit: Callable[[Any, dict[int, Any]], None] | None = None):
        self.data, self.at, self.end, self.visit = data, at, end, visit

    def skip(self, size: int) -> None:
        _require(size <= self.end - self.at, "it is cut off")
        self.at += size

    def byte(self) -> int:
        self.skip(1)
        return self.data[self.at - 1]

    def natural(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise DataError(f"{_NONE}: a number is longer than 10 bytes")

    def integer(self, bits: int) -> int:
        zigzag = self.natural()  # a decoder would cut off what does not fit, and go on with another number
        _require(zigzag < 1 << bits, "a number is larger than its kind")
        return zigzag >> 1 ^ -(zigzag & 1)

    def struct(self, shape: tuple[Any, ...], depth: int = 0) -> dict[int, Any]:
        """The fields of a struct by their numbers; a field unknown to the specification may be of any kind."""
        found, field = {}, 0
        while head := self.byte():
            before, field = field, field + (head >> 4) if head >> 4 else self.integer(16)
            _require(before < field < 1 << 15, "the fields of a struct are out of order")
            kind = max(head & 15, BOOLEAN)  # true and false are kinds of their own
            wanted = shape[field - 1] if field <= len(shape) else None
            _require(head & 15 > 0 and _fits(kind, wanted), "a field is of the wrong kind")
            found[field] = None if kind == BOOLEAN else self.value(kind, wanted, depth + 1)
        return found

    def value(self, kind: int, shape: Any, depth: int) -> Any:
        """A value; `shape` is what the specification says of it, None if nothing."""
        _require(depth <= DEEPEST, "its values lie too deep in each other")
        if kind == STRUCT:
            return self.struct(shape or (), depth)
        if kind in (SHORT, INT, LONG):
            return self.integer({SHORT: 16, INT: 32, LONG: 64}[kind])
        if kind in (BOOLEAN, BYTE, DOUBLE, BINARY):
            return self.skip(self.natural() if kind == BINARY else 8 if kind == DOUBLE else 1)
        _require(kind in (LIST, SET), "a value is of an unknown kind")
        head = self.byte()
        size, kind = self.natural() if head >> 4 == 15 else head >> 4, head & 15
        inner = shape[0] if shape else None
        _require(size <= self.end - self.at, "a list is longer than the file")
        _require(size == 0 or _fits(kind, inner), "a list is of the wrong kind")
        for _ in range(size):
            item = self.value(kind, inner, depth + 1)
            if kind == STRUCT and self.visit:
                self.visit(inner, item)
        return None


_NONE = "this is no Parquet table that can be read"


def _require(fine: bool, why: str) -> None:
    if not fine:
        raise DataError(f"{_NONE}: {why}")


def _fits(kind: int, shape: Any) -> bool:
    return shape is None or kind == (STRUCT if isinstance(shape, tuple) else LIST if isinstance(shape, list) else shape)
