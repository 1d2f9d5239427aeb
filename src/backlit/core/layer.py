"""What a layer answers: every question about layers is asked here, and none by a layer's type.

The letters are the textbooks': X goes in, Y comes out; dX is ∂E/∂X, and so on for every letter; tX is the rate at which
X changes along a direction. Layers are frozen records without state: weights p come in, and what `backward` needs
travels in a cache, a named tuple that anybody can read. No row of a layer depends on another row: each entry of a cache
is None or has a row for each row of X.

A new layer defines these; what it does not define stays as for a layer without weights, as wide as its input:

    shapes()                            the layer's weights: name -> shape
    units(sources)                      the names of the outputs
    start(seed, position)               the starting weights
    forward(p, X, key) -> Y, cache      key: the counters of the random draws, or None: no dropout
    backward(p, cache, dY) -> dX, dp    dp: ∂E/∂ every weight, in the order of p
    tangent(p, tp, cache, tX) -> tY     the derivative of Y along (tp, tX); tX is None where X stands still

With to_input=False `backward` leaves out dX, which nothing below the first weights needs. All other answers follow from
these; a layer overrides them to be faster, or to name more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array, Weights, array_namespace
from backlit.words import Remark

NONE, SEVERAL = -1, -2  #: inputs that a weight is for, where it is not for a single one
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Names = tuple[str, ...]
Place = tuple[int, ...]


class Slot(NamedTuple):
    """One stretch of theta: all weights of one kind in one layer.

    Attributes
    ----------
    weight : "w", "b", "gamma", ...
    layer : the layer's number, as in the names of its weights
    start, stop, shape : theta[start:stop] in rows of `shape`
    axes : the names along each axis; w1[axes[0][i], axes[1][j]]
    rate, decay : factors on the learning rate and on the weight decay
    """

    weight: str
    layer: int
    start: int
    stop: int
    shape: tuple[int, ...]
    axes: tuple[Names, ...]
    rate: float = 1.0
    decay: float = 1.0

    @property
    def name(self) -> str:
        """Such as "w1"."""
        return f"{self.weight}{self.layer}"

    @property
    def matrix(self) -> str:
        """Such as "W¹", as textbooks write it."""
        return f"{self.weight.capitalize()}{str(self.layer).translate(RAISED)}"

    def index(self, position: int) -> Place:
        """Where in `shape` the weight at a position of theta stands."""
        return tuple(int(i) for i in np.unravel_index(position - self.start, self.shape))

    def named(self, index: Place) -> str:
        """The name of one weight: "w1[sqft_living, 3]"."""
        return self.called([axis[i] for axis, i in zip(self.axes, index)])

    def called(self, place: Sequence[str]) -> str:
        """The name of the weight that stands at a place along the axes; a single number has none, and the slot's."""
        return f"{self.name}[{', '.join(place)}]" if self.axes else self.name


@dataclass(frozen=True)
class Link:
    """One factor of a chain: what it is, how it is written, and its value.

    facts : the numbers and names that a sentence about it needs
    layer, unit, source : where in a network it is, by the numbers that names have: a layer, its unit, and the unit or
        input that leads there; 0 where there is none, or no network
    meaning : that sentence
    """

    kind: str
    symbol: str
    value: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    layer: int = 0
    unit: int = 0
    source: int = 0
    meaning: Remark = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meaning", Remark(self.kind, **self.facts))


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer in its network, and what everything there is called.

    Attributes
    ----------
    position : among the network's layers, from 0
    number : as in the names of its weights, from 1; a layer that opens none has that of the layer below it
    below : the number of the layer whose units come in; 0 for the network's inputs
    sources, units : the names of what comes in and of what goes out
    slots : of its weights
    parents : the names of the network's inputs, or of the units of layer `below`
    origins : for each source, the position of the one parent that it comes from, or −1
    last : whether what goes out are the network's outputs
    """

    layer: Layer
    position: int
    number: int
    below: int
    sources: Names
    units: Names
    slots: tuple[Slot, ...]
    parents: Names
    origins: np.ndarray
    last: bool

    def source(self, i: int) -> str:
        """What comes in, as in a formula: an input by its name, a unit as a1[2]."""
        return f"a{self.below}[{self.sources[i]}]" if self.below else self.sources[i]

    def origin(self, i: int) -> int:
        """The number, from 1, of the parent that source i comes from; 0 where there is none, or a unit of the same
        number."""
        return int(self.origins[i]) + 1 if i >= 0 and self.layer.numbered else 0

    def unit(self, j: int) -> str:
        """What goes out, as in a formula: a1[2]; of the last layer s[1]."""
        if self.last:
            return f"s[{j + 1}]"
        return f"a{self.number}[{self.units[j]}]" if self.number else self.units[j]

    def sum(self, j: int) -> str:
        """What the function is applied to, as in a formula: z1[2]; what goes out where there is no function."""
        return self.unit(j) if self.layer.function == "identity" else f"z{self.number}[{self.units[j]}]"

    def slot(self, weight: str) -> Slot:
        """The slot of weights of one kind."""
        return next(slot for slot in self.slots if slot.weight == weight)

    def slot_at(self, position: int) -> Slot:
        """The slot that holds a position of theta."""
        return next(slot for slot in self.slots if slot.start <= position < slot.stop)

    @cached_property
    def _places(self) -> np.ndarray:
        """(d_in + 1, d_out) where in theta the weight from a source, or in the last row from none, to a unit stands.

        −1 where there is none; where several kinds of weights lead from one to the other, it is the first.
        """
        places = np.full((len(self.sources) + 1, len(self.units)), -1)
        for slot in reversed(self.slots):
            inputs, outputs = self.ends[slot.weight]
            known = (outputs >= 0) & (inputs >= NONE)
            places[inputs[known], outputs[known]] = np.arange(slot.start, slot.stop).reshape(slot.shape)[known]
        return places

    @property
    def edges(self) -> np.ndarray:
        """(d_in, d_out) where in theta the weight from a source to a unit stands, −1 where there is none."""
        return self._places[:-1]

    @property
    def biases(self) -> np.ndarray:
        """(d_out,) where in theta the weight that is added to a unit stands, −1 where there is none."""
        return self._places[-1]

    def between(self, vector: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
        """(groups, d_out) of a number for each weight of theta, the sum over the edges from each group to each unit.

        Parameters
        ----------
        groups : (d_in,) the group of each source, −1 for none; None: its parent
        """
        count = len(self.parents) if groups is None else int(groups.max()) + 1
        groups = self.origins if groups is None else groups
        matrix = np.zeros((count, len(self.units)))
        known = groups >= 0
        np.add.at(matrix, groups[known], np.where(self.edges >= 0, vector[self.edges], 0.0)[known])
        return matrix

    def edge(self, position: int, source: str) -> str:
        """What the weight at a position of theta is called among all those from `source`: "w1[sqft_living, 3]"."""
        slot = self.slot_at(position)
        names = [axis[i] for axis, i in zip(slot.axes, slot.index(position))]
        if self.sources in slot.axes:
            names[slot.axes.index(self.sources)] = source
        return slot.called(names)

    @cached_property
    def ends(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of each kind of weights, the source and the unit that each is for; see `Layer.ends`."""
        return {slot.weight: self.layer.ends(slot.weight, self.sources, self.units) for slot in self.slots}

    def textbook(self, position: int) -> str:
        """What textbooks call the weight at a position of theta: from parent i to unit j w1_ij, of unit j alone b1_j.

        With more than 9 parents or units there is a comma, w1_1,12. Where no such name fits, such as for one of a
        column's bins, or where two weights would share it, it is the weight's own.
        """
        slot = self.slot_at(position)
        numbers = self._textbook[slot.weight]
        if numbers is None:
            return slot.named(slot.index(position))
        comma = "," * (max(len(self.parents), len(self.units)) > 9)
        return f"{slot.name}_{comma.join(str(n) for n in numbers[position - slot.start] if n)}"

    @cached_property
    def _textbook(self) -> dict[str, list[list[int]] | None]:
        """Of each kind of weights the parent and the unit of each, from 1, parent 0 for none; None: no name fits."""
        known = {}
        for slot in self.slots:
            inputs, units = (ends.ravel() for ends in self.ends[slot.weight])
            alone = inputs < 0 if not self.layer.elementwise else np.full(len(inputs), True)
            pairs = np.stack([np.where(alone, -1, self.origins[inputs]), units], axis=1) + 1
            bare = (~alone & (pairs[:, 0] == 0)) | (pairs[:, 1] == 0)  # of no one parent, or for no one unit
            known[slot.weight] = None if bare.any() or len(np.unique(pairs, axis=0)) < len(pairs) else pairs.tolist()
        return known


def rows_of(cache: Any, rows: Any) -> Any:
    """A cache of some of its rows: positions, or a slice."""
    return type(cache)(*(None if part is None else part[rows, ...] for part in cache))


@dataclass(frozen=True)
class Layer:
    """A step from inputs X, (n, d_in), to outputs Y, (n, d_out)."""

    name: ClassVar[str]
    random: ClassVar[bool] = False  #: whether forward wants a key
    elementwise: ClassVar[bool] = False  #: whether each output depends on its own input alone

    # --- what it is ----------------------------------------------------------------------------------------------

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    @property
    def width(self) -> int | None:
        """The number of inputs it takes; None for any."""
        return None

    @property
    def numbered(self) -> bool:
        """Whether it opens a new number; a layer that does not belongs to the one below it."""
        return bool(self.shapes())

    @property
    def function(self) -> str:
        """The activation that each unit ends with: Y = f(Z)."""
        return "identity"

    @property
    def summary(self) -> str:
        """What it is, in a word or two."""
        return self.name.replace("_", " ")

    def units(self, sources: Names) -> Names:
        """The names of the outputs, given the names of the inputs."""
        return sources

    def axes(self, weight: str, sources: Names, units: Names) -> tuple[Names, ...]:
        """The names along each axis of a weight: sources and units where they are as many, else numbers from 1."""
        shape = self.shapes()[weight]
        fitting = (*[()] * len(shape), sources, units)[-len(shape) :]
        return tuple(
            names if len(names) == size else tuple(str(i) for i in range(1, size + 1))
            for names, size in zip(fitting, shape)
        )

    def origins(self, sources: Names, units: Names) -> np.ndarray:
        """For each output, the position of the input that it carries on, or −1; (d_out,).

        By default that of its name; of another name the one input that it depends on, tried on random rows.
        """
        known = {name: i for i, name in enumerate(sources)}
        origins = np.array([known.get(unit, -1) for unit in units])
        if (origins < 0).any():
            p, cache, Y = self._tried(sources)
            J = self.jacobian(p, cache, Y)
            reached = (J != 0).any(axis=0) if J.ndim == 3 else np.eye(len(units), dtype=bool)
            origins = np.where((origins < 0) & (reached.sum(axis=0) == 1), reached.argmax(axis=0), origins)
        return origins

    def ends(self, weight: str, sources: Names, units: Names) -> tuple[np.ndarray, np.ndarray]:
        """For each single weight, in the weight's shape: the input that it is for, and the output that it acts on.

        An input is NONE, −1, of a bias, which acts alike in all rows; and SEVERAL, −2, where it is no single one. An
        output is −1 where it is no single one. By default a weight acts on the output that follows when it moves, tried
        on random weights and rows; it is for the input that its name has, in an elementwise layer for that output's.
        """
        shape, axes = self.shapes()[weight], self.axes(weight, sources, units)
        of_input = [axis == sources and axis != units for axis in axes]
        inputs = np.indices(shape)[of_input.index(True)] if True in of_input else np.full(shape, SEVERAL)
        p, cache, _ = self._tried(sources)
        outputs = np.full(shape, -1)
        for index in np.ndindex(shape):
            acted, values = self.effect(p, cache, weight, index)
            moved = np.flatnonzero(values.any(axis=0))
            if len(moved) == 1:
                outputs[index] = acted[moved[0]]
                inputs[index] = outputs[index] if self.elementwise else inputs[index]
            if (values == values[:1]).all():
                inputs[index] = NONE
        return inputs, outputs

    def _tried(self, sources: Names) -> tuple[Weights, tuple, np.ndarray]:
        """Random weights, and the cache and the outputs of 64 random rows."""
        draw = np.random.default_rng(0)
        p = tuple(W + draw.normal(size=W.shape) for W in self.start(0, 0))
        Y, cache = self.forward(p, draw.normal(size=(64, len(sources))) * np.geomspace(0.01, 100, 64)[:, None])
        return p, cache, Y

    def start(self, seed: int, position: int) -> tuple[np.ndarray, ...]:
        """Starting weights (float64), in the order of shapes()."""
        return ()

    def factors(self, weight: str) -> tuple[float, float]:
        """What the rate and the decay of these weights are multiplied by."""
        return 1.0, 1.0

    # --- what it computes ----------------------------------------------------------------------------------------

    def forward(self, p: Weights, X: Array, key: rng.Key | None = None) -> tuple[Array, tuple]:
        raise NotImplementedError

    def backward(self, p: Weights, cache: tuple, dY: Array, to_input: bool = True) -> tuple[Array | None, Weights]:
        raise NotImplementedError

    def tangent(self, p: Weights, tp: Weights, cache: tuple, tX: Array | None) -> Array | None:
        raise NotImplementedError

    def before(self, cache: tuple, Y: Array) -> Array:
        """Z, (n, d_out), what `function` is applied to; Y where it is the identity."""
        return Y

    def slope(self, cache: tuple) -> Array | None:
        """What each output is multiplied by in the end, (n, d_out): f'(Z), or a mask; None: by 1.

        With weights below f, `before` and `effect` answer for Z; without f, a layer with weights has no slope.
        """
        return None

    def sides(self, cache: tuple) -> list[Array]:
        """On which side of each kink every row is, as arrays of truths; [] where its slopes never jump."""
        return []

    def row_products(self, p: Weights, cache: tuple, dY: Array, U: Weights) -> Array:
        """(n,) each row's inner product of its own gradient with a direction U of the weights."""
        return array_namespace(dY).vecdot(dY, self.tangent(p, U, cache, None))

    # --- a chain's links (NumPy) ---------------------------------------------------------------------------------

    def jacobian(self, p: Weights, cache: tuple, Y: np.ndarray) -> np.ndarray:
        """∂ outputs / ∂ inputs of each row: (n, d_in, d_out), or (n, d) of an elementwise layer; Y: the outputs."""
        n, d_out = Y.shape
        if self.elementwise:
            return np.asarray(self.backward(p, cache, np.ones_like(Y))[0])
        repeated = rows_of(cache, np.repeat(np.arange(n), d_out))
        dX, _ = self.backward(p, repeated, np.tile(np.eye(d_out), (n, 1)))
        return np.asarray(dX).reshape(n, d_out, -1).transpose(0, 2, 1)

    def effect(self, p: Weights, cache: tuple, weight: str, index: Place) -> tuple[np.ndarray, np.ndarray]:
        """What one weight may act on: the outputs, (m,), and ∂Z/∂w of each row, (n, m); by default all outputs.

        A layer that ends with a function f answers for Z, what f is applied to: there w is multiplied by its input.
        """
        direction = [np.zeros_like(W) for W in p]
        direction[list(self.shapes()).index(weight)][index] = 1.0
        tY = np.asarray(self.tangent(p, tuple(direction), cache, None))
        return np.arange(tY.shape[1]), tY

    def links(self, stage: Stage, p: Weights, cache: tuple, j: int, i: int) -> list[Link]:
        """The factors from output j back to input i, of a cache of one row; multiplied they are that ∂Y/∂X."""
        J = self.jacobian(p, cache, np.zeros((1, len(stage.units))))[0]
        return [Link(self.name, f"∂{stage.unit(j)}/∂{stage.source(i)}", float(J[i] if J.ndim == 1 else J[i, j]))]

    def weight_links(self, stage: Stage, p: Weights, cache: tuple, j: int, weight: str, index: Place) -> list[Link]:
        """The factors from output j back to one of the layer's weights, of a cache of one row."""
        outputs, values = self.effect(p, cache, weight, index)
        value = float(values[0, outputs == j].sum())
        return [Link(self.name, f"∂{stage.unit(j)}/∂{stage.slot(weight).named(index)}", value)]
