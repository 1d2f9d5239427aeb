"""What the page sends: with what it asks a question, and its commands. A run is named by its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from backlit.core.network import Naming

Decimal = Literal[".", ","]
DateOrder = Literal["dmy", "mdy", "ymd"]
Cell = str | float | bool | None  # of a table, as the page shows it; dates as text


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """A question without more to say."""


@dataclass(frozen=True, kw_only=True)
class MomentQuery:
    """A moment, and what is changed in it by hand for a look; nothing is recorded.

    Attributes
    ----------
    of : "row": one row, without dropout; "batch": the step's own batch, and the update that it made
    row : of the table; used where `of` is "row"
    features : column -> value, in place of the row's own
    weights : name of a single weight -> value, in place of its own
    """

    run: str
    timeline: str
    step: int
    of: Literal["row", "batch"] = "row"
    row: int = 0
    features: dict[str, Cell] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LayoutQuery(MomentQuery):
    """Which units and edges are drawn, chosen at this moment and kept for others, so that nothing jumps.

    Attributes
    ----------
    by : the strongest edges are those with the greatest |w|, or the greatest pull |∂E/∂w|
    opened : the column of the table whose bins are drawn one by one; "": every column's bins are gathered
    units, edges : at most so many units of a column, and so many edges between two columns
    """

    by: Literal["weight", "pull"] = "weight"
    opened: str = ""
    units: int = 12
    edges: int = 48


@dataclass(frozen=True, kw_only=True)
class DrawnQuery(MomentQuery):
    """The numbers of what a layout draws.

    layout : its id
    wrong : as if each layer were updated before the pull goes back through it
    """

    layout: str
    wrong: bool = False


@dataclass(frozen=True, kw_only=True)
class WeightQuery(MomentQuery):
    """One weight; for a binned input, `w1[sqft_living, 3]` means its bins together.

    names : how weights and units are called in its formula and its factors
    """

    weight: str
    names: Naming = "own"


@dataclass(frozen=True, kw_only=True)
class NamesQuery:
    """What textbooks call these: own names of weights, inputs and units."""

    run: str
    timeline: str
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class PullsQuery(MomentQuery):
    """The weights by their pull, the hardest pulled first. most: so many of them."""

    most: int = 16


@dataclass(frozen=True, kw_only=True)
class UnitQuery(MomentQuery):
    """One unit of a layer, both counted from 1. most: so many products of its sum, the rest as one number."""

    layer: int
    unit: int
    most: int = 24


@dataclass(frozen=True, kw_only=True)
class AxesQuery(MomentQuery):
    """Over which columns of numbers maps are drawn; x "": the usual ones, y "": x alone."""

    x: str = ""
    y: str = ""


@dataclass(frozen=True, kw_only=True)
class MapsQuery(AxesQuery):
    """The maps of what a layout draws. points: of each axis."""

    layout: str
    points: int = 24


@dataclass(frozen=True, kw_only=True)
class SurfaceQuery(AxesQuery):
    """The map of one unit, both counted from 1."""

    layer: int
    unit: int
    points: int = 40


@dataclass(frozen=True, kw_only=True)
class LandscapeQuery(MomentQuery):
    """E over two weights; "" takes one with much blame. last: so many earlier states are on its path, at the most."""

    x: str = ""
    y: str = ""
    points: int = 25
    last: int = 30


@dataclass(frozen=True, kw_only=True)
class RowsQuery:
    """Rows by how far their predictions are off, the worst first."""

    run: str
    timeline: str
    step: int
    which: Literal["train", "validation"] = "validation"
    most: int = 12


@dataclass(frozen=True, kw_only=True)
class RunQuery:
    """A run."""

    run: str


@dataclass(frozen=True, kw_only=True)
class RowQuery:
    """A row of a run's table."""

    run: str
    row: int


@dataclass(frozen=True, kw_only=True)
class HistoryQuery:
    """A timeline's figures, from its run's first step on. points: at most so many steps; then each stands for some."""

    run: str
    timeline: str
    points: int = 1500


@dataclass(frozen=True, kw_only=True)
class VerdictQuery:
    """A timeline that has ended."""

    run: str
    timeline: str


@dataclass(frozen=True, kw_only=True)
class CompareQuery:
    """Two timelines."""

    run: str
    a: str
    b: str
    most: int = 10


@dataclass(frozen=True, kw_only=True)
class TableQuery:
    """A table, by its key.

    Attributes
    ----------
    target : the column to predict, for advice on it; None: the one that is guessed
    decimal, date_order : the decimal mark, and the order of dates in figures; None: as the columns show
    missing : marks of a missing field beside the usual ones, with commas between them
    """

    key: str
    target: str | None = None
    decimal: Decimal | None = None
    date_order: DateOrder | None = None
    missing: str = ""


# --- commands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Train:
    """Go on from the end of a timeline.

    Attributes
    ----------
    stop : the step to go to; None: until it is stopped, or its settings end it
    speed : steps a second, at most; None: as fast as it goes
    """

    run: str
    timeline: str
    stop: int | None = None
    speed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Start over from a moment, with something changed; what is left out stays as it is.

    Attributes
    ----------
    name : None: the next of "fork 1", "fork 2", ...
    settings : name -> value, as it is typed
    weights : name of a single weight -> new value
    """

    run: str
    timeline: str
    step: int
    name: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Race:
    """Train on from a moment with several learning rates, by turns; each becomes a timeline.

    Attributes
    ----------
    steps : with each of them
    speed : steps a second with each, at most; None: as fast as it goes
    """

    run: str
    timeline: str
    step: int
    rates: list[float]
    steps: int = 30
    speed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Forget some timelines, the last one first; none may be the run's first one, or have forks that stay."""

    run: str
    timelines: list[str]


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Begin a run on a table; what is None, and a setting that is left out, takes the default.

    Attributes
    ----------
    table : its key
    columns : those to learn from; None: all that can be
    kinds : column -> "number", "category", "boolean", "date", where the guess is wrong
    settings : name -> value, as it is typed
    decimal, date_order, missing : as in `TableQuery`
    seed : of the weights, the order of rows and dropout; None: drawn
    """

    table: str
    target: str
    columns: list[str] | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    task: Literal["regression", "classification"] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    decimal: Decimal | None = None
    date_order: DateOrder | None = None
    missing: str = ""
