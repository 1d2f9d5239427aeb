"""A network: its layers, its loss, the names of its inputs, and where each weight lies in the flat vector theta."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from backlit.core.arrays import Array, Weights, array_namespace, require_finite, reshape
from backlit.core.layers import LAYERS, Dense, Dropout, Layer
from backlit.core.losses import LOSSES, Loss, SquaredError
from backlit.core.registry import from_dict, resolve, to_dict
from backlit.errors import ArgumentError, ShapeError, UnknownNameError, as_python


class Slot(NamedTuple):
    """One stretch of theta: all weights of one kind in one layer.

    Attributes
    ----------
    layer : the layer's number as in the names of its weights, from 1; dense layers are counted
    name : "w1", "b1", "gamma1", ...
    start, stop, shape : theta[start:stop] in rows of `shape`
    axes : the names along each axis; w1[axes[0][i], axes[1][j]]
    rate, decay : factors on the learning rate and on the weight decay
    """

    layer: int
    name: str
    start: int
    stop: int
    shape: tuple[int, ...]
    axes: tuple[tuple[str, ...], ...]
    rate: float = 1.0
    decay: float = 1.0


@dataclass(frozen=True, init=False)
class Network:
    """A feed-forward network, without its weights and without anything of its training.

    Parameters
    ----------
    layers : the layers from the input to the scores
    loss : a name from LOSSES or a record
    inputs : the names of the inputs; x1, x2, ... if none are given

    Raises
    ------
    ShapeError
        Where a layer does not fit the one below it.
    """

    layers: tuple[Layer, ...]
    loss: Loss
    inputs: tuple[str, ...]

    def __init__(
        self, layers: Sequence[Layer], loss: str | Loss = SquaredError(), inputs: Sequence[str] | None = None
    ) -> None:
        for layer in layers:
            if not isinstance(layer, Layer):
                raise ArgumentError(f"layers holds {layer!r}; give layers such as Dense(3, 1, 'tanh')")
        if inputs is None:
            width = next((layer.width for layer in layers if layer.width), None)
            if width is None:
                raise ArgumentError("inputs is None, and no layer tells how many there are; give their names")
            inputs = [f"x{i}" for i in range(1, width + 1)]
        twice = [name for name, times in Counter(map(_squeeze, inputs)).items() if times > 1]
        if twice:
            raise ArgumentError(f"inputs names {twice[0]!r} twice; each name may stand once, and spaces do not matter")
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "loss", resolve("loss", LOSSES, loss))
        object.__setattr__(self, "inputs", tuple(inputs))
        if self.size == 0:
            raise ArgumentError("layers holds nothing with weights; add a Dense")

    def __repr__(self) -> str:
        return f"<network: {self.summary}>"

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        layers = [layer.summary for layer in self.layers]
        layers = layers if len(layers) <= 12 else [*layers[:6], "...", *layers[-5:]]
        size = f"{self.size:,} weight{'s' * (self.size != 1)}"
        return f"{' → '.join([f'{len(self.inputs)} in', *layers])}; {size}; {self.loss.name}"

    @classmethod
    def dense(
        cls,
        inputs: Sequence[str] | int,
        hidden: Sequence[int] | int = (),
        outputs: int = 1,
        activation: str = "relu",
        loss: str | Loss = SquaredError(),
        dropout: float = 0.0,
    ) -> Network:
        """A network of dense layers; `dropout` after each hidden one."""
        inputs, hidden = as_python(inputs), as_python(hidden)
        names = [f"x{i}" for i in range(1, inputs + 1)] if isinstance(inputs, int) else list(inputs)
        hidden = (hidden,) if isinstance(hidden, int) else hidden
        layers: list[Layer] = []
        width = len(names)
        for units in hidden:
            layers += [Dense(width, units, activation)] + ([Dropout(dropout)] if dropout else [])
            width = units
        return cls([*layers, Dense(width, outputs)], loss, names)

    # --- theta ---------------------------------------------------------------------------------------------------

    def layout(self) -> tuple[Slot, ...]:
        """The slots of theta, in their order."""
        return tuple(slot for slots in self.slots for slot in slots)

    @cached_property
    def size(self) -> int:
        """p, the number of weights."""
        return sum(slot.stop - slot.start for slot in self.layout())

    @cached_property
    def first_weights(self) -> int:
        """The position of the lowest layer that has weights."""
        return next(i for i, slots in enumerate(self.slots) if slots)

    @cached_property
    def outputs(self) -> int:
        """k, the number of scores."""
        return len(self._units[-1])

    def start(self, seed: int = 0, weights: Mapping[str, Any] | None = None, dtype: Any = np.float32) -> np.ndarray:
        """Starting weights, (p,), drawn as each layer says; `weights` overrides by name.

        Parameters
        ----------
        weights : ``{"w1[sqft, 2]": 0.5, "w2": [[0.1], [0.3]], "b1": 0}``: single weights or whole matrices
        """
        drawn = [w.ravel() for i, layer in enumerate(self.layers) for w in layer.start(seed, i)]
        theta = np.concatenate([*drawn, np.empty(0)])
        for name, value in (weights or {}).items():
            where, value = self.positions(name), np.asarray(value, dtype=np.float64)
            shape = self._whole(name)
            if len(where) > 1 and shape is None:
                raise ArgumentError(f"{name} stands for {len(where)} weights; give each of its bins a value of its own")
            if (shape is None and value.shape != ()) or (shape is not None and value.shape not in ((), shape)):
                raise ShapeError(f"weights[{name!r}] has shape {value.shape}; it must be {shape or 'one number'}")
            require_finite(f"weights[{name!r}]", np.atleast_1d(value))
            theta[where] = value.ravel()
        return theta.astype(dtype)

    def split(self, theta: Array) -> list[Weights]:
        """theta as each layer's weights (views where the library has them)."""
        return [tuple([reshape(theta[start:stop], shape) for start, stop, shape in cuts]) for cuts in self._cuts]

    def join(self, weights: Sequence[Weights]) -> Array:
        """Each layer's weights (or gradients) as one flat vector in theta's layout."""
        flat = [reshape(w, (-1,)) for layer in weights for w in layer]
        return array_namespace(flat[0]).concat(flat)

    # --- names ---------------------------------------------------------------------------------------------------

    def positions(self, name: str) -> np.ndarray:
        """Where in theta the weight called `name` stands.

        A single weight gives one position; "w1[sqft, 3]" with binned sqft the positions of all its bins; "w1" alone
        the whole matrix. Spaces do not matter.
        """
        plain = _squeeze(name)
        slot_name, bracket, rest = plain.partition("[")
        slots = {slot.name: slot for slot in self.layout()}
        if slot_name not in slots or (bracket and not rest.endswith("]")):
            raise UnknownNameError("weight", name, [self.weight_name(slot.start) for slot in slots.values()])
        slot = slots[slot_name]
        if not bracket:
            return np.arange(slot.start, slot.stop)
        parts = rest[:-1].rsplit(",", len(slot.axes) - 1)
        if len(parts) != len(slot.axes):
            raise UnknownNameError("weight", name, [self.weight_name(slot.start)])
        grid = [self._along(axis, part, name, slot) for axis, part in zip(slot.axes, parts)]
        return slot.start + np.ravel_multi_index(np.ix_(*grid), slot.shape).ravel()

    def weight_name(self, position: int) -> str:
        """The name of the weight at a position of theta."""
        for slot in self.layout():
            if slot.start <= position < slot.stop:
                place = np.unravel_index(position - slot.start, slot.shape)
                return f"{slot.name}[{', '.join(axis[i] for axis, i in zip(slot.axes, place))}]"
        raise ArgumentError(f"position is {position!r}; theta has positions 0 to {self.size - 1}")

    def weight_names(self) -> list[str]:
        """The name of every weight, in theta's order."""
        return [f"{slot.name}[{', '.join(place)}]" for slot in self.layout() for place in itertools.product(*slot.axes)]

    # --- JSON ----------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The network as JSON."""
        return {
            "layers": [to_dict(layer) for layer in self.layers],
            "loss": to_dict(self.loss),
            "inputs": list(self.inputs),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Network:
        """The network that `to_dict` wrote."""
        layers = [from_dict("layer", LAYERS, layer) for layer in saved["layers"]]
        return cls(layers, from_dict("loss", LOSSES, saved["loss"]), saved["inputs"])

    # --- inside --------------------------------------------------------------------------------------------------

    @cached_property
    def _units(self) -> list[tuple[str, ...]]:
        """The names of the inputs, then of each layer's outputs."""
        units = [self.inputs]
        for i, layer in enumerate(self.layers):
            if layer.width not in (None, len(units[-1])):
                raise ShapeError(
                    f"layers[{i}], {layer}, takes {layer.width} inputs, but {len(units[-1])} come in; "
                    "make the two equal"
                )
            units.append(layer.units(units[-1]))
        return units

    @cached_property
    def slots(self) -> list[tuple[Slot, ...]]:
        """Each layer's slots, () for a layer without weights."""
        slots, stop, number = [], 0, 0
        for layer, sources, units in zip(self.layers, self._units, self._units[1:]):
            mine = []
            number += "w" in layer.shapes()
            for weight, shape in layer.shapes().items():
                start, stop = stop, stop + int(np.prod(shape))
                axes = (sources, units)[-len(shape) :]
                mine.append(Slot(number, f"{weight}{number}", start, stop, shape, axes, *layer.factors(weight)))
            slots.append(tuple(mine))
        names = [slot.name for layer in slots for slot in layer]
        if len(set(names)) != len(names):
            raise ArgumentError(f"layers repeats {self.layers}; put a Dense between two layers of norms")
        return slots

    @cached_property
    def _cuts(self) -> list[list[tuple[int, int, tuple[int, ...]]]]:
        """Where `split` cuts theta: start, stop and shape of each layer's slots."""
        return [[(slot.start, slot.stop, slot.shape) for slot in slots] for slots in self.slots]

    def _whole(self, name: str) -> tuple[int, ...] | None:
        """The slot's shape if `name` means a whole slot."""
        return next((slot.shape for slot in self.layout() if slot.name == _squeeze(name)), None)

    def _along(self, axis: tuple[str, ...], part: str, name: str, slot: Slot) -> list[int]:
        plain = [_squeeze(unit) for unit in axis]
        found = [i for i, unit in enumerate(plain) if unit == part]
        found = found or [i for i, unit in enumerate(plain) if unit.rpartition("#")[0] == part]
        if not found:
            raise UnknownNameError(f"part of {name!r},", part, axis)
        return found


def _squeeze(name: str) -> str:
    return "".join(str(name).split())
