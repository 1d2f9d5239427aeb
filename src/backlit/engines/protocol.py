"""What an engine is: something that runs whole stretches of training steps, and predicts."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array, array_namespace, as_array, indices, like, require_finite, reshape
from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.core.state import State
from backlit.core.values import COUNT
from backlit.errors import DataError, ShapeError
from backlit.words import Remark


@dataclass(frozen=True, init=False, eq=False)
class Data:
    """The encoded rows of a table; they exist once, whatever learns from some of them or is measured on some.

    Parameters
    ----------
    X : (n, d) inputs; the network computes in their dtype (whole numbers become float64)
    Y : (n, k) targets; (n,) is taken as one column
    rows : (n,) each row's position in its table, from 0; dropout and the order of rows depend on it. None: 0 to n − 1

    The arrays must not be changed while training: an engine may keep what it made of them.

    Raises
    ------
    ShapeError
        Where the parts do not fit together.
    DataError
        No rows; NaN or infinity, and where; a row that stands twice.
    """

    X: Array
    Y: Array
    rows: np.ndarray

    def __init__(self, X: Array, Y: Array, rows: np.ndarray | None = None) -> None:
        X = _floating("X", X)
        Y = like(_floating("Y", Y), X)
        if Y.ndim == 1:
            Y = reshape(Y, (-1, 1))
        if X.ndim != 2 or Y.ndim != 2:
            raise ShapeError("data.shapes", X=tuple(X.shape), Y=tuple(Y.shape))
        n = X.shape[0]
        if Y.shape[0] != n:
            raise ShapeError("data.row_counts", X=n, Y=Y.shape[0])
        if n == 0:
            raise DataError("data.no_rows")
        require_finite("X", X)
        require_finite("Y", Y)
        rows = np.arange(n) if rows is None else np.asarray(rows)
        if rows.dtype.kind not in "iu":
            raise DataError("data.rows_type", dtype=rows.dtype)
        if rows.shape != (n,):
            raise ShapeError("data.rows_shape", shape=rows.shape, rows=n)
        if len(np.unique(rows)) < n:
            raise DataError("data.row_twice")
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "Y", Y)
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return self.X.shape[0]


@dataclass(frozen=True, init=False, eq=False)
class Rows:
    """Which rows of some data are learnt from, or measured on, and how much each counts.

    Parameters
    ----------
    data : None of its arrays is copied
    positions : (m,) where the rows stand in `data`, each once; None: all of its rows
    weights : (m,) how much each row counts, 0 or greater; scaled to mean 1. None: all alike
    scaled : whether the weights are scaled already, as those of a part of other rows, or of recorded ones

    Raises
    ------
    ShapeError, DataError
        Positions that `data` has not, or has twice; no rows; a negative weight; all weights 0.
    """

    data: Data
    positions: np.ndarray
    weights: Array | None

    def __init__(
        self, data: Data, positions: np.ndarray | None = None, weights: Array | None = None, *, scaled: bool = False
    ) -> None:
        n = len(data)
        positions = np.arange(n) if positions is None else np.asarray(positions)
        if positions.dtype.kind not in "iu" or positions.ndim != 1:
            raise ShapeError("rows.positions", dtype=positions.dtype, shape=positions.shape)
        if len(positions) == 0:
            raise DataError("rows.none")
        if positions.min() < 0 or positions.max() >= n:
            raise ShapeError("rows.beyond", rows=n)
        if np.bincount(positions).max() > 1:
            raise DataError("rows.twice")
        if weights is not None:
            weights = _weights(weights, data.X, len(positions), scaled)
        vars(self).update(data=data, positions=positions, weights=weights)

    @classmethod
    def of(cls, rows: Data | Rows) -> Rows:
        """All rows of some data, where it is not said which."""
        return rows if isinstance(rows, Rows) else cls(rows)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def X(self) -> Array:
        """(m, d) their inputs."""
        return self._of(self.data.X)

    @property
    def Y(self) -> Array:
        """(m, k) their targets."""
        return self._of(self.data.Y)

    @property
    def rows(self) -> np.ndarray:
        """(m,) each row's position in its table."""
        return self.data.rows[self.positions]

    def at(self, positions: np.ndarray) -> Rows:
        """Some of these rows by their positions in `data`, each with the weight that it has here."""
        weights = self.weights
        if weights is not None:
            weights = _taken(weights, positions if self._all else self._places[positions])
        some = object.__new__(Rows)
        vars(some).update(data=self.data, positions=positions, weights=weights)
        return some

    @cached_property
    def _all(self) -> bool:
        """Whether these are all rows of the data, in their order."""
        return len(self) == len(self.data) and bool((self.positions == np.arange(len(self))).all())

    @cached_property
    def _places(self) -> np.ndarray:
        """(n,) where each row of the data stands among these."""
        places = np.zeros(len(self.data), dtype=np.int64)
        places[self.positions] = np.arange(len(self))
        return places

    def _of(self, array: Array) -> Array:
        return array if self._all else _taken(array, self.positions)


def _taken(array: Array, positions: np.ndarray) -> Array:
    return array_namespace(array).take(array, indices(positions, array), axis=0)


def _floating(name: str, values: Array) -> Array:
    """An array of real numbers from whatever holds some."""
    values = as_array(values)
    xp: Any = array_namespace(values)
    if xp is np and values.dtype.kind not in "fiub":
        raise DataError("data.no_numbers", name=name, dtype=values.dtype)
    return values if xp.isdtype(values.dtype, "real floating") else xp.astype(values, xp.float64)


def _weights(weights: Array, X: Array, n: int, scaled: bool) -> Array:
    """Weights of n rows, of mean 1 unless they are scaled already."""
    xp = array_namespace(X)
    weights = like(weights, X)
    if weights.shape != (n,):
        raise ShapeError("data.weights_shape", shape=tuple(weights.shape), rows=n)
    require_finite("weights", weights)
    least, total = float(xp.min(weights)), float(xp.sum(weights))
    if least < 0 or total == 0:
        raise DataError("data.weights_below_zero", least=least, total=total)
    return weights if scaled else weights * (n / total)


@dataclass(frozen=True, eq=False)
class Batches(Sequence[np.ndarray]):
    """The rows of consecutive steps of one epoch; as a sequence, each step's positions in `Data`.

    Parameters
    ----------
    positions : (rows,) whole numbers: where the rows of the first step stand in `Data`, then those of the next, ...
    size : rows in a step; the last step may have fewer
    """

    positions: np.ndarray
    size: int

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, step: int) -> np.ndarray:
        start = self._starts[step]
        return self.positions[start : start + self.size]

    @property
    def _starts(self) -> range:
        return range(0, len(self.positions), self.size)


STUCK = 0.01  #: a unit whose slope is below this, in absolute value, passes no error back; also in native/figures.hpp


class Figures(NamedTuple):
    """What happened at each step of a stretch, in float64; L is the number of layers that have weights.

    E : (steps,) the error of the step's batch, before its update
    gradient_norm : (steps,) the length of the gradient, before clipping
    update_norm : (steps,) the length of the update, theta after less theta before; NaN where none was made
    layer_gradient_norm : (steps, L) the length of the gradient of each layer's weights, before clipping
    stuck : (steps, L) the share, 0 to 1, of each layer's units that passed no error back: those whose slope dA/dZ times
        the masks of the dropout right behind the layer was below STUCK at every row of the batch. A dead ReLU unit; a
        saturated tanh or sigmoid unit; in a batch of few rows also a unit that dropout silenced in all of them. 0 in
        a layer without an activation
    """

    E: np.ndarray
    gradient_norm: np.ndarray
    update_norm: np.ndarray
    layer_gradient_norm: np.ndarray
    stuck: np.ndarray

    @classmethod
    def room(cls, net: Network, steps: int) -> Figures:
        """Arrays for an engine to fill in."""
        L = sum(bool(slots) for slots in net.slots)
        per_step, per_layer = np.empty((3, steps)), np.empty((2, steps, L))
        return cls(*per_step, *per_layer)

    def first(self, steps: int) -> Figures:
        """Those of the first steps."""
        return Figures(*(figure[:steps] for figure in self))


class Engine(Protocol):
    """Runs training steps, and predicts. The reference defines what both yield; another engine does the same, faster.

    Attributes
    ----------
    dtype : the numbers in which it computes what a table's rows are encoded for
    """

    name: str
    dtype: Any

    def lacks(self, net: Network, optimizer: Optimizer | None, dtype: Any) -> Remark | None:
        """Why this engine cannot run here, or which piece it has not; None where it has all.

        Parameters
        ----------
        optimizer : None: only to predict
        dtype : of the rows and weights
        """
        ...

    def run(
        self,
        net: Network,
        optimizer: Optimizer,
        state: State,
        rows: Rows,
        batches: Batches,
        rates: np.ndarray,
    ) -> tuple[State, Figures]:
        """One step for each batch.

        Parameters
        ----------
        rows : those that are learnt from, and their weights
        batches : which of them each step uses
        rates : (steps,) float64, the learning rate of each step

        Returns
        -------
        state, figures
            After the last step. Where E or the gradient is not finite, the state before that step, and the figures up
            to and including it.
        """
        ...

    def gradient(self, net: Network, theta: Array, rows: Rows, key: rng.Key | None = None) -> Array:
        """∂E/∂theta of some rows, (p,).

        Parameters
        ----------
        key : the counters of a step's dropout masks for these rows; None leaves dropout out
        """
        ...

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        """The scores, (n, k), without dropout."""
        ...

    def arithmetic(self) -> dict[str, str]:
        """What the last bits of a run of this engine depend on, by name."""
        ...


def threads_or_all(threads: int | None) -> int:
    """The number of threads asked for, 1 or more; None: as many as there are usable cores."""
    return COUNT.require("threads", threads, none=True) or usable_cores()


def usable_cores() -> int:
    """How many cores this process may use; 1 in a worker process, whose siblings use the others."""
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
