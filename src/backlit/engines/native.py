"""The native engine: whole stretches of steps in one call of compiled code, in float32; its source is in native/.

Its bits are the same for every number of threads and every instruction set; the rules that make them so are in
docs/decisions/0010-the-same-bits-everywhere.md.
"""

from __future__ import annotations

import atexit
import os
from dataclasses import asdict, fields, replace
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from backlit.core import rng
from backlit.core.layers import LAYERS, Dense, Dropout, Layer, PiecewiseLinear
from backlit.core.losses import LOSSES
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS, Optimizer
from backlit.core.state import State
from backlit.engines.protocol import Batches, Data, Figures, Rows, threads_or_all
from backlit.errors import ArgumentError, ShapeError
from backlit.words import Remark

_native: Any
try:
    _native = import_module("backlit.engines._native")
except ImportError:
    _native = None

NUMERICS = 1  #: counts up whenever the same run would end with other bits

_BATCH_TO_PREDICT = 192
_MOST_BINS = 65_535


@cache
def missing() -> Remark | None:
    """Why the compiled module cannot be used; None where it can."""
    if _native is None:
        return Remark("lacks.compiled")
    sets, wish = _native.instruction_sets(), os.environ.get("BACKLIT_ISA")
    if not sets:
        return Remark("lacks.processor")
    if wish and wish not in sets:
        return Remark("lacks.instruction_set", wish=wish, sets=sets)
    return None


def instruction_set() -> str:
    """What the engine runs on: the processor's widest, or what the environment variable BACKLIT_ISA says."""
    return os.environ.get("BACKLIT_ISA") or _native.instruction_sets()[0]


class NativeEngine:
    """Feed forward, backpropagate, update, many steps at a time; see `Engine` for the contract.

    Parameters
    ----------
    threads : at most so many, None: as many as there are usable cores; the engine uses one where that is faster
    """

    name = "native"
    dtype = np.float32

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads_or_all(threads)
        self._start_over()
        _ENGINES.add(self)

    def _start_over(self) -> None:
        self._laid_out: tuple[tuple[Any, ...], Any] = ((), None)
        self._lock = Lock()  # one call at a time works on what is laid out

    def lacks(self, net: Network, optimizer: Optimizer | None, dtype: Any) -> Remark | None:
        if reason := missing():
            return reason
        if dtype != np.float32:
            return Remark("lacks.dtype", dtype=str(dtype))
        kinds = [type(layer) for layer in net.layers]
        pieces: list[tuple[type, dict[str, Any], list[str]]] = [
            *((kind, LAYERS, _native.LAYERS) for kind in kinds),
            (type(net.loss), LOSSES, _native.LOSSES),
            *([(type(optimizer), OPTIMIZERS, _native.OPTIMIZERS)] if optimizer else []),
        ]
        for kind, registry, known in pieces:
            if registry.get(kind.name) is not kind or kind.name not in known:
                return Remark("lacks.piece", name=kind.__name__)
        if 0 < getattr(optimizer, "epsilon", 1) < np.finfo(np.float32).tiny:
            return Remark("lacks.epsilon", epsilon=optimizer.epsilon)  # type: ignore[attr-defined]
        for layer in net.layers:
            if isinstance(layer, Dense) and layer.activation not in _native.ACTIVATIONS:
                return Remark("lacks.activation", name=layer.activation)
        if PiecewiseLinear in kinds[1:] or (kinds[0] is PiecewiseLinear and kinds[1:2] != [Dense]):
            return Remark("lacks.bins")
        if max(len(net.inputs), *(len(edges) for edges in getattr(net.layers[0], "edges", ((),)))) > _MOST_BINS:
            return Remark("lacks.numbers", most=_MOST_BINS)
        if any(kinds[i : i + 3] == [Dropout] * 3 for i in range(len(kinds))):
            return Remark("lacks.dropouts")
        return None

    def run(
        self,
        net: Network,
        optimizer: Optimizer,
        state: State,
        rows: Rows,
        batches: Batches,
        rates: np.ndarray,
    ) -> tuple[State, Figures]:
        theta = np.array(state.theta, np.float32)
        memory = {name: np.array(state.memory[name], np.float32) for name in sorted(state.memory) if name != "t"}
        for name, vector in {"theta": theta, **memory}.items():
            _require_shape(name, vector, (net.size,))
        if state.memory.keys() != optimizer.init(theta, net.layout()).keys():
            raise ArgumentError("engine.memory", names=", ".join(state.memory) or "nothing", optimizer=optimizer.name)
        _require_shape("rates", rates, (len(batches),))
        if len(batches.positions) and not 0 <= batches.positions.min() <= batches.positions.max() < len(rows.data):
            raise ShapeError("engine.positions", rows=len(rows.data))
        figures = Figures.room(net, len(rates))
        positions = np.ascontiguousarray(batches.positions, np.int64)
        t = state.memory.get("t", 0)
        rates = np.ascontiguousarray(rates, np.float64)
        with self._lock:
            session = self._session(net, optimizer, rows, batches.size)
            done = session.train(theta, [*memory.values()], t, state.seed, state.step, positions, rates, figures)
        if "t" in state.memory:
            memory["t"] = t + done
        used = state.used + min(done * batches.size, len(positions))
        state = replace(state, theta=theta, memory=memory, step=state.step + done, used=used)
        return state, figures.first(done + 1)

    def gradient(self, net: Network, theta: np.ndarray, rows: Rows, key: rng.Key | None = None) -> np.ndarray:
        _require_shape("theta", theta, (net.size,))
        result = np.empty(net.size, np.float32)
        draws = None if key is None else np.ascontiguousarray(key.rows[:, 0])
        positions = np.ascontiguousarray(rows.positions, np.int64)
        with self._lock:
            session = self._session(net, None, rows, len(rows), dropout=key is not None)
            theta = np.ascontiguousarray(theta, np.float32)
            session.gradient(theta, 0 if key is None else key.seed, positions, draws, result)
        return result

    def predict(self, net: Network, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        self._require_all(net, None, np.float32)
        _require_shape("theta", theta, (net.size,))
        _require_shape("X", X, (len(X), len(net.inputs)))
        S = np.empty((len(X), net.outputs), np.float32)
        X = np.ascontiguousarray(X, np.float32)
        if len(X):
            batch = min(_BATCH_TO_PREDICT, len(X))
            with self._lock:
                session = _native.Session(instruction_set(), _layers(net), _loss(net), None, _native.Table(X), batch)
                session.predict(np.ascontiguousarray(theta, np.float32), S)
        return S

    def arithmetic(self) -> dict[str, str]:
        return {"numerics": str(NUMERICS)}

    def memory(self, net: Network, optimizer: Optimizer, rows: Rows, batch_size: int) -> dict[str, int]:
        """Bytes beside the data themselves: which bin each of their rows is in, which all share who learn from some of
        them, and everything that a step works on."""
        session = self._session(net, optimizer, rows, batch_size)
        return {"bins": _table(rows.data).code_bytes, "arena": session.arena_bytes}

    def _require_all(self, net: Network, optimizer: Optimizer | None, dtype: Any) -> None:
        if reason := self.lacks(net, optimizer, dtype):
            raise ArgumentError("engine.native_cannot_run", reason=reason)

    def _session(self, net: Network, optimizer: Optimizer | None, rows: Rows, batch: int, dropout: bool = True) -> Any:
        """Network and rows laid out for the steps; kept, since the next stretch wants the same."""
        key = (net, optimizer, rows, batch, dropout)
        before, session = self._laid_out
        if session is None or any(a is not b and a != b for a, b in zip(key, before)):
            data = rows.data
            self._require_all(net, optimizer, data.X.dtype)
            _require_shape("X", data.X, (len(data), len(net.inputs)))
            net.loss.check(rows.Y, net.outputs)
            weights = None
            if rows.weights is not None:
                weights = np.zeros(len(data), np.float32)
                weights[rows.positions] = rows.weights
            session = _native.Session(
                instruction_set(),
                _layers(net, dropout),
                _loss(net),
                None if optimizer is None else _optimizer(optimizer),
                _table(data),
                batch,
                np.ascontiguousarray(rows.positions, np.int64),
                weights,
                self.threads,
            )
            self._laid_out = (key, session)
        return session


_TABLES: WeakKeyDictionary[Data, Any] = WeakKeyDictionary()


def _table(data: Data) -> Any:
    """The data laid out for the compiled module, once for all who learn from some of their rows."""
    if data not in _TABLES:
        X, Y = np.ascontiguousarray(data.X), np.ascontiguousarray(data.Y)
        _TABLES[data] = _native.Table(X, Y, np.ascontiguousarray(data.rows, np.int64))
    return _TABLES[data]


_ENGINES: WeakSet[NativeEngine] = WeakSet()


@atexit.register
def _wait_and_keep() -> None:
    """A daemon thread that still trains must not come back from C++ into an interpreter that is no more."""
    for engine in list(_ENGINES):
        engine._lock.acquire()


def _forget() -> None:
    """In a forked process: another thread of the first one may have held a lock, or been in the middle of a step."""
    for engine in list(_ENGINES):
        engine._start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _require_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ShapeError("shape.unlike", name=name, shape=array.shape, expected=shape)


def _layers(net: Network, dropout: bool = False) -> list[dict[str, Any]]:
    """The layers as the compiled module wants them."""

    def described(i: int, layer: Layer) -> dict[str, Any]:
        facts = {field.name: getattr(layer, field.name) for field in fields(layer)}
        slots = [(slot.start, slot.rate, slot.decay) for slot in net.slots[i]]
        return {"kind": layer.name, "position": i, "slots": slots, **facts}

    active = lambda layer: not isinstance(layer, Dropout) or (dropout and layer.rate > 0)
    return [described(i, layer) for i, layer in enumerate(net.layers) if active(layer)]


def _loss(net: Network) -> dict[str, Any]:
    mean = net.loss.reduction == "mean"
    return {"kind": net.loss.name, "outputs": net.outputs, "mean": mean, **asdict(net.loss)}


def _optimizer(optimizer: Optimizer) -> dict[str, Any]:
    return {"kind": optimizer.name, **asdict(optimizer), "clip_norm": optimizer.clip_norm or 0.0}
