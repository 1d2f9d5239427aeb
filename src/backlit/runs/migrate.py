"""Run files of older formats, brought to the present one."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from backlit.core.state import Best, State
from backlit.runs.arrays import DTYPES
from backlit.runs.records import put_snapshot
from backlit.runs.schema import SCHEMA, DamageError, EpochRow, Fact, TimelineRow, called, made, parsed, put, typed

SCHEMA_1 = {
    "about": "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "epochs": "CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, step INTEGER NOT NULL, error REAL, metric REAL, "
    "improved INTEGER NOT NULL) STRICT",
    "arrays": "CREATE TABLE arrays (name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL, "
    "data BLOB NOT NULL) STRICT",
}
OF_STATE = {"seed", "planned", "step", "epoch", "used", "patience_left"}


def upgraded(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Fill a database with what a file of format 1 holds: a run of one timeline, of which the end alone is known.

    Its rows were not kept, nor its steps; it predicts, and can be forked from where it ended.
    """
    records = old.execute("SELECT key, value FROM about WHERE key <> 'checksum'").fetchall()
    figures = old.execute("SELECT epoch, step, error, metric, improved FROM epochs ORDER BY epoch").fetchall()
    blobs = old.execute("SELECT name, dtype, shape, data FROM arrays").fetchall()
    checksums = old.execute("SELECT value FROM about WHERE key = 'checksum'").fetchall()
    if [made(parsed, *text) for text in checksums] != [made(_checksum, records, figures, blobs)]:
        raise DamageError("its checksum is another")
    state, rows = made(_content, {key: parsed(value) for key, value in records}, figures, blobs)
    for row in rows:
        if not typed(row):
            raise DamageError(f"{called(row)[:80]} makes no sense")
    for statement in SCHEMA.values() if not new.execute("SELECT 1 FROM sqlite_schema").fetchone() else ():
        new.execute(statement)
    put(new, *rows)
    put_snapshot(new, 1, state, anchor=True)


def _content(
    about: dict[str, Any], figures: Sequence[tuple[Any, ...]], blobs: Sequence[tuple[Any, ...]]
) -> tuple[State, list[Any]]:
    """The last state, and all else as rows of the present format."""
    arrays = {name: _array(name, *rest) for name, *rest in blobs}
    facts, best = dict(about["state"]), about["state"]["best"]
    memory = {name.removeprefix("last/memory/"): a for name, a in arrays.items() if name.startswith("last/memory/")}
    memory |= {name: _count(number) for name, number in facts["memory"].items()}
    numbers = {name: _count(facts[name]) for name in OF_STATE if name != "patience_left"}
    patience = None if facts["patience_left"] is None else _count(facts["patience_left"])
    kept = None if best is None else Best(0.0 + best["metric"], _count(best["step"]), arrays["best/theta"])
    state = State(arrays["last/theta"], memory, **numbers, best=kept, patience_left=patience)
    settings, seed, created, reason = about.pop("settings"), about["seed"], about["created"], about["reason"]
    engine, arithmetic = about.pop("engine"), about.pop("arithmetic", {})
    about |= {"data": {"inside": False, "source": about.pop("source", None), "table": None, "train": None,
                       "validation": None}, "metric": None}  # fmt: skip
    for name in ("state", "seed", "created", "reason"):
        about.pop(name)
    text = lambda content: json.dumps(content, ensure_ascii=False)
    timeline = TimelineRow(
        number=1, name="main", parent=None, step=state.step, changes="{}", settings=text(settings), network=None,
        seed=str(seed), engine=engine, arithmetic=text(arithmetic), machine=text(about.get("versions", {})),
        created=created, kept=0, stop=None, reason=reason,
    )  # fmt: skip
    facts = [Fact(key, text(value)) for key, value in about.items()]
    return state, [*facts, timeline, *(EpochRow(1, *figure) for figure in figures)]


def _count(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**62:
        raise ValueError(f"{number!r} is no count")
    return number


def _checksum(*tables: Sequence[tuple[Any, ...]]) -> str:
    """Of all that stands in a file of format 1, in any order of its rows."""
    hashed = hashlib.sha256()
    for rows in tables:
        for row in sorted(rows, key=lambda row: row[0]):
            for field in row:
                content = field if isinstance(field, bytes) else repr(field).encode()
                hashed.update(b"%d:" % len(content) + content)
    return hashed.hexdigest()


def _array(name: str, dtype: str, shape: str, data: bytes) -> np.ndarray:
    sizes = json.loads(shape)
    if dtype not in DTYPES or math.prod(sizes) * np.dtype(dtype).itemsize != len(data):
        raise DamageError(f"array {name!r} has {len(data)} bytes, but claims {dtype} {sizes}")
    return np.frombuffer(data, dtype=DTYPES[dtype]).reshape(sizes)
