"""What is drawn of a network: which units, and which edges between them; chosen at one moment, kept for others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from backlit.core.layer import Stage
from backlit.core.network import Network
from backlit.errors import DataError, UnknownNameError
from backlit.explain.trace import Trace
from backlit.studio.desk import Desk
from backlit.studio.messages import Called, DrawnColumn, DrawnUnit, Edge, Layout, LayoutQuery, NamesQuery
from backlit.tables.table import Table
from backlit.words import plain

SURE = 2  #: so many of the strongest edges between two columns, and the strongest bias, are drawn in any case
BESIDE = 4  #: inputs that are drawn beside the bins of a column


class GoneError(DataError):
    """Something that was there is not there any more; it can be asked for again."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A layout, and where in the network's arrays its units and edges are.

    Attributes
    ----------
    inputs : of each drawn input its place among the network's inputs
    sources : where it is a single bin, its place among what the first weights are for; −1 otherwise
    units : of each layer with a number, the drawn units' places
    positions, starts : the places in theta of all edges' weights in a row, and where each edge's begin
    """

    layout: Layout
    inputs: np.ndarray
    sources: np.ndarray
    units: tuple[np.ndarray, ...]
    positions: np.ndarray
    starts: np.ndarray

    def of_edges(self, vector: np.ndarray) -> np.ndarray:
        """A number for each edge, from one for each weight; of gathered bins their sum."""
        return np.add.reduceat(vector[self.positions], self.starts)


@dataclass(frozen=True)
class Group:
    """What is drawn as one on the left of a layer: an input with all its bins, one bin, or a unit.

    Attributes
    ----------
    parent : its place among the inputs, or the units of the layer below
    sources : the places of what comes from it in front of the layer's weights
    bins : how many of them are bins
    """

    name: str
    parent: int
    sources: np.ndarray
    bins: int


def drawing(desk: Desk, key: str, layout: str) -> Drawing:
    """The drawing that was laid out under an id."""

    def gone() -> Drawing:
        raise GoneError("studio.drawing_gone")

    return desk.cached((desk.opened(key), "drawing", layout), gone)


def laid_out(desk: Desk, t: Trace, query: LayoutQuery) -> Drawing:
    """What is drawn, chosen by a trace; it is known by its id from now on."""
    run = desk.opened(query.run)
    known = sorted(column.name for column in run.table.columns)
    if query.opened and query.opened not in known:
        raise UnknownNameError("column", query.opened, known)
    drawn = _drawn(run.table, t, query)
    return desk.cached((run, "drawing", drawn.layout.id), lambda: drawn)


def telling(table: Table, name: str) -> str:
    """An input, or a bin, for people."""
    return plain(table.label(name))


def _drawn(table: Table, t: Trace, query: LayoutQuery) -> Drawing:
    net = t.net
    vector = t.gradient if query.by == "pull" else np.abs(t.theta)  # bins pull together as one, with their signs
    groups = [_groups(stage, table, query.opened if stage.below == 0 else "") for stage in net.numbered]
    matrices = [np.abs(stage.between(vector, _group_of(own, stage))) for own, stage in zip(groups, net.numbered)]
    inputs = groups[0]
    single = np.array([group.bins > 0 and table.inputs[group.parent].column == query.opened for group in inputs])
    if single.any():  # beside single bins, gathered ones count as one of theirs does
        matrices[0] /= np.array([[max(1, group.bins)] for group in inputs])

    sizes = [len(inputs), *(matrix.shape[1] for matrix in matrices)]
    shares = [np.zeros(size) for size in sizes]
    for i, matrix in enumerate(matrices):
        shares[i] += matrix.sum(axis=1)
        shares[i + 1] += matrix.sum(axis=0)
    for i, (matrix, stage) in enumerate(zip(matrices, net.numbered)):  # whatever else their units have
        left, right = np.unravel_index(_strongest(matrix.ravel(), SURE), matrix.shape)
        bias = np.abs(np.where(stage.biases >= 0, vector[stage.biases], 0.0)).argmax()
        shares[i][left], shares[i + 1][right], shares[i + 1][bias] = np.inf, np.inf, np.inf
    chosen = [_strongest(share, query.units) for share in shares]
    if single.any():
        bins, others = np.flatnonzero(single), np.flatnonzero(~single)
        strongest = (bins[_strongest(shares[0][bins], query.units)], others[_strongest(shares[0][others], BESIDE)])
        chosen[0] = np.sort(np.concatenate(strongest))

    edges: list[Edge] = []
    positions: list[np.ndarray] = []
    for n, (stage, (left, right)) in enumerate(zip(net.numbered, pairwise(chosen))):
        there = np.array([[(stage.edges[groups[n][i].sources, j] >= 0).any() for j in right] for i in left]).ravel()
        matrix = np.where(there, matrices[n][np.ix_(left, right)].ravel(), -1.0)
        for at in _strongest(matrix, min(query.edges, int(there.sum()))).tolist():
            i, j = divmod(at, len(right))
            group = groups[n][int(left[i])]
            own = stage.edges[group.sources, int(right[j])]
            positions.append(own[own >= 0])
            edges.append(Edge(stage.edge(int(positions[-1][0]), group.name), stage.number, i, j, group.bins))

    columns = _columns(net, table, inputs, chosen)
    named = [query.by, query.opened, [[unit.name for unit in column.units] for column in columns]]
    names = repr((query.run, *named, [edge.weight for edge in edges]))
    id = hashlib.blake2b(names.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    shown = [inputs[i] for i in chosen[0]]
    return Drawing(
        Layout(id, columns, tuple(edges)),
        np.array([group.parent for group in shown]),
        np.array([group.sources[0] if group.bins == len(group.sources) == 1 else -1 for group in shown]),
        tuple(chosen[1:]),
        np.concatenate([*positions, np.arange(0)]),
        np.cumsum([0, *(len(own) for own in positions[:-1])]),
    )


def _group_of(groups: list[Group], stage: Stage) -> np.ndarray:
    """The group of each source; −1 for none."""
    of = np.full(len(stage.sources), -1)
    for i, group in enumerate(groups):
        of[group.sources] = i
    return of


def _strongest(strength: np.ndarray, most: int) -> np.ndarray:
    """The places of the greatest, in their own order."""
    return np.sort(np.argsort(-strength, kind="stable")[:most])


def _groups(stage: Stage, table: Table, opened: str) -> list[Group]:
    """What is drawn on the left of a layer, in its order: bins gathered, unless their column is opened."""
    groups: list[Group] = []
    for i, name in enumerate(stage.parents):
        places = np.flatnonzero(stage.origins == i)
        binned = len(places) > 0 and stage.sources[places[0]] != name
        if binned and opened and table.inputs[i].column == opened:
            groups += [Group(stage.sources[at], i, places[k : k + 1], 1) for k, at in enumerate(places)]
        else:
            groups.append(Group(name, i, places, len(places) * binned))
    return groups


def _columns(net: Network, table: Table, groups: list[Group], chosen: list[np.ndarray]) -> tuple[DrawnColumn, ...]:
    def input_unit(group: Group) -> DrawnUnit:
        own = table.inputs[group.parent]
        label = telling(table, group.name)
        return DrawnUnit(group.name, label, own.column, own.unit, group.parent + 1, group.bins)

    columns = [DrawnColumn("input", 0, "", len(groups), tuple(input_unit(groups[i]) for i in chosen[0]), "", "x", "")]
    for stage, units in zip(net.numbered, chosen[1:]):
        last = stage is net.numbered[-1]
        labels = output_labels(net, table) if last else stage.units
        biases = [net.weight_name(at) if at >= 0 else "" for at in stage.biases.tolist()]
        drawn = tuple(
            DrawnUnit(
                f"s[{i + 1}]" if last else stage.unit(i), labels[i], "", table.target.unit * last, i + 1, bias=biases[i]
            )
            for i in units.tolist()
        )
        kind = "output" if last else "hidden"
        letters = (stage.sum(0)[0], stage.unit(0)[0])
        matrix = ", ".join(slot.matrix for slot in stage.slots if (stage.ends[slot.weight][0] >= 0).any())
        columns.append(DrawnColumn(kind, stage.number, stage.layer.function, len(stage.units), drawn, *letters, matrix))
    return tuple(columns)


def names(desk: Desk, query: NamesQuery) -> Called:
    """What textbooks call weights, inputs and units of a timeline's network."""
    net = desk.timeline(query.run, query.timeline).net
    return Called(tuple(map(net.textbook, query.names)))


def output_labels(net: Network, table: Table) -> list[str]:
    """What each output stands for: a class, a target column, or a quantile of one."""
    return [plain(label) for label in net.loss.outputs(table.target.names, table.target.labels)]
