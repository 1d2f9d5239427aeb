"""A network: its layers, its loss, the names of its inputs, and where each weight lies in the flat vector theta."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from backlit.core.arrays import Array, Weights, array_namespace, require_finite, reshape
from backlit.core.layer import Layer, Names, Slot, Stage
from backlit.core.layers import LAYERS, Dense, Dropout
from backlit.core.losses import LOSSES, Loss, SquaredError
from backlit.core.registry import from_dict, resolve, to_dict
from backlit.errors import ArgumentError, ShapeError, UnknownNameError, as_python

Naming = Literal["own", "textbook"]  #: how weights are called: w1[sqft_living, 2], or w1_12; see `Network.textbook`


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
                raise ArgumentError("network.no_layer", layer=layer)
        if inputs is None:
            width = next((layer.width for layer in layers if layer.width), None)
            if width is None:
                raise ArgumentError("network.no_inputs")
            inputs = [f"x{i}" for i in range(1, width + 1)]
        if twice := _twice(inputs):
            raise ArgumentError("network.input_twice", name=twice)
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "loss", resolve("loss", LOSSES, loss))
        object.__setattr__(self, "inputs", tuple(inputs))
        if self.size == 0:
            raise ArgumentError("network.no_weights")

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

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Each layer in its place: its number, the names of what goes in and out, and its slots."""
        stages: list[Stage] = []
        sources = parents = self.inputs
        origins, stop, number, below = np.arange(len(sources)), 0, 0, 0
        for position, layer in enumerate(self.layers):
            if layer.width not in (None, len(sources)):
                raise ShapeError(
                    "network.width", position=position, layer=layer, width=layer.width, sources=len(sources)
                )
            units, slots = layer.units(sources), []
            number += layer.numbered
            for weight, shape in layer.shapes().items():
                start, stop = stop, stop + math.prod(shape)
                axes = layer.axes(weight, sources, units)
                if tuple(map(len, axes)) != shape:
                    raise ShapeError(
                        "network.axes",
                        position=position,
                        layer=layer,
                        named=" by ".join(str(len(axis)) for axis in axes),
                        weight=weight,
                        shape=shape,
                    )
                slots.append(Slot(weight, number, start, stop, shape, axes, *layer.factors(weight)))
            for names in (units, *(axis for slot in slots for axis in slot.axes)):
                if twice := _twice(names):
                    raise ArgumentError("network.unit_twice", position=position, layer=layer, name=twice)
            last = position == len(self.layers) - 1
            stages.append(Stage(layer, position, number, below, sources, units, tuple(slots), parents, origins, last))
            if layer.numbered:
                parents, origins, below = units, np.arange(len(units)), number
            else:
                own = layer.origins(sources, units)
                origins = np.where(own < 0, -1, origins[own])
            sources = units
        names = [slot.name for stage in stages for slot in stage.slots]
        if len(set(names)) != len(names):
            raise ArgumentError("network.two_norms", layers=self.layers)
        return tuple(stages)

    @cached_property
    def numbered(self) -> tuple[Stage, ...]:
        """The layers that open a number, from number 1."""
        return tuple(stage for stage in self.stages if stage.layer.numbered)

    @cached_property
    def slots(self) -> list[tuple[Slot, ...]]:
        """Each layer's slots, () for a layer without weights."""
        return [stage.slots for stage in self.stages]

    def stage_of(self, position: int) -> tuple[Stage, Slot]:
        """The layer and the slot that hold a position of theta."""
        for stage in self.stages:
            if stage.slots and stage.slots[0].start <= position < stage.slots[-1].stop:
                return stage, stage.slot_at(position)
        raise ArgumentError("network.position", position=position, last=self.size - 1)

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
        return next(stage.position for stage in self.stages if stage.slots)

    @cached_property
    def outputs(self) -> int:
        """k, the number of scores."""
        return len(self.stages[-1].units)

    @property
    def dropout(self) -> float:
        """The greatest share of units that a layer silences; 0 without dropout."""
        return max((layer.rate for layer in self.layers if isinstance(layer, Dropout)), default=0.0)

    @property
    def binned(self) -> bool:
        """Whether inputs reach the first weights as bins."""
        return self.numbered[0].sources != self.inputs

    def with_dropout(self, rate: float) -> Network:
        """This network with dropout behind each hidden layer that has a number, or with none; theta's layout stays."""
        layers: list[Layer] = []
        bare = [layer for layer in self.layers if not isinstance(layer, Dropout)]
        for i, layer in enumerate(bare):
            layers += [layer, Dropout(rate)] if rate and layer.numbered and i < len(bare) - 1 else [layer]
        return Network(layers, self.loss, self.inputs)

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
            shape = None if "[" in name else self.stage_of(int(where[0]))[1].shape
            if len(where) > 1 and shape is None:
                raise ArgumentError("network.weight_of_bins", name=name, weights=len(where))
            if (shape is None and value.shape != ()) or (shape is not None and value.shape not in ((), shape)):
                raise ShapeError("network.weight_shape", name=name, shape=value.shape, expected=shape or "one number")
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
        slots = {slot.name: (stage, slot) for stage in self.stages for slot in stage.slots}
        if slot_name not in slots or (bracket and not rest.endswith("]")):
            raise UnknownNameError("weight", name, [self.weight_name(slot.start) for _, slot in slots.values()])
        stage, slot = slots[slot_name]
        if not bracket:
            return np.arange(slot.start, slot.stop)
        parts = rest[:-1].rsplit(",", len(slot.axes) - 1)
        if len(parts) != len(slot.axes):
            raise UnknownNameError("weight", name, [self.weight_name(slot.start)])
        grid = [self._along(stage, axis, part, name) for axis, part in zip(slot.axes, parts)]
        return slot.start + np.ravel_multi_index(np.ix_(*grid), slot.shape).ravel()

    def weight_name(self, position: int) -> str:
        """The name of the weight at a position of theta."""
        _, slot = self.stage_of(position)
        return slot.named(slot.index(position))

    def weight_names(self) -> list[str]:
        """The name of every weight, in theta's order."""
        return [slot.called(place) for slot in self.layout() for place in itertools.product(*slot.axes)]

    def textbook(self, name: str) -> str:
        """What textbooks call a weight, an input or what a unit hands on, by its own name.

        w1[sqft, 2] is w1_12, b1[2] is b1_2, a1[2] is a1_2, s[1] is s_1, the first input x_1; see `Stage.textbook`. What
        has no such name keeps its own.
        """
        if name in self._letters:
            return self._letters[name]
        try:
            positions = self.positions(name)
        except UnknownNameError:
            return name
        return self.stage_of(int(positions[0]))[0].textbook(int(positions[0])) if len(positions) == 1 else name

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
    def _cuts(self) -> list[list[tuple[int, int, tuple[int, ...]]]]:
        """Where `split` cuts theta: start, stop and shape of each layer's slots."""
        return [[(slot.start, slot.stop, slot.shape) for slot in slots] for slots in self.slots]

    @cached_property
    def _letters(self) -> dict[str, str]:
        """What textbooks call each input, and each unit's sum and output."""
        letters = {name: f"x_{i}" for i, name in enumerate(self.inputs, 1)}
        for stage in (*self.numbered, self.stages[-1]):
            for j in range(len(stage.units)):
                for own in (stage.sum(j), stage.unit(j)):
                    letters[own] = f"{own.partition('[')[0]}_{j + 1}"
        return letters

    def _along(self, stage: Stage, axis: Names, part: str, name: str) -> list[int]:
        """Where along an axis a name stands; that of a parent stands for all that comes from it, such as its bins."""
        places = [i for i, unit in enumerate(axis) if _squeeze(unit) == part]
        if not places and axis == stage.sources:
            places = [i for i, at in enumerate(stage.origins) if at >= 0 and _squeeze(stage.parents[at]) == part]
        if not places:
            raise UnknownNameError("part", part, axis, of=name)
        return places


def _twice(names: Sequence[str]) -> str:
    """A name that stands there twice, spaces ignored; "" where each stands once."""
    return next((name for name, times in Counter(map(_squeeze, names)).items() if times > 1), "")


def _squeeze(name: str) -> str:
    return "".join(str(name).split())
