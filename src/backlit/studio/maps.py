"""What the units have learnt, as maps over two columns; and E as a landscape over two weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from backlit.errors import require
from backlit.explain.maps import Extents, Grid, Landscape, Surface, extents, grid, numeric
from backlit.explain.maps import landscape as landscape_of
from backlit.explain.maps import surface as surface_of
from backlit.explain.trace import Trace
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.layouts import drawing
from backlit.studio.messages import AxesQuery, LandscapeQuery, MapsQuery, MomentQuery, SurfaceQuery
from backlit.studio.moments import described, traced

AnySurface = TypeVar("AnySurface", bound=Surface)

MOST_POINTS = 96  #: of an axis
MOST_ROWS = 240  #: that stand on a map
MOST = 0.9  #: of the truths lie within the colours' reach


def axes(desk: Desk, query: AxesQuery) -> messages.Axes:
    """Over what maps are drawn."""
    t = traced(desk, query)
    target, learnt = described(t), desk.opened(query.run).timeline().learn()
    known, none = numeric(t), np.empty(0)
    if target.classes:
        truth, middle, reach = none, 0.5, 0.5
    else:
        T = target.decode_targets(np.asarray(learnt.Y, np.float64))
        middle, truth = float(T.mean()), T[:, 0] if T.shape[1] == 1 else none
        reach = float(np.quantile(np.abs(T - middle), MOST)) or 1.0
    if not known:
        return messages.Axes(None, None, (), (), none, none, none, none, middle, reach)
    points = grid(t, _extents(desk, query, t), query.x, query.y, 2)
    own = [axis for axis in (points.x, points.y) if axis is not None]
    some = np.arange(0, len(learnt), max(1, len(learnt) // MOST_ROWS))
    X = np.asarray(learnt.X[some], np.float64)
    places = [np.asarray(column.decode(X[:, place])) for column, place in (known[axis.name] for axis in own)]
    there = np.all([(axis.values[0] <= at) & (at <= axis.values[-1]) for axis, at in zip(own, places)], axis=0)
    return messages.Axes(
        x=points.x,
        y=points.y,
        columns=tuple(known),
        held=points.held,
        rows=learnt.rows[some][there],
        row_x=places[0][there],
        row_y=places[1][there] if len(own) > 1 else none,
        truth=truth[some][there] if len(truth) else none,
        middle=middle,
        reach=reach,
    )


def maps(desk: Desk, query: MapsQuery) -> bytes:
    """The maps of the drawn units, layer after layer, each row after row, y ascending, as float32; outputs predict."""
    drawn, (t, points) = drawing(desk, query.run, query.layout), _grid(desk, query, query.points)
    layers = [points.activations(stage.number) for stage in t.net.numbered[:-1]] + [points.predictions()]
    return b"".join(layer[at].astype("<f4").tobytes() for at, layer in zip(drawn.units, layers))


def surface(desk: Desk, query: SurfaceQuery) -> Surface:
    """The map of one unit, with contours."""
    t, points = _grid(desk, query, query.points)
    return _flat(surface_of(t, points, query.layer, query.unit))


def landscape(desk: Desk, query: LandscapeQuery) -> Landscape:
    """E over two weights, with the way that they came."""
    require("points", query.points, lambda v: 2 <= v <= MOST_POINTS, f"from 2 to {MOST_POINTS}")
    require("last", query.last, lambda v: v >= 0, "0 or greater")
    t = traced(desk, query)
    first = desk.timeline(query.run, query.timeline).lineage[0].start
    earlier = range(max(first, query.step - query.last), query.step)
    path = [desk.state(query.run, query.timeline, step).theta for step in earlier]
    own = landscape_of(t, query.x, query.y, np.array(path) if path else None, query.points)
    return replace(_flat(own), path=own.path.ravel())


def _flat(own: AnySurface) -> AnySurface:
    """With arrays as they are sent: row after row, and one piece of a line after the other."""
    contours = tuple(replace(one, lines=one.lines.ravel()) for one in own.contours)
    return replace(own, values=own.values.ravel(), contours=contours)


def _grid(desk: Desk, query: AxesQuery, points: int) -> tuple[Trace, Grid]:
    require("points", points, lambda v: 2 <= v <= MOST_POINTS, f"from 2 to {MOST_POINTS}")
    t = traced(desk, query)
    return t, grid(t, _extents(desk, query, t), query.x, query.y, points)


def _extents(desk: Desk, query: MomentQuery, t: Trace) -> Extents:
    """Of a run's first timeline, so that axes stay where they are."""
    run = desk.opened(query.run)
    return desk.cached((run, "extents"), lambda: extents(t, run.timeline().learn().X))
