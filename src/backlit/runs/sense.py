"""Whether a row could be one that backlit wrote: its seal may be right and it may still make no sense, in a file from a
stranger."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from backlit.explain.verdict_text import sentence
from backlit.runs.schema import DamageError, Fact, Row, Snapshot, Stretch, TimelineRow, called, each_row, made, parsed
from backlit.tables.metrics import METRICS


def rows_of(file: sqlite3.Connection, kind: type[Row], where: str = "TRUE", *values: Any) -> list[Row]:
    """The rows of a table, in the order of their keys; raises `DamageError` where one cannot be trusted."""
    rows = [*each_row(file, kind, where, *values)]  # to their end: SQLite holds a file that is not read to its end
    return [require_sound(row, sealed) for row, sealed in rows]


def require_sound(row: Row, sealed: bool) -> Row:
    """The row; raises `DamageError` where its seal is broken, or it is one that no backlit writes."""
    if not sealed:
        raise DamageError("damage.row", row=called(row))
    try:
        good, why = made(_CHECKS.get(type(row), lambda row: True), row), None
    except DamageError as error:
        good, why = False, str(error)[:200]
    if not good:
        raise DamageError("damage.senseless", row=called(row)[:80], why=why)
    return row


# --- the forms of JSON -------------------------------------------------------------------------------------------


def fits(value: Any, form: Any) -> bool:
    """Whether parsed JSON has a form.

    Parameters
    ----------
    form : a type, or a test of a value; a dict of forms by the names of fields, one that is missing being None, or by
        `str` for fields of any name; a list of one form for every element; a tuple of forms of which one must fit
    """
    if isinstance(form, tuple):
        return any(fits(value, each) for each in form)
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(each, form[0]) for each in value)
    if isinstance(form, dict) and str in form:
        return isinstance(value, dict) and all(fits(each, form[str]) for each in value.values())
    if isinstance(form, dict):
        return isinstance(value, dict) and all(fits(value.get(name), each) for name, each in form.items())
    return isinstance(value, form) if isinstance(form, type) else form(value)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _real(value: Any) -> bool:
    return _finite(value) and abs(value) < 2**62


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 32 and not value.strip("0123456789abcdef")


NONE = type(None)
_TEXT, _HASH = (str, NONE), (_hash, NONE)  # or nothing
_WHICH = {"data": _count, "positions": _hash, "weights": _HASH}
_ROWS = {"learn": _WHICH, "watch": (_WHICH, NONE)}
_ENCODED = {"hash": _hash, "rows": _hash, "X": _HASH, "Y": _HASH}
_ARRAYS = {"values": _hash, "missing": _HASH, "levels": _HASH, "lengths": _HASH}
_TABLE = {"rows": _count, "columns": [{"name": str, "type": list, "arrays": _ARRAYS}]}
_SCORES = {str: {str: (_finite, NONE)}}
_FACTS: dict[str, Any] = {
    "table": dict,
    "network": dict,
    "data": {"inside": bool, "table": (_TABLE, NONE), "encoded": [_ENCODED]},
    "rows": {str: _count},
    "versions": {str: str},
    "scores": (lambda v: fits(v, _SCORES) and all(score.keys() <= METRICS.keys() for score in v.values()), NONE),
    "metric": _TEXT,
    "source": _TEXT,
    "seconds": _real,
    "max_size": _count,
    "split": {"by": str, "column": _TEXT, "seed": (_count, NONE)},
    "commands": {str: [str]},
    "verdict": (NONE, lambda value: isinstance(sentence(value, "", ""), str)),
    "judged_at": _count,
    "text_encoding": _TEXT,
}


def _fact(row: Fact) -> bool:
    return row.key not in _FACTS or fits(parsed(row.value), _FACTS[row.key])


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _timeline(row: TimelineRow) -> bool:
    changes = parsed(row.changes)
    return (
        row.number >= 1
        and (row.parent is None or 1 <= row.parent < row.number)
        and _count(row.step)
        and re.fullmatch("[0-9]{1,20}", row.seed) is not None
        and int(row.seed) < 2**64
        and fits(changes.pop("weights", {}), {str: _pair})
        and fits(changes, {str: _pair})
        and fits(parsed(row.rows), _ROWS)
        and all(fits(parsed(text), {str: str}) for text in (row.arithmetic, row.machine))
    )


def _snapshot(row: Snapshot) -> bool:
    counts = (row.step, row.epoch, row.used, row.planned, row.patience_left or 0, row.best_step or 0)
    return (
        all(map(_count, counts))
        and abs(row.begun) < 2**62
        and (row.best_step is None) == (row.best_metric is None)
        and fits(parsed(row.arrays), {str: _hash})
        and fits(parsed(row.memory), {str: _real})
    )


def _stretch(row: Stretch) -> bool:
    return 0 <= row.start < row.stop < 2**62 and 1 <= row.every < 2**31 and row.seconds >= 0


_CHECKS: dict[type, Callable[[Any], bool]] = {
    Fact: _fact,
    TimelineRow: _timeline,
    Snapshot: _snapshot,
    Stretch: _stretch,
}
