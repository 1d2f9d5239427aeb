"""The run file: what a training run leaves behind, in one SQLite file of JSON, numbers and arrays.

    about   table, network, settings, seed, versions, scores, ... as JSON, by key
    epochs  the figures of each epoch
    arrays  the weights and the optimizer's memory, by name: "best/theta", "last/theta", "last/memory/m", ...

It is written beside its place and moved there when complete, so that a kill leaves the old file or the new one. Reading
it executes and unpickles nothing.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backlit.core.network import Network
from backlit.core.registry import to_dict
from backlit.core.state import State
from backlit.errors import BacklitError, DataError
from backlit.model import Model
from backlit.tables.table import Table
from backlit.training import Settings

APPLICATION_ID = 0x626B6C74  # "bklt"
FORMAT = 1

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (
    epoch INTEGER PRIMARY KEY, step INTEGER NOT NULL, error REAL, metric REAL, improved INTEGER NOT NULL
) STRICT;
CREATE TABLE arrays (name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL, data BLOB NOT NULL) STRICT;
"""

_DTYPES = {"float32": np.float32, "float64": np.float64}
_MOST_BYTES = 1 << 31


class Epoch(NamedTuple):
    """One epoch's figures. step: updates made by its end; error: E while training; metric: on the watched rows."""

    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: bool


@dataclass(frozen=True, eq=False)
class Run:
    """A run file, read.

    Attributes
    ----------
    about : seed, engine, settings, versions, rows, scores, ... as they were recorded
    table, net : the fitted table and the network
    epochs : each epoch's figures
    theta : the weights that predict, those of the best epoch if one was watched
    last : the weights after the last step
    """

    path: Path
    about: Mapping[str, Any]
    table: Table
    net: Network
    epochs: tuple[Epoch, ...]
    theta: np.ndarray
    last: np.ndarray

    @property
    def model(self) -> Model:
        """What predicts."""
        return Model(self.table, self.net, self.theta)


def require_new(path: str | Path, replace: bool = False) -> Path:
    """The path, if a file may be written there."""
    path = Path(path)
    if path.exists() and not replace:
        raise DataError(f"{path} exists; name another file, or remove it first")
    if not path.parent.is_dir():
        raise DataError(f"{path.parent} is no folder; make it first, or name another file")
    return path


def write_run(
    path: str | Path,
    table: Table,
    net: Network,
    settings: Settings,
    state: State,
    epochs: Sequence[Epoch],
    about: Mapping[str, Any],
    replace: bool = False,
) -> Path:
    """Write a finished run; raises `DataError` where that cannot be done, and then leaves what was there."""
    path = require_new(path, replace)
    beside = path.with_name(f".{path.name}.part")
    facts = {
        **about,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in ("backlit", "numpy")},
        "table": table.to_dict(),
        "network": net.to_dict(),
        "settings": {
            **{name: value for name, value in vars(settings).items() if name not in ("optimizer", "schedule")},
            "optimizer": to_dict(settings.optimizer),
            "schedule": to_dict(settings.schedule),
        },
        "state": {
            "seed": state.seed, "planned": state.planned, "step": state.step, "epoch": state.epoch, "used": state.used,
            "patience_left": state.patience_left,
            "best": None if state.best is None else {"metric": state.best.metric, "step": state.best.step},
            "memory": {name: value for name, value in state.memory.items() if not hasattr(value, "shape")},
        },
    }  # fmt: skip
    arrays = {"last/theta": state.theta}
    arrays |= {f"last/memory/{name}": value for name, value in state.memory.items() if hasattr(value, "shape")}
    if state.best is not None:
        arrays["best/theta"] = state.best.theta
    try:
        beside.unlink(missing_ok=True)
        with closing(sqlite3.connect(beside)) as file, file:
            file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            file.execute(f"PRAGMA user_version = {FORMAT}")
            file.executescript(_SCHEMA)
            file.executemany("INSERT INTO about VALUES (?, ?)", [(k, json.dumps(v)) for k, v in facts.items()])
            file.executemany(
                "INSERT INTO epochs VALUES (?, ?, ?, ?, ?)", [(*epoch[:4], int(epoch.improved)) for epoch in epochs]
            )
            file.executemany(
                "INSERT INTO arrays VALUES (?, ?, ?, ?)",
                [(k, str(a.dtype), json.dumps(a.shape), np.ascontiguousarray(a).tobytes()) for k, a in arrays.items()],
            )
        beside.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise DataError(f"{path} could not be written ({error}); nothing there has changed") from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def open_run(path: str | Path) -> Run:
    """Read a run file.

    Raises
    ------
    DataError
        Not there, not a run file of backlit, damaged, or written by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; give the path of a run file")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            return _read(path, file)
    except sqlite3.Error as error:
        raise DataError(f"{path} is no run file of backlit, or damaged ({error})") from None
    except (KeyError, TypeError, ValueError, AttributeError, json.JSONDecodeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged ({_said(error)}); restore it from a copy, or train again") from None


def _read(path: Path, file: sqlite3.Connection) -> Run:
    (application,) = file.execute("PRAGMA application_id").fetchone()
    (format_,) = file.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise DataError(f"{path} is a SQLite file, but not a run file of backlit")
    if format_ > FORMAT:
        raise DataError(
            f"{path} has format {format_}, written by a newer backlit; this one reads up to {FORMAT}: upgrade"
        )
    file.execute("PRAGMA trusted_schema = OFF")
    (sound,) = file.execute("PRAGMA quick_check(1)").fetchone()
    if sound != "ok":
        raise DataError(f"{path} is damaged ({sound}); restore it from a copy, or train again")
    about = {key: json.loads(value) for key, value in file.execute("SELECT key, value FROM about")}
    table, net = Table.from_dict(about.pop("table")), Network.from_dict(about.pop("network"))
    if net.inputs != table.names:
        raise DataError(f"{path} is damaged: its network and its table name different inputs")
    arrays = {
        name: _array(path, name, *rest) for name, *rest in file.execute("SELECT name, dtype, shape, data FROM arrays")
    }
    last = arrays["last/theta"]
    theta = arrays.get("best/theta", last)
    if theta.shape != (net.size,) or last.shape != (net.size,):
        raise DataError(f"{path} is damaged: it holds {theta.size} weights, but its network has {net.size}")
    epochs = [
        Epoch(epoch, step, error, metric, bool(improved))
        for epoch, step, error, metric, improved in file.execute(
            "SELECT epoch, step, error, metric, improved FROM epochs ORDER BY epoch"
        )
    ]
    return Run(path, about, table, net, tuple(epochs), theta, last)


def _array(path: Path, name: str, dtype: str, shape: str, data: bytes) -> np.ndarray:
    sizes = json.loads(shape)
    if dtype not in _DTYPES or math.prod(sizes) * np.dtype(dtype).itemsize != len(data) or len(data) > _MOST_BYTES:
        raise DataError(f"{path} is damaged: array {name!r} has {len(data)} bytes, but claims {dtype} {sizes}")
    return np.frombuffer(data, dtype=_DTYPES[dtype]).reshape(sizes)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, BacklitError) else f"{type(error).__name__}: {error}"
