"""∂E/∂w of one weight as the chain rule has it: a product along each path from the output back to the weight, summed
over all paths and rows.

Wide networks have too many paths to write out; then the strongest are listed, exactly those with the greatest products,
and the rest is one number, so that everything still adds up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from backlit.core.layer import Layer, Link, Stage, rows_of
from backlit.errors import ArgumentError, ChainError
from backlit.explain.check import agreeing_digits, finite_difference
from backlit.explain.paths import Chain, Check, Path
from backlit.explain.trace import Trace, WeightTrace, agree

ALL_PATHS = 64  #: a chain with no more paths than this is written out whole
AT_ONCE = 2**16  #: entries of Jacobians that are worked on at a time, so that they stay in the processor's cache


def chain(w: WeightTrace, most: int = 8) -> Chain:
    """The paths of a weight (or of all bins of a group), its check and its update.

    Raises
    ------
    ChainError
        The paths do not add up to ∂E/∂w: what a layer answers is not what its backward does.
    """
    t = w.trace
    listed, rest, rest_paths = paths(w, most)
    return Chain(
        weight=w.name,
        value=w.value,
        gradient=w.gradient,
        blame=w.blame,
        paths=listed,
        rest=rest,
        rest_paths=rest_paths,
        rows=len(t.data),
        check=_check(w, w.effects.stage.position),
        update=None if t.optimizer is None or len(w.positions) > 1 else t.update.of(int(w.positions[0]), t.happened),
    )


def paths(w: WeightTrace, most: int = 8) -> tuple[tuple[Path, ...], float, int]:
    """The paths of a weight that are listed, the strongest first; then the sum and the number of the others.

    Raises
    ------
    ChainError
        They do not add up to ∂E/∂w: what a layer answers is not what its backward does.
    """
    t, (stage, which, units, values) = w.trace, w.effects
    if t.astray:
        raise ArgumentError("chain.astray", weight=w.name)
    above = range(stage.position + 1, len(t.net.layers))
    ways = math.prod(t.outputs[i].shape[1] for i in above if not t.net.layers[i].elementwise)
    count = ways * len(units) * len(t.data)
    wanted = count if count <= ALL_PATHS else most

    flow = _flow(t, stage.position)
    strongest = (flow.greatest[:, units] * np.abs(values)).max(axis=1, initial=0.0)
    rows = np.sort(np.argsort(-strongest, kind="stable")[:wanted])  # the strongest paths are in no other rows
    traced = [_strongest(t, stage.position, row, wanted) for row in rows.tolist()]
    products = np.stack([tree.products[:, units] * values[row] for row, tree in zip(rows, traced)])  # (rows, ranks, m)
    listed = np.argsort(-np.abs(products), axis=None, kind="stable")[:wanted]
    written = []
    for at, rank, pair in zip(*(index.tolist() for index in np.unravel_index(listed, products.shape))):
        row, unit, position = int(rows[at]), int(units[pair]), int(w.positions[which[pair]])
        factors = tuple(_factors(t, stage, row, traced[at].trail(unit, rank), position))
        written.append(Path(int(t.rows[row]), factors, math.prod(factor.value for factor in factors)))

    np.put(products, listed, 0.0)
    dropped = sum(float(tree.dropped[units] @ values[row]) for row, tree in zip(rows, traced))
    others = np.delete(flow.total[:, units] * values, rows, axis=0)
    rest = float(products.sum() + dropped + others.sum())
    total, size = sum(path.product for path in written) + rest, float((flow.size[:, units] * np.abs(values)).sum())
    if not agree(total, w.gradient, size):
        answers, layer = _suspect(w)
        raise ChainError("chain.paths", weight=w.name, total=total, gradient=w.gradient, answers=answers, layer=layer)
    return tuple(written), rest, count - len(written)


class Flow(NamedTuple):
    """What reaches the outputs of a layer from E, in each row: (n, d_out) of products along all paths to each.

    total : their sum, ∂E/∂Y
    size : the sum of their absolute values
    greatest : the greatest absolute value
    """

    total: np.ndarray
    size: np.ndarray
    greatest: np.ndarray


def _flow(t: Trace, last: int) -> Flow:
    """From E down to the outputs of layer `last`, layer by layer, by their Jacobians; some rows at a time."""
    n = len(t.data)
    flow = Flow(t.dS, np.abs(t.dS), np.abs(t.dS))
    for i in range(len(t.net.layers) - 1, last, -1):
        below = Flow(*(np.empty_like(t.outputs[i - 1]) for _ in range(3)))
        some = max(1, AT_ONCE // (t.outputs[i].shape[1] * t.outputs[i - 1].shape[1]))
        for rows in (slice(start, start + some) for start in range(0, n, some)):
            J, (total, size, greatest) = _jacobian(t, i, rows), (part[rows] for part in flow)
            if J.ndim == 2:
                below.total[rows], J = total * J, np.abs(J)
                below.size[rows], below.greatest[rows] = size * J, greatest * J
                continue
            below.total[rows] = (J @ total[:, :, None])[:, :, 0]
            J = np.abs(J)
            below.size[rows] = (J @ size[:, :, None])[:, :, 0]
            below.greatest[rows] = (J * greatest[:, None, :]).max(axis=2)
        flow = below
    return flow


def _jacobian(t: Trace, i: int, rows: slice | list[int]) -> np.ndarray:
    return t.net.layers[i].jacobian(t.p[i], rows_of(t.caches[i], rows), t.outputs[i][rows])


class Tree(NamedTuple):
    """One row's strongest paths from E down to the outputs of a layer.

    Attributes
    ----------
    products : (ranks, d_out) the greatest in absolute value, for each output
    dropped : (d_out,) the sum of all others
    kept : for each layer from the top, which of the paths above go on to each of its inputs, as ranks · width + unit,
        and that width; None for an elementwise layer
    """

    products: np.ndarray
    dropped: np.ndarray
    kept: list[tuple[np.ndarray, int] | None]

    def trail(self, unit: int, rank: int) -> list[int]:
        """The units that a path passes, from the scores down to an output of the layer."""
        trail = [unit]
        for step in reversed(self.kept):
            if step is not None:
                rank, unit = divmod(int(step[0][unit, rank]), step[1])
            trail.append(unit)
        return trail[::-1]


def _strongest(t: Trace, last: int, row: int, most: int) -> Tree:
    """Exactly the paths with the greatest products, by keeping the best at every unit, and the sum of the others."""
    products, dropped, kept = t.dS[row][None, :], np.zeros(t.dS.shape[1]), []
    for i in range(len(t.net.layers) - 1, last, -1):
        J = _jacobian(t, i, [row])[0]
        if J.ndim == 1:
            products, dropped = products * J, dropped * J
            kept.append(None)
            continue
        longer = (J[:, None, :] * products).reshape(len(J), -1)
        keep = np.argsort(-np.abs(longer), axis=1, kind="stable")[:, :most]
        kept.append((keep, products.shape[1]))
        products = np.take_along_axis(longer, keep, axis=1).T
        np.put_along_axis(longer, keep, 0.0, axis=1)
        dropped = J @ dropped + longer.sum(axis=1)
    return Tree(products, dropped, kept)


def _factors(t: Trace, stage: Stage, row: int, trail: list[int], position: int) -> Iterator[Link]:
    """The links of one path, from E down to the weight."""
    out, j = t.net.stages[-1], trail[0]
    score = Link("link.score", f"∂E/∂{out.unit(j)}", float(t.dS[row, j]), {"unit": out.units[j]})
    yield from _placed([score], out, j, -1)
    for upper, (j, i) in zip(reversed(t.net.stages), pairwise(trail)):
        cache = rows_of(t.caches[upper.position], [row])
        for link in _placed(upper.layer.links(upper, t.p[upper.position], cache, j, i), upper, j, i):
            ends = upper is out and link.kind == "link.weight"
            yield replace(link, facts={**link.facts, "to": None, "goal": t.goals[j]}) if ends else link
    at, slot, j = stage.position, stage.slot_at(position), trail[-1]
    index, cache = slot.index(position), rows_of(t.caches[at], [row])
    links = stage.layer.weight_links(stage, t.p[at], cache, j, slot.weight, index)
    yield from _placed(links, stage, j, int(stage.ends[slot.weight][0][index]))


def _placed(links: list[Link], stage: Stage, j: int, i: int) -> Iterator[Link]:
    """Links between output j and input i of a layer, none below 0, with their place in the network."""
    return (replace(link, layer=stage.number, unit=j + 1, source=stage.origin(i)) for link in links)


def _suspect(w: WeightTrace) -> tuple[str, Layer]:
    """Which answers of which layer contradict its own backward."""
    t, (stage, _, units, values) = w.trace, w.effects
    for i in range(len(t.net.layers) - 1, stage.position, -1):
        for row in range(len(t.data)):
            J, dY = _jacobian(t, i, [row])[0], t.back.dY[i][row]
            passed, size = (J * dY, np.abs(J * dY)) if J.ndim == 1 else (J @ dY, np.abs(J) @ np.abs(dY))
            if not all(map(agree, passed.tolist(), t.back.dY[i - 1][row].tolist(), size.tolist())):
                return "jacobian()", t.net.layers[i]
    parts = t.back.dY[stage.position][:, units] * values
    if not agree(float(parts.sum()), w.gradient, float(np.abs(parts).sum())):
        return "effect() or tangent()", stage.layer
    for upper in reversed(t.net.stages[stage.position + 1 :]):
        J, cache = _jacobian(t, upper.position, [0])[0], rows_of(t.caches[upper.position], [0])
        for i, j in np.ndindex(J.shape) if J.ndim == 2 else ((i, i) for i in range(len(J))):
            links = upper.layer.links(upper, t.p[upper.position], cache, j, i)
            value = float(J[i, j] if J.ndim == 2 else J[i])
            if not agree(math.prod(link.value for link in links), value, abs(value)):
                return "links()", upper.layer
    return "weight_links()", stage.layer


def _check(w: WeightTrace, lowest: int) -> Check:
    t = w.trace

    def moved(by: float) -> Trace:
        theta = t.theta.copy()
        theta[w.positions] += by
        return t.at(theta)

    size = max(1.0, float(np.abs(t.theta[w.positions]).max()))
    noise = 1e-12 * max(1.0, abs(t.E))  # what rounding does to a difference of E's with the widest h
    reaches = [
        h
        for h in (1e-3 * size, 1e-4 * size, 1e-5 * size)
        if _sides(moved(-2 * h), lowest) == _sides(moved(2 * h), lowest)
    ]
    if not reaches:
        h = 1e-5 * size
        left, right = (t.E - moved(-h).E) / h, (moved(h).E - t.E) / h
        value = (left + right) / 2
        return Check(value, agreeing_digits(w.gradient, value, noise), kink=True, left=left, right=right)
    values = [finite_difference(lambda by: moved(by).E, 0.0, h) for h in reaches]
    gaps = np.abs(np.diff(values)).tolist()  # where two reaches agree best, neither bends nor rounds much
    value = values[0] if not gaps or gaps[0] == min(gaps) else values[gaps.index(min(gaps)) + 1]
    return Check(value, agreeing_digits(w.gradient, value, noise))


def _sides(t: Trace, lowest: int) -> list[bytes]:
    """On which side of every kink each row is, from layer `lowest` up to the loss."""
    sides = [t.S - t.data.Y > kink for kink in t.net.loss.kinks]
    for layer, cache in zip(t.net.layers[lowest:], t.caches[lowest:]):
        sides += layer.sides(cache)
    return [side.tobytes() for side in sides]
