"""Whether a row could be one that backlit wrote: its seal may be right and it may still make no sense, in a file from a
stranger."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Mapping
from typing import Any

from backlit.explain.verdict_text import sentence
from backlit.runs.schema import LARGEST_JSON, DamageError, Fact, Row, Snapshot, Stretch, TimelineRow, called, each_row
from backlit.tables.metrics import METRICS
from backlit.words import Remark


def rows_of(file: sqlite3.Connection, kind: type[Row], where: str = "TRUE", *values: Any) -> list[Row]:
    """The rows of a table, in the order of their keys; raises `DamageError` where one cannot be trusted."""
    rows = [*each_row(file, kind, where, *values)]  # to their end: SQLite holds a file that is not read to its end
    return [require_sound(row, sealed) for row, sealed in rows]


def fact_of(file: sqlite3.Connection, key: str) -> str:
    """A fact about the run, as JSON."""
    facts = rows_of(file, Fact, "key = ?", key)
    if not facts:
        raise DamageError("damage.fact", key=key)
    return facts[0].value


def require_sound(row: Row, sealed: bool) -> Row:
    """The row; raises `DamageError` where its seal is broken, or it is one that no backlit writes."""
    if trouble := trouble_of(row, sealed):
        raise DamageError(trouble.kind, **trouble.facts)
    return row


def trouble_of(row: Row, sealed: bool) -> Remark | None:
    """Why a row cannot be trusted; None where it can."""
    if not sealed:
        return Remark("damage.row", row=called(row))
    try:
        good = _CHECKS.get(type(row), lambda row: True)(row)
    except (ValueError, RecursionError):  # no JSON
        good = False
    return None if good else Remark("damage.senseless", row=called(row)[:80])


def _mapping(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(of, value.values()))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _real(value: Any) -> bool:
    return _finite(value) and abs(value) < 2**62


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 32 and not value.strip("0123456789abcdef")


def _perhaps(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _score(value: Any) -> bool:
    return _mapping(value, _perhaps(_finite)) and value.keys() <= METRICS.keys()


def _fields(value: Any, wanted: Mapping[str, Callable[[Any], bool]]) -> bool:
    return isinstance(value, dict) and all(check(value.get(name)) for name, check in wanted.items())


def _list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(of, value))


def _encoded(value: Any) -> bool:
    return _fields(value, {"hash": _hash, "rows": _hash, "X": _perhaps(_hash), "Y": _perhaps(_hash)})


def _rows(value: Any) -> bool:
    which = lambda v: _fields(v, {"data": _count, "positions": _hash, "weights": _perhaps(_hash)})
    return _fields(value, {"learn": which, "watch": _perhaps(which)})


def _column(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _text(value.get("name"))
        and isinstance(value.get("type"), list)
        and _text(next(iter(value["type"]), None))
        and _mapping(value.get("arrays"), _hash)
        and "values" in value["arrays"]
    )


def _table(value: Any) -> bool:
    return _fields(value, {"rows": _count, "columns": lambda v: _list(v, _column)})


def _data(value: Any) -> bool:
    wanted = {"table": _perhaps(_table), "encoded": lambda v: _list(v, _encoded)}
    return _fields(value, {"inside": lambda v: isinstance(v, bool), **wanted})


def _texts(value: Any) -> bool:
    return _list(value, _text)


def _split(value: Any) -> bool:
    return _fields(value, {"by": _text, "column": _perhaps(_text), "seed": _perhaps(_count)})


def _verdict(value: Any) -> bool:
    try:
        return isinstance(sentence(value, "", ""), str)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return False


_FACTS: dict[str, Callable[[Any], bool]] = {
    "table": lambda value: isinstance(value, dict),
    "network": lambda value: isinstance(value, dict),
    "data": _data,
    "rows": lambda value: _mapping(value, _count),
    "versions": lambda value: _mapping(value, _text),
    "scores": _perhaps(lambda value: _mapping(value, _score)),
    "metric": _perhaps(_text),
    "source": _perhaps(_text),
    "seconds": _real,
    "max_size": _count,
    "split": _split,
    "commands": lambda value: _mapping(value, _texts),
    "verdict": _perhaps(_verdict),
    "judged_at": _count,
    "text_encoding": _perhaps(_text),
}


def _fact(row: Fact) -> bool:
    if len(row.value) > LARGEST_JSON:
        return True  # whoever parses it says so
    return _FACTS.get(row.key, lambda value: True)(json.loads(row.value))


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _timeline(row: TimelineRow) -> bool:
    changes = json.loads(row.changes) if len(row.changes) <= LARGEST_JSON else None
    return (
        row.number >= 1
        and (row.parent is None or 1 <= row.parent < row.number)
        and _count(row.step)
        and row.seed.isascii()
        and row.seed.isdecimal()
        and len(row.seed) <= 20
        and int(row.seed) < 2**64
        and isinstance(changes, dict)
        and _mapping(changes.pop("weights", {}), _pair)
        and _mapping(changes, _pair)
        and _rows(json.loads(row.rows) if len(row.rows) < 4096 else None)
        and all(len(text) < 4096 and _mapping(json.loads(text), _text) for text in (row.arithmetic, row.machine))
    )


def _snapshot(row: Snapshot) -> bool:
    counts = (row.step, row.epoch, row.used, row.planned, row.patience_left or 0, row.best_step or 0)
    return (
        all(map(_count, counts))
        and abs(row.begun) < 2**62
        and (row.best_step is None) == (row.best_metric is None)
        and len(row.arrays) + len(row.memory) < 4096
        and _mapping(json.loads(row.arrays), _hash)
        and _mapping(json.loads(row.memory), _real)
    )


def _stretch(row: Stretch) -> bool:
    return 0 <= row.start < row.stop < 2**62 and 1 <= row.every < 2**31 and row.seconds >= 0


_CHECKS: dict[type, Callable[[Any], bool]] = {
    Fact: _fact,
    TimelineRow: _timeline,
    Snapshot: _snapshot,
    Stretch: _stretch,
}
