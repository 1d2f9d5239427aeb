"""What is drawn of a moment, and its numbers: of the network, of one unit, of one weight, of the step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from backlit.explain import ledger, paths, wishes
from backlit.explain.maps import Axis
from backlit.explain.what_if import Curve
from backlit.words import Remark

_NONE = partial(np.empty, 0)


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
    bias : the name of the weight that is added to it; "" where there is none
    """

    name: str
    label: str
    column: str
    unit: str
    number: int
    bins: int = 0
    bias: str = ""


@dataclass(frozen=True)
class Called:
    """What textbooks call what was asked for, in the same order; what they have no name for keeps its own."""

    textbook: tuple[str, ...]


@dataclass(frozen=True)
class DrawnColumn:
    """A column of units, left to right: the inputs, each hidden layer, the outputs.

    Attributes
    ----------
    layer : whose outputs these are, from 1; 0 for the inputs
    count : of all units, drawn or not
    sum, out : the letters of a unit's sum and of what it hands on: "z" and "a"; of outputs "s"; of inputs "" and "x"
    matrix : what textbooks call the weights that lead into it: "W¹"; of inputs ""
    """

    kind: Literal["input", "hidden", "output"]
    layer: int
    activation: str
    count: int
    units: tuple[DrawnUnit, ...]
    sum: str
    out: str
    matrix: str


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
    """What is drawn of a network. edges: in the order in which `weights` answers."""

    id: str
    columns: tuple[DrawnColumn, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, eq=False)
class UnitNumbers:
    """The numbers of a drawn column's units, each array as long as it.

    Of several rows: their means; of the derivatives their sums, which is what ∂E/∂b is made of.

    Inputs have only `a`, what they hand on, and `da`; for gathered bins both are of the input before it is binned.
    d.. : ∂E/∂ that
    bias_step : by how much the update changes (or would change) the bias
    """

    a: np.ndarray
    da: np.ndarray
    z: np.ndarray = field(default_factory=_NONE)
    dz: np.ndarray = field(default_factory=_NONE)
    slope: np.ndarray = field(default_factory=_NONE)
    bias: np.ndarray = field(default_factory=_NONE)
    dbias: np.ndarray = field(default_factory=_NONE)
    bias_step: np.ndarray = field(default_factory=_NONE)


@dataclass(frozen=True, eq=False)
class Moment:
    """A moment with its numbers: of the state before step `step`, and of the update that this step makes.

    Attributes
    ----------
    used : rows of this epoch used by earlier steps
    rows : those looked at, the first 256; n: how many they are
    happened : whether the update is the step's own, as it is where the step learns from this row alone; otherwise it is
        what these rows alone would cause
    strongest : the weight, be it a bias, that E pulls at the hardest; "" where it pulls at none
    E, E_after : the error of these rows now, and with the update made
    prediction, truth, difference : in the target's unit, for each output; of several rows the mean, and for the
        difference the mean size. For classes: probabilities, and 1 for the true one
    text : prediction, truth and difference as people read them
    columns : the numbers of each column of the layout
    """

    run: str
    timeline: str
    step: int
    of: Literal["row", "batch"]
    epoch: int
    used: int
    rows: np.ndarray
    n: int
    rate: float
    happened: bool
    strongest: str
    E: float
    E_after: float | None
    prediction: np.ndarray
    prediction_after: np.ndarray
    truth: np.ndarray
    difference: np.ndarray
    text: Outcome
    columns: tuple[UnitNumbers, ...]


@dataclass(frozen=True)
class Step:
    """What the step of a moment makes of the row that is looked at. n: from how many rows it learns.

    prediction_after : of that row, as text
    E, E_after : of that row
    batch_E, batch_E_after : of the step's rows
    """

    n: int
    prediction_after: str
    E: float
    E_after: float
    batch_E: float
    batch_E_after: float


@dataclass(frozen=True)
class Outcome:
    """Numbers in their unit, as text: $221,900."""

    prediction: str
    prediction_after: str
    truth: str
    difference: str


@dataclass(frozen=True)
class Term:
    """One product of a dot product: input · weight; and what the error wants of both, as the unit has it."""

    name: str
    label: str
    input: float
    weight: float
    product: float
    weight_name: str
    weight_wish: float
    input_wish: float


@dataclass(frozen=True)
class Unit:
    """A unit's dot product: z = Σ input · weight + bias, a = f(z). Of several rows: means, and E's derivatives sums.

    rest, rest_terms : the sum and the number of the terms that are not listed
    wish, bias_wish : −∂E/∂a and −∂E/∂ the bias; see `backlit.explain.unit_wishes`
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
    wish: float
    bias_wish: float


@dataclass(frozen=True)
class Pull:
    """How hard E pulls at a weight: ∂E/∂w, and its share of all the pull, 0 to 1."""

    weight: str
    gradient: float
    share: float


@dataclass(frozen=True)
class Pulls:
    """The weights, biases included, that E pulls at the hardest; equal ones in the order of theta.

    rest, rest_weights : the share of all the pull that the others have together, and how many they are
    """

    weights: tuple[Pull, ...]
    rest: float
    rest_weights: int


@dataclass(frozen=True)
class Paths:
    """The ways from E back to a weight, the strongest first; their factors say where in the network each one is.

    layer, unit, source : where the weight is, by the numbers that names have: its layer, the unit that it acts on, and
        the unit or input before it; 0 for none, or several
    """

    weight: str
    layer: int
    unit: int
    source: int
    paths: tuple[paths.Path, ...]


@dataclass(frozen=True, eq=False)
class Wishes(wishes.Wishes):
    """What each row of a step wants of a weight.

    Attributes
    ----------
    rows, wishes : those that are drawn, from the one that lowers the weight most to the one that raises it most
    n : how many rows there are
    own : the wish of the row that is looked at
    among : whether it is one of the step's rows
    happened : whether the step is the one that was made, or will be: nothing is changed by hand
    """

    n: int
    own: float
    among: bool
    happened: bool


@dataclass(frozen=True)
class WrongPull:
    """∂E/∂w, and what is taken for it if later layers are updated first."""

    weight: str
    right: float
    wrong: float


@dataclass(frozen=True)
class WrongWay:
    """What comes of a step if each layer is updated before the pull goes back through it, beside the right one.

    pulls : those that differ the most
    E, E_right, E_wrong : before the step, and after either
    right, wrong : the predictions after either, as people read them
    """

    pulls: tuple[WrongPull, ...]
    E: float
    E_right: float
    E_wrong: float
    right: str
    wrong: str


@dataclass(frozen=True)
class Share:
    """A row's part of ∂E/∂w."""

    row: int
    part: float


@dataclass(frozen=True, eq=False)
class Chain(paths.Chain):
    """The chain rule of one weight, and what is drawn beside it.

    Attributes
    ----------
    layer : that it belongs to, as in its name
    single : whether it is one weight, which can be edited
    formula : the sum over paths in LaTeX, line by line, in symbols and in numbers; none of a chain without a path
    by_row : the rows with the greatest parts; their parts and rest_rows add up to the gradient
    price : ∂E/∂prediction and ∂prediction/∂w in the target's unit, whose product is ∂E/∂w; None for several rows,
        several outputs or classes
    engine : how far the native engine's gradient agrees with the whole of this one; None where it cannot run
    reasons : why the weight goes where it goes; none where the update is not known, or for several weights
    """

    layer: int
    single: bool
    formula: tuple[str, ...]
    by_row: tuple[Share, ...]
    rest_rows: float
    price: tuple[float, float] | None
    engine: Remark | None
    reasons: tuple[Remark, ...]
    curve: Curve


@dataclass(frozen=True)
class Signs:
    """The update as it is, with its minus, and with a plus in its place.

    Attributes
    ----------
    E, prediction : of the rows: now, after the update, and after it with a plus
    after : the weight with a plus
    reasons : why the update subtracts, and why some texts add
    """

    E: tuple[float, ...]
    prediction: tuple[str, ...]
    after: float
    reasons: tuple[Remark, ...]


@dataclass(frozen=True, eq=False)
class Axes:
    """Over what maps are drawn, and the rows that stand on them; the same at every step.

    Attributes
    ----------
    x, y : the axes, with the row's own values; None where no column holds numbers, or one alone does
    columns : all of them that hold numbers
    held : what the other columns stay at, as people read it
    rows, row_x, row_y : of some rows that the run's first timeline learns from, their numbers and places in the axes'
        units
    truth : (rows,) what they are; empty for classes and several targets
    middle, reach : of the predictions' colours: the mean of what that timeline learns, and how far most of it is from
        there; of classes 0.5
    """

    x: Axis | None
    y: Axis | None
    columns: tuple[str, ...]
    held: tuple[str, ...]
    rows: np.ndarray
    row_x: np.ndarray
    row_y: np.ndarray
    truth: np.ndarray
    middle: float
    reach: float


@dataclass(frozen=True)
class Part:
    """What a weight did to a number by a step."""

    weight: str
    part: float


@dataclass(frozen=True)
class Account:
    """A step's account: what each weight did to the prediction, or to E, the most first.

    All parts, rest and residual add up to after − before.

    Attributes
    ----------
    unit : of the prediction; "" for E
    rest, rest_weights : the sum of the parts that are not listed, and how many they are
    residual : what the parts leave over
    """

    of: ledger.Question
    unit: str
    before: float
    after: float
    parts: tuple[Part, ...]
    rest: float
    rest_weights: int
    residual: float
