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
from backlit.runs.schema import SCHEMA, DamageError, EpochRow, Fact, TimelineRow, parsed, put, sense

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
    with sense():
        (checksum,) = old.execute("SELECT value FROM about WHERE key = 'checksum'").fetchone()
    if parsed(checksum) != _checksum(records, figures, blobs):
        raise DamageError("its checksum is another")
    about = {key: parsed(value) for key, value in records}
    with sense():
        arrays = {name: _array(name, *rest) for name, *rest in blobs}
        facts, best = dict(about["state"]), about["state"]["best"]
        memory = {name.removeprefix("last/memory/"): a for name, a in arrays.items() if name.startswith("last/memory/")}
        kept = None if best is None else Best(best["metric"], best["step"], arrays["best/theta"])
        state = State(
            arrays["last/theta"], memory | facts["memory"], **{k: facts[k] for k in OF_STATE}, best=kept
        )  # fmt: skip
        settings, seed, created, reason = about.pop("settings"), about["seed"], about["created"], about["reason"]
        engine, arithmetic = about.pop("engine"), about.pop("arithmetic", {})
        about |= {"data": {"inside": False, "source": about.pop("source", None), "table": None, "train": None,
                           "validation": None}, "metric": None}  # fmt: skip
        for name in ("state", "seed", "created", "reason"):
            about.pop(name)
    for statement in SCHEMA.values() if not new.execute("SELECT 1 FROM sqlite_schema").fetchone() else ():
        new.execute(statement)
    put(new, *(Fact(key, json.dumps(value, ensure_ascii=False)) for key, value in about.items()))
    text = lambda content: json.dumps(content, ensure_ascii=False)
    put(new, TimelineRow(
        number=1, name="main", parent=None, step=state.step, changes="{}", settings=text(settings), network=None,
        seed=str(seed), engine=engine, arithmetic=text(arithmetic), machine=text(about.get("versions", {})),
        created=created, kept=0, stop=None, reason=reason,
    ))  # fmt: skip
    put(new, *(EpochRow(1, *figure) for figure in figures))
    put_snapshot(new, 1, state, anchor=True)


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
