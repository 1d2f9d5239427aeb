"""What is drawn of a network: which units, and which edges between them; chosen at one moment, kept for others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.layers import Dense
from backlit.core.losses import Quantile
from backlit.core.network import Network
from backlit.errors import DataError, UnknownNameError
from backlit.explain.trace import Trace
from backlit.studio.messages import DrawnColumn, DrawnUnit, Edge, Layout, LayoutQuery
from backlit.tables.table import Table
from backlit.words import plain

if TYPE_CHECKING:
    from backlit.studio.desk import Desk


BESIDE = 4  #: inputs that are drawn beside the bins of a column


class GoneError(DataError):
    """Something that was there is not there any more; it can be asked for again."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A layout, and where in the network's arrays its units and edges are.

    Attributes
    ----------
    inputs, first : of each drawn input its place among the network's inputs, and (of its first bin) in front of w1
    gathered : whether it stands for all its bins
    units : of each dense layer, the drawn units' places
    positions, starts : the places in theta of all edges' weights in a row, and where each edge's begin
    """

    layout: Layout
    inputs: np.ndarray
    first: np.ndarray
    gathered: np.ndarray
    units: tuple[np.ndarray, ...]
    positions: np.ndarray
    starts: np.ndarray

    @property
    def layers(self) -> int:
        """How many dense layers there are."""
        return len(self.units)

    def of_edges(self, vector: np.ndarray) -> np.ndarray:
        """A number for each edge, from one for each weight; of gathered bins their sum."""
        return np.add.reduceat(vector[self.positions], self.starts)


@dataclass(frozen=True)
class Group:
    """An input that is drawn as one: bins first to before stop in front of w1. bins: 0 where it has none."""

    name: str
    input: int
    first: int
    stop: int
    bins: int


def drawing(desk: Desk, layout: str) -> Drawing:
    """The drawing that was laid out under an id."""

    def gone() -> Drawing:
        raise GoneError("this drawing is not known any more; ask for the layout again")

    return desk.cached((desk.key, "drawing", layout), gone)


def laid_out(desk: Desk, t: Trace, query: LayoutQuery) -> Drawing:
    """What is drawn, chosen by a trace; it is known by its id from now on."""
    known = sorted(column.name for column in desk.run.table.columns)
    if query.opened and query.opened not in known:
        raise UnknownNameError("column", query.opened, known)
    drawn = _drawn(desk, t, query)
    return desk.cached((desk.key, "drawing", drawn.layout.id), lambda: drawn)


def sources_of(net: Network, layer: int) -> list[str]:
    """The names of what a dense layer's weights multiply: inputs or their bins, a1[1], a1[2], ..."""
    axis = next(slot.axes[0] for slot in net.layout() if slot.name == f"w{layer}")
    return list(axis) if layer == 1 else [f"a{layer - 1}[{unit}]" for unit in axis]


def telling(table: Table, name: str) -> str:
    """An input, or a bin, for people."""
    return plain(table.label(name))


def _drawn(desk: Desk, t: Trace, query: LayoutQuery) -> Drawing:
    net, table = t.net, desk.run.table
    slots = [slot for slot in net.layout() if slot.name.startswith("w")]
    strengths = np.abs(t.gradient if query.by == "blame" else t.theta)
    matrices = [strengths[slot.start : slot.stop].reshape(slot.shape) for slot in slots]
    groups = _groups(net, table, query.opened)
    firsts = np.array([group.first for group in groups])
    matrices[0] = np.add.reduceat(matrices[0], firsts, axis=0)
    single = np.array([group.bins > 0 and table.inputs[group.input].column == query.opened for group in groups])
    if single.any():  # beside single bins, gathered ones count as one of theirs does
        matrices[0] /= np.array([[max(1, group.bins)] for group in groups])

    sizes = [len(groups), *(matrix.shape[1] for matrix in matrices)]
    shares = [np.zeros(size) for size in sizes]
    for i, matrix in enumerate(matrices):
        shares[i] += matrix.sum(axis=1)
        shares[i + 1] += matrix.sum(axis=0)
    chosen = [_strongest(share, query.units) for share in shares]
    if single.any():
        bins, others = np.flatnonzero(single), np.flatnonzero(~single)
        strongest = (bins[_strongest(shares[0][bins], query.units)], others[_strongest(shares[0][others], BESIDE)])
        chosen[0] = np.sort(np.concatenate(strongest))

    edges: list[Edge] = []
    positions: list[np.ndarray] = []
    for n, (slot, (left, right)) in enumerate(zip(slots, pairwise(chosen)), 1):
        for at in _strongest(matrices[n - 1][np.ix_(left, right)].ravel(), query.edges).tolist():
            i, j = divmod(at, len(right))
            place, to = int(left[i]), int(right[j])
            group = groups[place] if n == 1 else Group(slot.axes[0][place], place, place, place + 1, 0)
            edges.append(Edge(f"{slot.name}[{group.name}, {slot.axes[1][to]}]", n, i, j, group.bins))
            positions.append(slot.start + np.arange(group.first, group.stop) * slot.shape[1] + to)

    columns = _columns(net, table, groups, chosen)
    named = [query.by, query.opened, [[unit.name for unit in column.units] for column in columns]]
    names = repr((desk.key, *named, [edge.weight for edge in edges]))
    id = hashlib.blake2b(names.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    inputs = [groups[i] for i in chosen[0]]
    return Drawing(
        Layout(id, columns, tuple(edges), net.size),
        np.array([group.input for group in inputs]),
        np.array([group.first for group in inputs]),
        np.array([group.stop - group.first > 1 for group in inputs]),
        tuple(chosen[1:]),
        np.concatenate(positions),
        np.cumsum([0, *(len(own) for own in positions[:-1])]),
    )


def _strongest(strength: np.ndarray, most: int) -> np.ndarray:
    """The places of the greatest, in their own order."""
    return np.sort(np.argsort(-strength, kind="stable")[:most])


def _groups(net: Network, table: Table, opened: str) -> list[Group]:
    """What is drawn of the inputs, in their order: each, its bins gathered unless its column is opened."""
    sources, groups, start = sources_of(net, 1), [], 0
    names = set(net.inputs)
    counts: dict[str, int] = {}
    for source in sources:
        given = source if source in names else source.rpartition("#")[0]
        counts[given] = counts.get(given, 0) + 1
    for i, (name, given) in enumerate(zip(net.inputs, table.inputs)):
        stop = start + counts[name]
        bins = counts[name] if sources[start] != name else 0
        if bins and given.column == opened:
            groups += [Group(sources[at], i, at, at + 1, 1) for at in range(start, stop)]
        else:
            groups.append(Group(name, i, start, stop, bins))
        start = stop
    return groups


def _columns(net: Network, table: Table, groups: list[Group], chosen: list[np.ndarray]) -> tuple[DrawnColumn, ...]:
    given = table.inputs

    def input_unit(group: Group) -> DrawnUnit:
        own = given[group.input]
        label = telling(table, group.name)
        return DrawnUnit(group.name, label, own.column, own.unit, group.input + 1, group.bins)

    columns = [DrawnColumn("input", 0, "", len(groups), tuple(input_unit(groups[i]) for i in chosen[0]))]
    layers = [layer for layer in net.layers if isinstance(layer, Dense)]
    for n, (layer, units) in enumerate(zip(layers, chosen[1:]), 1):
        last = n == len(layers)
        letter, unit = ("s", table.target.unit) if last else (f"a{n}", "")
        labels = output_labels(net, table) if last else [str(i + 1) for i in range(layer.d_out)]
        drawn = tuple(DrawnUnit(f"{letter}[{i + 1}]", labels[i], "", unit, i + 1, 0) for i in units.tolist())
        columns.append(DrawnColumn("output" if last else "hidden", n, layer.activation, layer.d_out, drawn))
    return tuple(columns)


def output_labels(net: Network, table: Table) -> list[str]:
    """What each output stands for: a class, a target column, or a quantile of one."""
    target, k = table.target, net.outputs
    if target.classes:
        return [plain(label) for label in target.labels[-k:]]
    if isinstance(net.loss, Quantile):
        return [f"{plain(target.names[0])}, {level:.0%}" for level in net.loss.levels]
    return [plain(name) for name in target.names]
