"""What the units have learnt, as maps: activations and predictions over two columns of the table; E over two weights.

A map leaves all else as it is: the other columns of the row, or the other weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError, UnknownNameError, require
from backlit.explain.trace import Trace
from backlit.tables.columns import Column, Number
from backlit.words import number, plain

OUTERMOST = (0.01, 0.99)  #: quantiles of the rows at which an axis ends
LEVELS = 8  #: contours, at the most
REACH = 0.05  #: how far a landscape goes at least, to each side of the present weight

LATITUDE, LONGITUDE = ("lat", "latitude"), ("long", "lon", "lng", "longitude")
AREA = ("sqft_living", "living_area", "area")
PAIRS = ((LONGITUDE, LATITUDE), (AREA, LATITUDE))  #: columns that people read together, the first found is the default

Extents = Mapping[str, tuple[float, float]]  #: of each column with numbers, where its axis begins and ends


@dataclass(frozen=True, eq=False)
class Axis:
    """A side of a map.

    Attributes
    ----------
    name : of the column, or of the weight
    values : (m,) at which the map is computed, ascending, in the column's unit
    here : the row's own value; of several rows their mean
    """

    name: str
    unit: str
    values: np.ndarray
    here: float


@dataclass(frozen=True, eq=False)
class Contour:
    """Where a map has one value.

    lines : (m, 4) pieces of a line, from x, y to x, y, in the axes' units
    """

    level: float
    lines: np.ndarray


@dataclass(frozen=True, eq=False)
class Surface:
    """A number over two axes, or over one.

    Attributes
    ----------
    of : what it is: "a1[2]", "price", "E"
    y : None where there is one axis only
    values : (points of y, points of x), or (points of x,)
    here : the number at the row's own place
    contours : the lowest first; () where there is one axis only
    """

    of: str
    unit: str
    x: Axis
    y: Axis | None
    values: np.ndarray
    here: float
    contours: tuple[Contour, ...]


@dataclass(frozen=True, eq=False)
class Landscape(Surface):
    """E over two weights.

    Attributes
    ----------
    path : (m, 2) where the weights stood at earlier states, the present one last; the others moved, too
    after : (2,) where the update leads; None where none is known
    """

    path: np.ndarray
    after: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows that differ from a trace's row in one or two columns: the points of a map, x running fastest.

    Attributes
    ----------
    held : what the other columns stay at, for people: "grade 7"; of a category its name alone
    over : the trace of these rows, without dropout
    """

    x: Axis
    y: Axis | None
    held: tuple[str, ...]
    over: Trace

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a map."""
        return tuple(len(axis.values) for axis in (self.y, self.x) if axis is not None)

    def activations(self, layer: int) -> np.ndarray:
        """(units, points of y, points of x) what each unit of a layer hands on."""
        return self._as_maps(self.over.outputs[self.over.stage(layer).position])

    def predictions(self) -> np.ndarray:
        """(outputs, points of y, points of x) in the target's unit; probabilities of classes, of two the second's."""
        P = self.over.prediction
        return self._as_maps(P[:, P.shape[1] - self.over.net.outputs :])

    def _as_maps(self, values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values.reshape(*self.shape, values.shape[1]), -1, 0)


def extents(t: Trace, X: np.ndarray) -> dict[str, tuple[float, float]]:
    """Where the axis of each column of numbers begins and ends, by rows X (n, d): without the outermost hundredths."""
    ends = {}
    for column, place in numeric(t).values():
        values = np.asarray(X[:, place], np.float64)
        low, high = np.quantile(values, OUTERMOST)
        if low == high:
            low, high = values.min(), values.max()
        if low == high:
            low, high = low - 1, high + 1
        ends[column.name] = (float(column.decode(low)), float(column.decode(high)))
    return ends


def usual_axes(t: Trace) -> list[str]:
    """The columns that a map is laid over unless others are named: two, or one where no more hold numbers.

    Longitude and latitude, living area and latitude, or the two columns with the most blame.
    """
    known = numeric(t)
    for pair in PAIRS:
        columns = [name for names in pair for name in known if name.lower() in names]
        if len(columns) == len(pair):
            return columns
    by = t.blame("column")
    ranked = [name for name in by["column"].to_list() if name in known]
    return [*ranked, *(name for name in known if name not in ranked)][:2]


def grid(t: Trace, ends: Extents, x: str = "", y: str = "", points: int = 24) -> Grid:
    """The points of a map around a trace's row.

    Parameters
    ----------
    ends : of the axes; see `extents`. They are moved out to the row's own value
    x, y : columns of numbers; x "": the usual ones; y "", or the same as x: x alone

    Raises
    ------
    UnknownNameError
        No such column of numbers.
    """
    require("points", points, lambda v: v >= 2, "2 or more")
    columns, known = _columns(t), numeric(t)
    x, y = (x, y) if x else (*usual_axes(t), "", "")[:2]
    names = [name for name in (x, y) if name]
    for name in names:
        if name not in known:
            raise UnknownNameError("column of numbers", name, known)
    if not names:
        raise ArgumentError("maps.no_numbers")
    row = t.data.X.mean(axis=0)
    axes = [_axis(*known[name], row, ends[name], points) for name in dict.fromkeys(names)]
    mesh = np.meshgrid(*(axis.values for axis in axes))
    X = np.repeat(row[None], mesh[0].size, axis=0)
    for axis, values in zip(axes, mesh):
        column, place = known[axis.name]
        X[:, place : place + len(column.inputs())] = _encoded(column, values.ravel())
    rows = Rows.of(Data(X, np.zeros((len(X), t.data.Y.shape[1]))))
    held = tuple(_held(column, row[place]) for name, (column, place) in columns.items() if name not in names)
    return Grid(axes[0], axes[1] if len(axes) > 1 else None, held, replace(t, data=rows, key=None))


def surface(t: Trace, points: Grid, layer: int, unit: int) -> Surface:
    """The map of one unit (both counted from 1), with contours; of an output the prediction, in the target's unit."""
    stage = t.stage(layer, unit)
    own = replace(t, key=None)
    if stage is t.net.numbered[-1]:
        values, P = points.predictions()[unit - 1], own.prediction
        of, unit_of = plain(t.labels[unit - 1]), t.described.target.unit if t.described else ""
        here = P[:, P.shape[1] - t.net.outputs + unit - 1]
    else:
        values, here = points.activations(layer)[unit - 1], own.outputs[stage.position][:, unit - 1]
        of, unit_of = stage.unit(unit - 1), ""
    return Surface(of, unit_of, points.x, points.y, values, float(here.mean()), _contours(points.x, points.y, values))


def landscape(
    t: Trace, x: str = "", y: str = "", path: np.ndarray | None = None, points: int = 25, reach: float | None = None
) -> Landscape:
    """E of a trace's rows over two weights around the present point, to the same distance on both sides.

    Parameters
    ----------
    x, y : names of two single weights; "": the two with the most blame
    path : (m, p) theta at earlier states, the oldest first
    reach : how far from the present weights; None: half as far as 0 is, and so that path and update are on it

    Raises
    ------
    ArgumentError
        A name that means several weights.
    """
    require("points", points, lambda v: v >= 2, "2 or more")
    most = t.blame(most=3)["weight"].to_list()
    x = x or next(name for name in most if name != y)
    y = y or next((name for name in most if name != x), x)
    places = []
    for name in (x, y):
        positions = t.net.positions(name)
        if len(positions) != 1:
            raise ArgumentError("maps.several_weights", name=name, weights=len(positions))
        places.append(int(positions[0]))
    now = t.theta[places]
    after = None if t.optimizer is None else t.update.after[places]
    earlier = np.empty((0, 2)) if path is None else np.asarray(path, np.float64)[:, places]
    way = np.vstack([earlier, now[None]])
    if reach is None:
        ends = way if after is None else np.vstack([way, after])
        reach = max(REACH, 0.5 * float(np.abs(now).max()), 1.4 * float(np.abs(ends - now).max()))
    by = np.linspace(-reach, reach, points)
    values = np.empty((points, points))
    with np.errstate(over="ignore", invalid="ignore"):
        for j, i in np.ndindex(values.shape):
            theta = t.theta.copy()
            theta[places] = now[0] + by[i], now[1] + by[j]
            values[j, i] = t.at(theta).E
    across, up = (Axis(name, "", value + by, float(value)) for name, value in zip((x, y), now))
    contours = _contours(across, up, values, square=True)
    return Landscape("E", "", across, up, values, t.E, contours, way, after)


# --- columns -------------------------------------------------------------------------------------------------------


def _columns(t: Trace) -> dict[str, tuple[Column, int]]:
    """What is learnt from, each with the place of its first input; an input of an unknown table is a number."""
    columns: Sequence[Column] = (
        t.described.columns if t.described else [Number(name, 0.0, 1.0) for name in t.net.inputs]
    )
    starts = np.cumsum([0, *(len(column.inputs()) for column in columns)])
    return {column.name: (column, int(start)) for column, start in zip(columns, starts)}


def numeric(t: Trace) -> dict[str, tuple[Number, int]]:
    """Those that hold numbers."""
    return {name: (column, at) for name, (column, at) in _columns(t).items() if isinstance(column, Number)}


def _axis(column: Number, place: int, row: np.ndarray, ends: tuple[float, float], points: int) -> Axis:
    here = float(column.decode(row[place]))
    return Axis(column.name, column.unit, np.linspace(min(ends[0], here), max(ends[1], here), points), here)


def _encoded(column: Number, values: np.ndarray) -> np.ndarray:
    """(n, inputs) numbers as the network takes them."""
    import polars as pl

    out = np.empty((len(values), len(column.inputs())))
    column.encode(pl.Series(column.name, values), out)
    return out


def _held(column: Column, value: float) -> str:
    known = f" {number(float(column.decode(value)), column.unit)}" if isinstance(column, Number) else ""
    return plain(column.name) + known


# --- contours ------------------------------------------------------------------------------------------------------


def levels(low: float, high: float, most: int = LEVELS) -> np.ndarray:
    """Round numbers between two others, evenly apart, at most so many."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return np.empty(0)
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough * (1 - 1e-9))
    return np.arange(math.floor(low / step) + 1, math.ceil(high / step)) * step


def _contours(x: Axis, y: Axis | None, values: np.ndarray, square: bool = False) -> tuple[Contour, ...]:
    """square: levels whose distances grow as E's do, away from its lowest point."""
    finite = values[np.isfinite(values)]
    if y is None or not len(finite):
        return ()
    low, high = float(finite.min()), float(finite.max())
    at = low + (high - low) * (np.arange(1, LEVELS + 1) / (LEVELS + 1)) ** 2 if square else levels(low, high)
    return tuple(Contour(float(level), contour(x.values, y.values, values, float(level))) for level in at)


def contour(x: np.ndarray, y: np.ndarray, values: np.ndarray, level: float) -> np.ndarray:
    """(m, 4) the pieces of the line on which a map (len(y), len(x)) has a value, by marching triangles.

    Each cell is cut into two triangles, on which the map is taken to be flat. Cells that are not finite are left out.
    """
    X, Y = np.meshgrid(x, y)
    P = np.stack([X, Y, values], axis=-1)
    corners = P[:-1, :-1], P[:-1, 1:], P[1:, 1:], P[1:, :-1]
    a, b, c, d = (corner.reshape(-1, 3) for corner in corners)
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])  # (m, corner, x y value)
    triangles = triangles[np.isfinite(triangles).all(axis=(1, 2))]
    above = triangles[:, :, 2] >= level
    triangles, above = (part[above.any(axis=1) & ~above.all(axis=1)] for part in (triangles, above))
    # the corner that is alone on its side of the level; the line leaves through both sides at it
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1))
    every = np.arange(len(triangles))
    tip = triangles[every, alone]
    ends = []
    for other in (1, 2):
        far = triangles[every, (alone + other) % 3]
        share = (level - tip[:, 2]) / (far[:, 2] - tip[:, 2])
        ends.append(tip[:, :2] + share[:, None] * (far[:, :2] - tip[:, :2]))
    return np.hstack(ends)
