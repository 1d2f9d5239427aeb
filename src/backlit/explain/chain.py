"""∂E/∂w of one weight as the chain rule has it: a product along each path from the output back to the weight, summed
over all paths and rows.

Wide networks have too many paths to write out; then the strongest are listed, exactly those with the greatest products,
and the rest is one number, so that everything still adds up.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit.core.activations import ACTIVATIONS
from backlit.core.layers import Dense, Dropout, LayerNorm
from backlit.explain import chain_text
from backlit.explain.check import agreeing_digits, finite_difference
from backlit.explain.trace import Trace, WeightTrace
from backlit.explain.update import WeightUpdate

ALL_PATHS = 64  #: a chain with no more paths than this is written out whole


@dataclass(frozen=True)
class Factor:
    """One link: its symbol, what it means, its value, and the unit if it has one."""

    symbol: str
    meaning: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class Path:
    """One way from E back to the weight, for one row."""

    row: int
    factors: tuple[Factor, ...]

    @property
    def product(self) -> float:
        """All factors multiplied."""
        return float(np.prod([factor.value for factor in self.factors]))


@dataclass(frozen=True)
class Check:
    """∂E/∂w by finite differences, and to how many digits it agrees.

    kink : the slope jumps within the differences' reach, which therefore tell nothing; left and right are one-sided
    """

    value: float
    digits: int
    kink: bool = False
    left: float = 0.0
    right: float = 0.0


@dataclass(frozen=True)
class Chain:
    """The chain rule of one weight, with its numbers.

    Attributes
    ----------
    paths : those listed, the strongest first
    rest, rest_paths : the sum and the number of those not listed; paths + rest = gradient
    rows : how many rows are summed over
    """

    weight: str
    value: float
    gradient: float
    blame: float
    paths: tuple[Path, ...]
    rest: float
    rest_paths: int
    rows: int
    check: Check
    update: WeightUpdate | None

    def to_dict(self) -> dict[str, Any]:
        """The chain as JSON."""
        paths = [{"row": p.row, "factors": [asdict(f) for f in p.factors], "product": p.product} for p in self.paths]
        return {**asdict(self), "paths": paths}

    def text(self) -> str:
        """For a terminal."""
        return chain_text.text(self)

    def latex(self) -> str:
        """An align* environment; needs amsmath."""
        return chain_text.latex(self)

    def _repr_html_(self) -> str:
        return chain_text.html(self)

    def __str__(self) -> str:
        return self.text()


class Local(NamedTuple):
    """Where a weight acts: its gradient is Σ over rows of dY · input.

    layer : position in the network
    unit : whose output it acts on (before the activation)
    dY : (n,) ∂E/∂ that
    input : (n,) what the weight is multiplied by
    slope, source : for a dense layer, (n,) the slope of its activation, and the name of the input ("" for a bias)
    """

    layer: int
    unit: int
    dY: np.ndarray
    input: np.ndarray
    slope: np.ndarray | None
    source: str


def local(t: Trace, position: int) -> Local:
    """Where the weight at a position of theta acts."""
    layers = enumerate(t.net.slots)
    i, slot = next((i, slot) for i, slots in layers for slot in slots if slot.start <= position < slot.stop)
    *source, unit = np.unravel_index(position - slot.start, slot.shape)
    n, unit = len(t.data), int(unit)
    if isinstance(t.net.layers[i], LayerNorm):
        dY = t.back.dY[i][:, unit]
        gamma = slot.name.startswith("gamma")
        return Local(
            i, unit, dY, t.caches[i].N[:, unit] if gamma else np.ones(n), None, f"n{slot.layer}[{unit + 1}]" * gamma
        )
    layer = t.layer(slot.layer)
    if not source:
        return Local(i, unit, layer.dZ[:, unit], np.ones(n), layer.slope[:, unit], "")
    origin = int(source[0])
    name = slot.axes[0][origin] if slot.layer == 1 else f"a{slot.layer - 1}[{slot.axes[0][origin]}]"
    return Local(i, unit, layer.dZ[:, unit], layer.X[:, origin], layer.slope[:, unit], name)


def chain(w: WeightTrace, most: int = 8) -> Chain:
    """The paths of a weight (or of all bins of a group), its check and its update."""
    t = w.trace
    places = [local(t, int(position)) for position in w.positions]
    count = sum(path_count(t, place.layer) for place in places) * len(t.data)
    wanted = count if count <= ALL_PATHS else most
    size = np.abs([place.dY * place.input for place in places])  # (positions, n)
    likely = np.argsort(-size, axis=None, kind="stable")[: max(wanted, 2 * most)]
    paths = [
        path
        for which, row in zip(*(index.tolist() for index in np.unravel_index(likely, size.shape)))
        for path in _strongest(t, places[which], row, wanted)
    ]
    paths = sorted(paths, key=lambda path: -abs(path.product))[:wanted]
    left = count - len(paths)
    rest = w.gradient - sum(path.product for path in paths) if left else 0.0
    return Chain(
        weight=w.name,
        value=w.value,
        gradient=w.gradient,
        blame=w.blame,
        paths=tuple(paths),
        rest=rest,
        rest_paths=left,
        rows=len(t.data),
        check=_check(w),
        update=None if t.optimizer is None or len(w.positions) > 1 else t.update.of(int(w.positions[0]), t.happened),
    )


def path_count(t: Trace, layer: int) -> int:
    """How many paths lead from E down to one unit of a layer, for one row."""
    above = range(layer + 1, len(t.net.layers))
    return math.prod(t.back.dY[i].shape[1] for i in above if isinstance(t.net.layers[i], Dense | LayerNorm))


def _strongest(t: Trace, place: Local, row: int, most: int) -> list[Path]:
    """One row's paths to one unit with the greatest products: exactly those, by keeping the best at every unit."""
    products = t.dS[row][None, :]  # (ranks, units) from E down to each unit
    trails = [[(k,)] for k in range(products.shape[1])]  # trails[unit][rank]: the units passed on the way
    for i in range(len(t.net.layers) - 1, place.layer, -1):
        J = _jacobian(t, i, row)
        if J.ndim == 1:
            products = products * J
            continue
        above = products.shape[1]
        longer = (J[:, None, :] * products).reshape(len(J), -1)
        keep = np.argsort(-np.abs(longer), axis=1, kind="stable")[:, :most]
        trails = [
            [(*trails[q % above][q // above], u) for q in ranks] if i > place.layer + 1 or u == place.unit else []
            for u, ranks in enumerate(keep.tolist())
        ]
        products = np.take_along_axis(longer, keep, axis=1).T
    return [Path(int(t.rows[row]), tuple(_factors(t, place, row, trail))) for trail in trails[place.unit]]


def _jacobian(t: Trace, i: int, row: int) -> np.ndarray:
    """∂ outputs / ∂ inputs of layer i for one row: (inputs, outputs), or (units,) where each unit keeps to itself."""
    layer, cache = t.net.layers[i], t.caches[i]
    if isinstance(layer, Dense):
        return t.p[i][0] * t.layer(_number(t, i)).slope[row]
    if isinstance(layer, LayerNorm):
        gamma, _ = t.p[i]
        N, d = cache.N[row], layer.d
        return (np.eye(d) - 1 / d - np.outer(N, N) / d) / cache.deviation[row] * gamma
    if isinstance(layer, Dropout):
        return np.ones(t.back.dY[i].shape[1]) if cache.M is None else cache.M[row]
    raise TypeError(f"layer {layer} stands above weights, but a chain cannot pass it")


def _factors(t: Trace, place: Local, row: int, trail: tuple[int, ...]) -> list[Factor]:
    """The links of one path, from E down to the weight."""
    v, *below = trail
    found = [Factor(f"∂E/∂s[{v + 1}]", "how much E changes when the output changes", float(t.dS[row, v]))]
    for i in range(len(t.net.layers) - 1, place.layer, -1):
        layer = t.net.layers[i]
        if isinstance(layer, Dropout):
            if t.caches[i].M is not None:
                found.append(Factor(f"mask[{v + 1}]", "kept by dropout, and scaled", float(t.caches[i].M[row, v])))
            continue
        u = below.pop(0)
        if isinstance(layer, Dense):
            n = _number(t, i)
            found += _slope(layer, n, v, t.layer(n).slope[row, v], t.caches[i].Z[row, v])
            meaning = f"leads from unit {u + 1} of layer {n - 1} to unit {v + 1}"
            found.append(Factor(f"w{n}[{u + 1}, {v + 1}]", meaning, float(t.p[i][0][u, v])))
        else:
            value = float(_jacobian(t, i, row)[u, v])
            found.append(Factor(f"∂n[{v + 1}]/∂a[{u + 1}]", "how the norm of the layer passes it on", value))
        v = u
    layer = t.net.layers[place.layer]
    if isinstance(layer, Dense) and place.slope is not None:
        n = _number(t, place.layer)
        found += _slope(layer, n, place.unit, place.slope[row], t.caches[place.layer].Z[row, place.unit])
    if place.source:
        found.append(Factor(place.source, "the input that the weight multiplies", float(place.input[row])))
    return found


def _slope(layer: Dense, n: int, unit: int, slope: float, z: float) -> list[Factor]:
    if layer.activation == "identity":
        return []
    meaning = f"the slope of {layer.activation} at z = {chain_text.number(float(z))}"
    return [Factor(f"∂a{n}[{unit + 1}]/∂z", meaning, float(slope))]


def _number(t: Trace, i: int) -> int:
    """A dense layer's number, as in the names of its weights."""
    return sum(isinstance(layer, Dense) for layer in t.net.layers[: i + 1])


def _check(w: WeightTrace) -> Check:
    t = w.trace

    def moved(by: float) -> Trace:
        theta = t.theta.copy()
        theta[w.positions] += by
        return t.at(theta)

    size = max(1.0, float(np.abs(t.theta[w.positions]).max()))
    noise = 1e-12 * max(1.0, abs(t.E))  # what rounding does to a difference of E's with the widest h
    reaches = [h for h in (1e-3 * size, 1e-4 * size, 1e-5 * size) if _sides(moved(-2 * h)) == _sides(moved(2 * h))]
    if not reaches:
        h = 1e-5 * size
        left, right = (t.E - moved(-h).E) / h, (moved(h).E - t.E) / h
        value = (left + right) / 2
        return Check(value, agreeing_digits(w.gradient, value, noise), kink=True, left=left, right=right)
    values = [finite_difference(lambda by: moved(by).E, 0.0, h) for h in reaches]
    gaps = np.abs(np.diff(values)).tolist()  # where two reaches agree best, neither bends nor rounds much
    value = values[0] if not gaps or gaps[0] == min(gaps) else values[gaps.index(min(gaps)) + 1]
    return Check(value, agreeing_digits(w.gradient, value, noise))


def _sides(t: Trace) -> list[bytes]:
    """On which side of every kink each dot product and each score is."""
    sides = [(t.S - t.data.Y > kink).tobytes() for kink in t.net.loss.kinks]
    for layer, cache in zip(t.net.layers, t.caches):
        if isinstance(layer, Dense):
            sides += [(cache.Z > kink).tobytes() for kink in ACTIVATIONS[layer.activation].kinks]
    return sides
