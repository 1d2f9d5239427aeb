"""The tables of a run file, as records; docs/run-file.md describes them for people.

Every row of every table is sealed with a hash over its fields, so that what has been damaged is noticed where it is
read.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from backlit.errors import BacklitError

APPLICATION_ID = 0x626B6C74  # "bklt"
FORMAT = 4
LARGEST = 2**30  #: bytes of one array or blob, as stored and as unpacked
LARGEST_JSON = 2**24
NEEDED = ("table", "network", "data")  #: the facts without which nothing can be read


class Fact(NamedTuple):
    """Something about the whole run, as JSON."""

    key: str
    value: str


class TimelineRow(NamedTuple):
    """A line of steps. changes, settings, rows, arithmetic, machine: JSON; network: JSON where it is not the run's."""

    number: int
    name: str
    parent: int | None
    step: int
    changes: str
    settings: str
    rows: str
    network: str | None
    seed: str
    engine: str
    arithmetic: str
    machine: str
    created: str
    kept: int
    stop: int | None
    reason: str | None


class Stretch(NamedTuple):
    """Consecutive steps: the figures of every `every`-th, the seconds of all, a checksum of theta after the last."""

    timeline: int
    start: int
    stop: int
    every: int
    seconds: float
    checksum: bytes
    figures: bytes


class EpochRow(NamedTuple):
    """What `Epoch` tells, for one timeline."""

    timeline: int
    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: int


class Snapshot(NamedTuple):
    """A whole state. anchor: it does not follow from the steps before; memory, arrays: JSON, the latter of hashes."""

    timeline: int
    step: int
    anchor: int
    epoch: int
    used: int
    total: float
    planned: int
    begun: int
    patience_left: int | None
    best_step: int | None
    best_metric: float | None
    memory: str
    arrays: str


class Blob(NamedTuple):
    """An array, by the hash of what is stored."""

    hash: bytes
    dtype: str
    shape: str
    data: bytes


Made = TypeVar("Made")
Row = TypeVar("Row", Fact, TimelineRow, Stretch, EpochRow, Snapshot, Blob)

TABLES: dict[type, tuple[str, str]] = {  # each kind of row: its table, and the columns that tell rows apart
    Fact: ("about", "key"),
    TimelineRow: ("timelines", "number"),
    Stretch: ("stretches", "timeline, start"),
    EpochRow: ("epochs", "timeline, epoch"),
    Snapshot: ("snapshots", "timeline, step"),
    Blob: ("blobs", "hash"),
}

_SQL = {int: "INTEGER NOT NULL", float: "REAL NOT NULL", str: "TEXT NOT NULL", bytes: "BLOB NOT NULL"}
_SQL |= {int | None: "INTEGER", float | None: "REAL", str | None: "TEXT"}


def _create(kind: type) -> str:
    table, key = TABLES[kind]
    columns = [f"{name} {_SQL[hint]}" for name, hint in get_type_hints(kind).items()]
    return f"CREATE TABLE {table} ({', '.join(columns)}, seal BLOB NOT NULL, PRIMARY KEY ({key})) STRICT"


SCHEMA = {TABLES[kind][0]: _create(kind) for kind in TABLES}


class DamageError(BacklitError):
    """What a run file holds is not what was written; becomes a `DataError` that names the file."""


# --- rows --------------------------------------------------------------------------------------------------------


def digest(*parts: Any) -> bytes:
    """A 128-bit hash of bytes, texts, numbers and None, in their order."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part if isinstance(part, bytes | memoryview) else repr(part).encode()
        hashed.update(b"%s%d:" % (type(part).__name__[:1].encode(), len(raw)))
        hashed.update(raw)
    return hashed.digest()


def put(file: sqlite3.Connection, *rows: Any) -> None:
    """Write rows, in place of those with the same key."""
    for row in rows:
        places = ", ".join("?" * (len(row) + 1))
        file.execute(f"INSERT OR REPLACE INTO {TABLES[type(row)][0]} VALUES ({places})", (*row, _seal(row)))


def _seal(row: Any) -> bytes:
    """A hash over the row; a blob's is that of its content, and already known."""
    return row.hash if isinstance(row, Blob) else digest(TABLES[type(row)][0], *row)


def each_row(
    file: sqlite3.Connection, kind: type[Row], where: str = "TRUE", *values: Any
) -> Iterator[tuple[Row, bool]]:
    """Rows one by one, and whether each is as it was written."""
    table, key = TABLES[kind]
    for *fields, seal in file.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY {key}", values):
        row = kind(*fields)
        sound = _typed(row) and (not isinstance(row, Blob) or row.hash == digest(*row[1:]))
        yield row, sound and seal == _seal(row)


def _typed(row: Any) -> bool:
    """Whether each field is what its column holds; SQLite checks types where it writes, not where it reads."""
    return all(
        isinstance(value, kinds) and not (isinstance(value, str) and _NO_TEXT.search(value))
        for value, kinds in zip(row, _types(type(row)))
    )


_NO_TEXT = re.compile("[\ud800-\udfff]")  #: what stands for bytes that are no text


@cache
def _types(kind: type) -> tuple[tuple[type, ...], ...]:
    return tuple(get_args(hint) if isinstance(hint, UnionType) else (hint,) for hint in get_type_hints(kind).values())


def called(row: Any) -> str:
    """How messages call a row."""
    table, key = TABLES[type(row)]
    values = (getattr(row, name) for name in key.split(", "))
    return f"{table} {' '.join(v.hex() if isinstance(v, bytes) else str(v) for v in values)}"


def parsed(text: str) -> Any:
    """What a JSON text says."""
    if len(text) > LARGEST_JSON:
        raise DamageError("damage.json", length=len(text), limit=LARGEST_JSON)
    return made(json.loads, text)


#: what content that makes no sense may raise
SENSELESS = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)


def made(build: Callable[..., Made], *content: Any) -> Made:
    """What `build` makes of content that was parsed from a file; where it can make nothing of it, that is damage.

    Only here, and where a row is read, may an exception be called damage: any other is a mistake of the program's.
    """
    try:
        return build(*content)
    except BacklitError as error:
        raise DamageError(error.kind, **error.facts) from None
    except SENSELESS as error:
        raise DamageError("damage.content", type=type(error).__name__, why=str(error)) from None
