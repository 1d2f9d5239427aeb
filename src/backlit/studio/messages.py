"""What the page asks, and what it is told: each message once. `web/src/messages.ts` is made from this file.

Every question is one function of `questions.py`, named like the address it answers at; it takes one of the queries
below and returns one of the replies. A moment is named the same way everywhere: by timeline, step, and the rows
that are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from backlit.explain.chain import Check, Factor, WeightUpdate

Cell = str | float | bool | None  # of a table, as the page shows it; dates as text

# --- queries -----------------------------------------------------------------------------------------------------


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
    by : the strongest edges are those with the greatest |w|, or the most blame
    opened : the column of the table whose bins are drawn one by one; "": every column's bins are gathered
    units, edges : at most so many units of a column, and so many edges between two columns
    """

    by: Literal["weight", "blame"] = "weight"
    opened: str = ""
    units: int = 12
    edges: int = 48


@dataclass(frozen=True, kw_only=True)
class DrawnQuery(MomentQuery):
    """The numbers of what a layout draws. layout: its id."""

    layout: str


@dataclass(frozen=True, kw_only=True)
class WeightQuery(MomentQuery):
    """One weight; for a binned input, `w1[sqft_living, 3]` means its bins together."""

    weight: str


@dataclass(frozen=True, kw_only=True)
class UnitQuery(MomentQuery):
    """One unit of a dense layer, both counted from 1. most: so many terms of its dot product, the rest as a sum."""

    layer: int
    unit: int
    most: int = 24


@dataclass(frozen=True, kw_only=True)
class RowsQuery:
    """Rows by how far their predictions are off, the worst first."""

    timeline: str
    step: int
    which: Literal["train", "validation"] = "validation"
    most: int = 12


@dataclass(frozen=True, kw_only=True)
class RowQuery:
    """A row of the table."""

    row: int


@dataclass(frozen=True, kw_only=True)
class HistoryQuery:
    """A timeline's figures, from its run's first step on. points: at most so many steps; then each stands for some."""

    timeline: str
    points: int = 1500


@dataclass(frozen=True, kw_only=True)
class CompareQuery:
    """Two timelines."""

    a: str
    b: str
    most: int = 10


@dataclass(frozen=True, kw_only=True)
class TableQuery:
    """A table, by its key. target: the column to predict, for advice on it; None: the one that is guessed."""

    key: str
    target: str | None = None


# --- commands: for the tab that drives ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Go:
    """Make another moment the present one."""

    timeline: str
    step: int


@dataclass(frozen=True, kw_only=True)
class Train:
    """Go on from the end of the present timeline, and follow.

    Attributes
    ----------
    steps : None: until it is stopped, or its settings end it
    speed : steps a second, at most; None: as fast as it goes
    """

    steps: int | None = None
    speed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Start over from a moment, with something changed; None: as it is. It becomes the present timeline.

    Attributes
    ----------
    weights : name of a single weight -> new value
    """

    timeline: str
    step: int
    name: str | None = None
    learning_rate: float | None = None
    optimizer: str | None = None
    batch_size: int | None = None
    epochs: int | None = None
    dropout: float | None = None
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Open:
    """Open a run, by its key: "first" is the 3-3-1 network, "real" all columns and the defaults."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Begin a run on a table; what is None takes the default.

    Attributes
    ----------
    table : its key
    columns : those to learn from; None: all that can be
    kinds : column -> "number", "category", "boolean", "date", where the guess is wrong
    hidden : units of each hidden layer
    """

    table: str
    target: str
    columns: list[str] | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    task: Literal["regression", "classification"] | None = None
    hidden: list[int] | None = None
    activation: str | None = None
    encoding: Literal["piecewise", "plain"] | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    batch_size: int | None = None
    epochs: int | None = None
    dropout: float | None = None
    seed: int | None = None


# --- the run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the table that the network learns from.

    Attributes
    ----------
    levels : of a category or boolean; () otherwise
    low, high : of a number, over what was learnt from; None otherwise
    inputs : the network's inputs that it becomes
    """

    name: str
    kind: str
    unit: str
    levels: tuple[str, ...]
    low: float | None
    high: float | None
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """A dense layer, numbered from 1 as in the names of its weights. dropout: the share silenced behind it."""

    number: int
    inputs: int
    units: int
    activation: str
    dropout: float


@dataclass(frozen=True)
class Settings:
    """How a timeline trains. batch_size: rows in a step."""

    optimizer: str
    learning_rate: float
    schedule: str
    batch_size: int
    epochs: int | None
    max_steps: int | None
    dropout: float


@dataclass(frozen=True)
class Change:
    """What a timeline does in another way than its parent, as text."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Timeline:
    """A line of steps. start: where it leaves its parent; steps: the last state there is; planned: where it will end.

    reason : why it ended; None while it goes on or has not begun
    """

    name: str
    parent: str | None
    start: int
    steps: int
    planned: int
    steps_an_epoch: int
    changes: tuple[Change, ...]
    reason: str | None
    settings: Settings


@dataclass(frozen=True)
class Run:
    """A run file, and the network in it.

    Attributes
    ----------
    key : by which it is opened
    name : of its file
    rows : how many are learnt from, "train", watched, "validation", or in the table, "table"
    error : what errors of epochs are called, such as "RMSE"; error_unit: "" where they have none
    """

    key: str
    name: str
    source: str
    target: str
    unit: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: dict[str, int]
    layers: tuple[Layer, ...]
    weights: int
    loss: str
    error: str
    error_unit: str
    engine: str
    seed: str
    notices: tuple[str, ...]
    timelines: tuple[Timeline, ...]


@dataclass(frozen=True)
class Shelf:
    """What can be opened or begun on: runs and tables, by key and name. given: the table to set up; "" for none."""

    runs: dict[str, str]
    tables: dict[str, str]
    optimizers: tuple[str, ...]
    activations: tuple[str, ...]
    upload_limit: int
    given: str = ""


# --- a moment ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DrawnUnit:
    """A unit that is drawn; for an input, the input itself, one of its bins, or its bins gathered.

    Attributes
    ----------
    name : "sqft_living", "sqft_living#7", "a1[3]", "s[1]"
    label : for people: "sqft_living", "1,500–1,750 sqft", "3", "price"
    column : of the table, for an input; "" otherwise
    number : of the unit in its layer, from 1; of the input otherwise
    bins : how many it stands for; 0 where it has none
    """

    name: str
    label: str
    column: str
    unit: str
    number: int
    bins: int


@dataclass(frozen=True)
class DrawnColumn:
    """A column of units, left to right: the inputs, each hidden layer, the outputs.

    layer : whose outputs these are, from 1; 0 for the inputs. count: of all units, drawn or not
    """

    kind: Literal["input", "hidden", "output"]
    layer: int
    activation: str
    count: int
    units: tuple[DrawnUnit, ...]


@dataclass(frozen=True)
class Edge:
    """A weight that is drawn, or all bins of an input together.

    Attributes
    ----------
    weight : its name
    layer : it leads into
    source, unit : places among the units of the column before, and of its own
    """

    weight: str
    layer: int
    source: int
    unit: int
    bins: int


@dataclass(frozen=True)
class Layout:
    """What is drawn of a network. edges: in the order in which `weights` answers; count: of all weights."""

    id: str
    columns: tuple[DrawnColumn, ...]
    edges: tuple[Edge, ...]
    count: int


@dataclass(frozen=True)
class UnitNumbers:
    """The numbers of a drawn column's units, each list as long as it.

    Of several rows: their means; of the derivatives their sums, which is what ∂E/∂b is made of.

    Inputs have only `a`, what they hand on, and `da`; for gathered bins both are of the input before it is binned.
    d.. : ∂E/∂ that
    bias_step : by how much the update changes (or would change) the bias
    """

    a: list[float]
    da: list[float]
    z: list[float] = field(default_factory=list)
    dz: list[float] = field(default_factory=list)
    slope: list[float] = field(default_factory=list)
    bias: list[float] = field(default_factory=list)
    dbias: list[float] = field(default_factory=list)
    bias_step: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """A moment with its numbers: of the state before step `step`, and of the update that this step makes.

    Attributes
    ----------
    used : rows of this epoch used by earlier steps
    rows : those looked at, the first 256; n: how many they are
    happened : whether the update is the step's own; otherwise it is what these rows alone would cause
    E, E_after : the error of these rows now, and with the update made
    prediction, truth, difference : in the target's unit, for each output; of several rows the mean, and for the
        difference the mean size. For classes: probabilities, and 1 for the true one
    told : prediction, truth and difference as people read them
    columns : the numbers of each column of the layout
    """

    timeline: str
    step: int
    of: Literal["row", "batch"]
    epoch: int
    used: int
    rows: tuple[int, ...]
    n: int
    rate: float
    happened: bool
    E: float
    E_after: float | None
    prediction: list[float]
    prediction_after: list[float]
    truth: list[float]
    difference: list[float]
    told: Told
    columns: tuple[UnitNumbers, ...]


@dataclass(frozen=True)
class Told:
    """Numbers in their unit, as text: $221,900."""

    prediction: str
    prediction_after: str
    truth: str
    difference: str


@dataclass(frozen=True)
class Term:
    """One product of a dot product: input · weight."""

    name: str
    label: str
    input: float
    weight: float
    product: float
    weight_name: str


@dataclass(frozen=True)
class Unit:
    """A unit's dot product: z = Σ input · weight + bias, a = f(z). Of several rows: means, and E's derivatives sums.

    rest, rest_terms : the sum and the number of the terms that are not listed
    activation_latex : f
    """

    layer: int
    unit: int
    activation: str
    activation_latex: str
    terms: tuple[Term, ...]
    rest: float
    rest_terms: int
    bias: float
    bias_name: str
    z: float
    a: float
    slope: float
    da: float
    dz: float


@dataclass(frozen=True)
class Path:
    """One way from E back to the weight, for one row; `product` of the factors' values."""

    row: int
    factors: tuple[Factor, ...]
    product: float


@dataclass(frozen=True)
class Share:
    """A row's part of ∂E/∂w."""

    row: int
    part: float


@dataclass(frozen=True)
class Curve:
    """E as the weight moves: the true curve, and the tangent that ∂E/∂w promises.

    after, E_after : where the update would take this weight alone
    """

    w: list[float]
    E: list[float]
    tangent: list[float]
    value: float
    here: float
    gradient: float
    after: float | None
    E_after: float | None


@dataclass(frozen=True)
class Chain:
    """∂E/∂w of one weight by the chain rule.

    Attributes
    ----------
    single : whether it is one weight, which can be edited
    latex : the sum over paths, in symbols and in numbers, an align* environment
    words : one sentence for each factor of the strongest path, from the error back to the weight
    rest, rest_paths : the sum and the number of the paths that are not listed
    by_row : the rows with the greatest parts; their parts and rest_rows add up to the gradient
    price : ∂E/∂prediction and ∂prediction/∂w in the target's unit, whose product is ∂E/∂w; None for several rows,
        several outputs or classes
    engine_difference : how far the native engine's gradient is from the whole of this one, relative; None where it
        cannot run
    update : None where the step is not known, or for several weights
    """

    weight: str
    single: bool
    value: float
    gradient: float
    blame: float
    latex: str
    words: tuple[str, ...]
    paths: tuple[Path, ...]
    rest: float
    rest_paths: int
    rows: int
    by_row: tuple[Share, ...]
    rest_rows: float
    price: tuple[float, float] | None
    check: Check
    engine_difference: float | None
    update: WeightUpdate | None
    curve: Curve


@dataclass(frozen=True)
class Line:
    """E along the whole step as a function of the learning rate; see `backlit.explain.what_if.Line`.

    factor : what schedule and layer make of the setting; a chosen rate divided by it is the setting to fork with
    """

    rate: list[float]
    E: list[float]
    tangent: list[float]
    here: float
    chosen: float
    E_chosen: float
    best: float
    E_best: float
    hurts: float | None
    factor: float


# --- rows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Feature:
    """A row's entry in a column that is learnt from; None: missing. told: as people read it."""

    column: str
    value: Cell
    told: str


@dataclass(frozen=True)
class Row:
    """A row of the table. part: "train", "validation" or "", neither. others: entries that are not learnt from."""

    row: int
    part: str
    features: tuple[Feature, ...]
    others: tuple[Feature, ...]
    truth: str


@dataclass(frozen=True)
class RowError:
    """A row with its prediction; off: by how much it is wrong, in the target's unit (for classes, −ln of p)."""

    row: int
    truth: str
    prediction: str
    off: float
    off_told: str


@dataclass(frozen=True)
class RowErrors:
    """The worst rows, and how they stand among `of` rows: their mean and median error."""

    rows: tuple[RowError, ...]
    of: int
    mean: float
    median: float


# --- history -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochPoint:
    """An epoch's errors, in `Run.error_unit`. step: updates made by its end."""

    epoch: int
    step: int
    train: float | None
    validation: float | None
    improved: bool


@dataclass(frozen=True)
class History:
    """A timeline's figures: a number for each of `step`. Where steps are gathered: the mean E, the other's largest."""

    timeline: str
    step: list[int]
    rate: list[float]
    E: list[float]
    gradient_norm: list[float]
    update_norm: list[float]
    epochs: tuple[EpochPoint, ...]


@dataclass(frozen=True)
class WeightGap:
    """A weight that two timelines have in another way."""

    weight: str
    a: float
    b: float


@dataclass(frozen=True)
class RowGap:
    """A row that two timelines predict in another way. gain: how much nearer to the truth b is, in its unit."""

    row: int
    truth: str
    a: str
    b: str
    gain: float


@dataclass(frozen=True)
class Comparison:
    """Two timelines side by side. parted: the step up to which they are the same; rows: most gained, most lost."""

    a: str
    b: str
    parted: int
    changes: tuple[Change, ...]
    weights: tuple[WeightGap, ...]
    gained: tuple[RowGap, ...]
    lost: tuple[RowGap, ...]
    mean_gain: float


# --- tables ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableColumn:
    """A column of a table that is not learnt from yet.

    kind : what it is taken for, "drop" where it is of no use; why: then, or where something is odd
    """

    name: str
    kind: str
    missing: int
    distinct: int
    examples: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Table:
    """A table to begin on. target: asked for or guessed; task: what that makes it; trouble: why it cannot be one."""

    key: str
    name: str
    rows: int
    columns: tuple[TableColumn, ...]
    head: tuple[tuple[str, ...], ...]
    target: str
    task: Literal["regression", "classification"]
    trouble: str


# --- news, over the WebSocket ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Present:
    """Where the run is now.

    Attributes
    ----------
    number : of the news; what is told later has a greater one
    playing : it trains until it is stopped, and not for a number of steps
    driver : the tab that drives, "" for none
    E : of the last step, while it trains
    """

    run: str
    timeline: str
    step: int
    training: bool
    driver: str
    number: int = 0
    playing: bool = False
    E: float | None = None
    steps_a_second: float | None = None


@dataclass(frozen=True)
class News:
    """Something has happened; what is None has not.

    Attributes
    ----------
    run : there is another run, or another timeline, or one has ended
    epoch : one has ended, on this timeline
    told : what the user should know; trouble: what went wrong
    """

    present: Present | None = None
    run: Run | None = None
    timeline: str | None = None
    epoch: EpochPoint | None = None
    told: str | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class Done:
    """A command was taken."""

    present: Present


@dataclass(frozen=True)
class Refusal:
    """Why a question has no answer."""

    error: str
    kind: Literal["invalid", "not driving", "forbidden", "gone"] = "invalid"
