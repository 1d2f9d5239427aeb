"""The run file: what a training run leaves behind, in one SQLite file of JSON, numbers and arrays.

    about   table, network, settings, seed, versions, scores, ... as JSON, by key
    epochs  the figures of each epoch
    arrays  the weights and the optimizer's memory, by name: "best/theta", "last/theta", "last/memory/m", ...

It is written beside its place and moved there when complete, so that a kill leaves the old file or the new one. Reading
it executes and unpickles nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import from_dict, to_dict
from backlit.core.schedules import SCHEDULES
from backlit.core.state import Best, State
from backlit.errors import BacklitError, DataError
from backlit.model import Model
from backlit.tables.frames import whole
from backlit.tables.table import Table
from backlit.training import Settings

APPLICATION_ID = 0x626B6C74  # "bklt"
FORMAT = 1

_SCHEMA = {
    "about": "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "epochs": "CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, step INTEGER NOT NULL, error REAL, metric REAL, "
    "improved INTEGER NOT NULL) STRICT",
    "arrays": "CREATE TABLE arrays (name TEXT PRIMARY KEY, dtype TEXT NOT NULL, shape TEXT NOT NULL, "
    "data BLOB NOT NULL) STRICT",
}

_DTYPES = {"float32": np.float32, "float64": np.float64}
_MAGIC = b"SQLite format 3\0"


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
    memory : the optimizer's vectors after it, by name
    """

    path: Path
    about: Mapping[str, Any]
    table: Table
    net: Network
    epochs: tuple[Epoch, ...]
    theta: np.ndarray
    last: np.ndarray
    memory: Mapping[str, np.ndarray]

    @property
    def settings(self) -> Settings:
        """How it was trained."""
        saved = dict(self.about["settings"])
        records = {
            "optimizer": from_dict("optimizer", OPTIMIZERS, saved["optimizer"]),
            "schedule": from_dict("schedule", SCHEDULES, saved["schedule"]),
        }
        return Settings(**{**saved, **records})

    @property
    def state(self) -> State:
        """The state after the last step."""
        facts = dict(self.about["state"])
        best, numbers = facts.pop("best"), facts.pop("memory")
        kept = None if best is None else Best(best["metric"], best["step"], self.theta)
        return State(self.last, {**self.memory, **numbers}, best=kept, **facts)

    @property
    def model(self) -> Model:
        """What predicts."""
        return Model(self.table, self.net, self.theta)


def require_new(path: str | Path, replace: bool = False) -> Path:
    """The path, if a file may and can be written there; said before the work is done."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file")
    if path.exists() and not replace:
        raise DataError(f"{path} exists; name another file, or replace it (--force)")
    if not path.parent.is_dir():
        raise DataError(f"{path.parent} is no folder; make it first, or name another file")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); name another file") from None


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
    records = [(k, to_json(v)) for k, v in facts.items()]
    blobs = [(k, str(a.dtype), json.dumps(a.shape), np.ascontiguousarray(a).tobytes()) for k, a in arrays.items()]
    figures = [(e.epoch, e.step, _real(e.error), _real(e.metric), int(e.improved)) for e in epochs]
    records.append(("checksum", json.dumps(_checksum(records, figures, blobs))))
    with whole(path) as beside:
        try:
            with closing(sqlite3.connect(beside)) as file, file:
                file.execute("PRAGMA journal_mode = OFF")  # it is no one's file yet
                file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                file.execute(f"PRAGMA user_version = {FORMAT}")
                for statement in _SCHEMA.values():
                    file.execute(statement)
                file.executemany("INSERT INTO about VALUES (?, ?)", records)
                file.executemany("INSERT INTO epochs VALUES (?, ?, ?, ?, ?)", figures)
                file.executemany("INSERT INTO arrays VALUES (?, ?, ?, ?)", blobs)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
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
        raise DataError(f"{path} {'is a folder' if path.exists() else 'does not exist'}; give the path of a run file")
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give the path of a run file") from None
    if head != _MAGIC:
        raise DataError(f"{path} is no run file of backlit{'' if head else ': it is empty'}; give one that train wrote")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return _read(path, database)
    except sqlite3.Error as error:
        raise _damaged(path, str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        told = str(error) if isinstance(error, BacklitError) else f"{type(error).__name__}: {error}"
        raise _damaged(path, told) from None


def _read(path: Path, file: sqlite3.Connection) -> Run:
    file.execute("PRAGMA trusted_schema = OFF")
    (application,) = file.execute("PRAGMA application_id").fetchone()
    (format_,) = file.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise DataError(f"{path} is a SQLite file, but no run file of backlit; give one that train wrote")
    if format_ > FORMAT:
        raise DataError(
            f"{path} has format {format_}, written by a newer backlit; this one reads up to {FORMAT}: upgrade it"
        )
    (sound,) = file.execute("PRAGMA quick_check(1)").fetchone()
    if sound != "ok":
        raise _damaged(path, sound)
    if dict(file.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")) != _SCHEMA:
        raise _damaged(path, "its tables are not those of a run file")  # a view or a trigger could run what it likes
    records = file.execute("SELECT key, value FROM about WHERE key <> 'checksum'").fetchall()
    figures = file.execute("SELECT epoch, step, error, metric, improved FROM epochs ORDER BY epoch").fetchall()
    blobs = file.execute("SELECT name, dtype, shape, data FROM arrays").fetchall()
    (checksum,) = file.execute("SELECT value FROM about WHERE key = 'checksum'").fetchone()
    if json.loads(checksum) != _checksum(records, figures, blobs):
        raise _damaged(path, "its checksum is another")
    about = {key: json.loads(value) for key, value in records}
    table, net = Table.from_dict(about.pop("table")), Network.from_dict(about.pop("network"))
    if net.inputs != table.names:
        raise _damaged(path, "its network and its table name different inputs")
    arrays = {name: _array(path, name, *rest) for name, *rest in blobs}
    last = arrays["last/theta"]
    theta = arrays.get("best/theta", last)
    if theta.shape != (net.size,) or last.shape != (net.size,):
        raise _damaged(path, f"it holds {theta.size} weights, but its network has {net.size}")
    epochs = tuple(Epoch(epoch, step, E, metric, bool(improved)) for epoch, step, E, metric, improved in figures)
    memory = {name.removeprefix("last/memory/"): a for name, a in arrays.items() if name.startswith("last/memory/")}
    return Run(path, about, table, net, epochs, theta, last, memory)


def to_json(content: Any, indent: int | None = None) -> str:
    """JSON that every reader takes: NumPy's numbers as numbers, NaN and infinity as null."""
    return json.dumps(_plain(content), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _real(value: float | None) -> float | None:
    """As SQLite gives it back: no NaN, and no negative zero."""
    return None if value is None or math.isnan(value) else float(value) + 0.0


def _checksum(*tables: Sequence[tuple[Any, ...]]) -> str:
    """Of all that stands in the file's tables, in any order of their rows."""
    digest = hashlib.sha256()
    for rows in tables:
        for row in sorted(rows, key=lambda row: row[0]):
            for field in row:
                content = field if isinstance(field, bytes) else repr(field).encode()
                digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


def _array(path: Path, name: str, dtype: str, shape: str, data: bytes) -> np.ndarray:
    sizes = json.loads(shape)
    if dtype not in _DTYPES or math.prod(sizes) * np.dtype(dtype).itemsize != len(data):
        raise _damaged(path, f"array {name!r} has {len(data)} bytes, but claims {dtype} {sizes}")
    return np.frombuffer(data, dtype=_DTYPES[dtype]).reshape(sizes)


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is damaged ({why}); restore it from a copy, or train again")
