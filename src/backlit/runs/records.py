"""States, settings, networks and figures as rows of a run file, and back."""

from __future__ import annotations

import json
import math
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS, Memory, Optimizer
from backlit.core.registry import from_dict, to_dict
from backlit.core.schedules import SCHEDULES
from backlit.core.state import Best, State
from backlit.engines.choice import ENGINES, choose
from backlit.engines.protocol import Engine
from backlit.errors import ArgumentError, DataError, UnknownNameError
from backlit.runs.arrays import load, store, unpack
from backlit.runs.schema import (
    DamageError,
    Snapshot,
    Stretch,
    TimelineRow,
    called,
    digest,
    made,
    parsed,
    put,
)
from backlit.training import Settings
from backlit.words import to_json

MOST_UNITS = 2**21  #: of all layers, in a file from anywhere


def settings_text(settings: Settings) -> str:
    """Settings as JSON."""
    records = {"optimizer": to_dict(settings.optimizer), "schedule": to_dict(settings.schedule)}
    return to_json({**vars(settings), **records})


def settings_from(text: str) -> Settings:
    """The settings that `settings_text` wrote."""

    def settings(saved: dict[str, Any]) -> Settings:
        optimizer = from_dict("optimizer", OPTIMIZERS, saved["optimizer"])
        schedule = from_dict("schedule", SCHEDULES, saved["schedule"])
        return Settings(**{**saved, "optimizer": optimizer, "schedule": schedule})

    return made(settings, parsed(text))


def network_from(saved: Any) -> Network:
    """The network that was written as JSON; of sizes that this machine can hold."""

    def network(saved: dict[str, Any]) -> Network:
        units = [layer.get(name, 0) for layer in saved["layers"] for name in ("d", "d_in", "d_out")]
        if min(units, default=0) < 0 or sum(units) > MOST_UNITS:
            raise DamageError("damage.units", units=sum(units), limit=MOST_UNITS)
        return Network.from_dict(saved)

    return made(network, saved)


# --- states ---


def state_of(file: sqlite3.Connection, snapshot: Snapshot, seed: int, net: Network, optimizer: Optimizer) -> State:
    """A snapshot's state; its memory is such as the optimizer begins with."""
    theta = np.zeros(net.size, np.float32)
    blank = bare_state(snapshot, seed, theta, optimizer.init(theta, net.layout()))
    wanted, keys, numbers = vectors_of(blank), parsed(snapshot.arrays), parsed(snapshot.memory)
    if keys.keys() != wanted.keys() or numbers.keys() != numbers_of(blank).keys():
        raise DamageError("damage.no_state", row=called(snapshot), optimizer=optimizer.name)
    vectors = {name: load(file, keys[name], vector.shape) for name, vector in wanted.items()}
    memory = {name: vectors.get(f"memory/{name}", numbers.get(name)) for name in blank.memory}
    best = None if blank.best is None else blank.best._replace(theta=vectors["best"])
    return replace(blank, theta=vectors["theta"], memory=memory, best=best)


def bare_state(
    snapshot: Snapshot, seed: int = 0, theta: np.ndarray = np.empty(0), memory: Memory | None = None
) -> State:
    """Where a snapshot's state stands in its epoch, its schedule and its limits; its weights and memory are others."""
    best = None
    if snapshot.best_step is not None and snapshot.best_metric is not None:
        best = Best(snapshot.best_metric, snapshot.best_step, theta)
    return State(
        theta, memory or {}, seed, snapshot.planned, snapshot.begun, snapshot.step, snapshot.epoch, snapshot.used,
        snapshot.total, best, snapshot.patience_left,
    )  # fmt: skip


def put_snapshot(
    file: sqlite3.Connection,
    timeline: int,
    state: State,
    anchor: bool = False,
    known: dict[int, tuple[Any, str]] | None = None,
) -> dict[int, tuple[Any, str]]:
    """Keep a state whole.

    Parameters
    ----------
    anchor : it does not follow from the steps before it
    known : arrays by their id that are kept already, with their hashes

    Returns
    -------
    dict
        The same of this state.
    """
    known, now, keys = known or {}, {}, {}
    for name, vector in vectors_of(state).items():
        same, key = known.get(id(vector), (None, ""))
        keys[name] = key if same is vector else store(file, np.asarray(vector))
        now[id(vector)] = (vector, keys[name])
    best_step, best_metric = (None, None) if state.best is None else (state.best.step, real(state.best.metric))
    put(file, Snapshot(
        timeline, state.step, int(anchor), state.epoch, state.used, float(state.total) + 0.0, state.planned,
        state.begun, state.patience_left, best_step, best_metric, json.dumps(numbers_of(state)), json.dumps(keys),
    ))  # fmt: skip
    return now


def vectors_of(state: State) -> dict[str, Any]:
    """A state's arrays by the names that snapshots give them."""
    vectors = {"theta": state.theta}
    vectors |= {f"memory/{name}": value for name, value in state.memory.items() if hasattr(value, "shape")}
    return vectors if state.best is None else {**vectors, "best": state.best.theta}


def numbers_of(state: State) -> dict[str, float]:
    """The numbers in the optimizer's memory, of plain Python."""
    return {name: value for name, value in state.memory.items() if not hasattr(value, "shape")}


def real(value: float | None) -> float | None:
    """As SQLite gives it back: no NaN, and no negative zero."""
    return None if value is None or math.isnan(value) else float(value) + 0.0


def checksum_of(state: State) -> bytes:
    """A hash of the weights."""
    return digest(np.ascontiguousarray(state.theta).tobytes())


def put_timeline(
    file: sqlite3.Connection, number: int, name: str, settings: Settings, engine: Engine, state: State, **more: Any
) -> TimelineRow:
    """Keep a timeline that begins, and the state with which it does; what is recorded of it."""
    facts: dict[str, Any] = {
        "number": number, "name": name, "parent": None, "step": state.step, "changes": "{}",
        "settings": settings_text(settings), "network": None, "seed": str(state.seed),
        "engine": engine.name, "arithmetic": json.dumps(engine.arithmetic()),
        "machine": json.dumps({"system": platform.system(), "processor": platform.machine(),
                               "python": platform.python_version(), "backlit": version("backlit")}),
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "kept": 0, "stop": None, "reason": None,
    }  # fmt: skip
    row = TimelineRow(**(facts | more))
    put(file, row)
    put_snapshot(file, number, state, anchor=True)
    return row


# --- the figures of steps ---


def figure_names(net: Network) -> list[str]:
    """What is kept of each step, one number each; layers are called by their weights."""
    layers = [slots[0].name for slots in net.slots if slots]
    of_layers = [f"{figure}_{layer}" for figure in ("gradient_norm", "stuck") for layer in layers]
    return ["E", "gradient_norm", "update_norm", *of_layers]


def figures_of(stretch: Stretch, columns: int) -> np.ndarray:
    """A stretch's figures, (steps kept, columns), float32."""
    kept = math.ceil((stretch.stop - stretch.start) / stretch.every)
    return unpack(stretch.figures, "float32", (kept, columns))


# --- the engine ---


def engine_of(path: Path, row: TimelineRow, net: Network, settings: Settings, dtype: Any) -> Engine:
    """The engine that recorded a timeline."""
    try:
        if row.engine not in ENGINES:
            raise UnknownNameError("engine", row.engine, ENGINES)
        return choose(row.engine, net, settings.optimizer, dtype)
    except ArgumentError as error:
        raise DataError("run.engine", path=path, engine=row.engine, why=str(error)) from None


def arithmetic_difference(row: TimelineRow, engine: Engine) -> str:
    """What about this engine here is other than when the timeline was recorded; "" where bits are the same."""
    recorded: Mapping[str, str] = parsed(row.arithmetic)
    here = engine.arithmetic()
    other = [f"{k} was {recorded.get(k)}, and is {here.get(k)}" for k in here if recorded.get(k) != here[k]]
    return "; ".join(other)
