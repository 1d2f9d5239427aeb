"""What a run is about, its rows and its timelines; and the news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from backlit.runs.race import Ending
from backlit.studio.messages.asked import Cell


@dataclass(frozen=True)
class Column:
    """A column of the table that the network learns from.

    Attributes
    ----------
    levels : of a category or boolean; () otherwise
    low, high : of a number, over what was learnt from; None otherwise
    """

    name: str
    kind: str
    unit: str
    levels: tuple[str, ...]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Change:
    """What a timeline does in another way than its parent, as text."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Timeline:
    """A line of steps. start: where it leaves its parent; steps: the last state there is; planned: where it will end.

    train, validation : how many rows it learns from, and watches
    rows : those it learns from, where they are few
    best : the step whose weights predict, the best on the watched rows; None where none are watched
    reason : why it is finished, or "diverged"; None where it can go on
    settings : those that a fork may change, name -> value, as it is typed
    """

    name: str
    parent: str | None
    start: int
    steps: int
    train: int
    validation: int
    rows: tuple[int, ...]
    best: int | None
    planned: int
    steps_an_epoch: int
    changes: tuple[Change, ...]
    reason: str | None
    settings: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A run file, and the network in it.

    Attributes
    ----------
    key : by which it is opened
    name : of its file
    rows : of the table; None where it is not at hand
    opens : the timeline that is looked at first; "": the newest
    sources : how many numbers come into the first layer with a number
    layers : the units of each such layer
    error : what errors of epochs are called, such as "RMSE"; error_unit: "" where they have none
    """

    key: str
    name: str
    target: str
    unit: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: int | None
    opens: str
    sources: int
    layers: tuple[int, ...]
    weights: int
    error: str
    error_unit: str
    notices: tuple[str, ...]
    timelines: tuple[Timeline, ...]


@dataclass(frozen=True)
class Setting:
    """A setting of a new run.

    Attributes
    ----------
    part : "network": of table and network
    usual : whether it is shown first
    help : what it is, in a sentence
    value : the default, as it is typed; "" for None. none: what that stands for
    kind : "number", one of some "names", or numbers of "units", one for each layer
    names : to choose from, of names
    allowed : what it must be, of numbers and units
    least, above, below, whole : of numbers; None: no such limit
    """

    name: str
    label: str
    part: Literal["network", "training", "fit"]
    usual: bool
    help: str
    value: str
    none: str
    kind: Literal["number", "names", "units"]
    names: tuple[str, ...]
    allowed: str
    least: float | None
    above: float | None
    below: float | None
    whole: bool


@dataclass(frozen=True)
class Shelf:
    """What can be opened or begun on: runs and tables, by key and name.

    Attributes
    ----------
    opens : the run that is opened where the page's address names none
    settings : of a new run
    small : those with which every number can be followed by hand, name -> value, as it is typed
    table : the table to set up; "" for none
    """

    opens: str
    runs: dict[str, str]
    tables: dict[str, str]
    settings: tuple[Setting, ...]
    small: dict[str, str]
    upload_limit: int
    table: str = ""


# --- rows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Feature:
    """A row's entry in a column; None: missing. text: as people read it."""

    column: str
    value: Cell
    text: str


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
    """A row with its prediction; off: by how much it is wrong, in the target's unit (for classes, its log-loss)."""

    row: int
    truth: str
    prediction: str
    off: float
    off_text: str


@dataclass(frozen=True)
class RowErrors:
    """The worst rows, and how they stand among `of` rows: their mean and median error."""

    rows: tuple[RowError, ...]
    of: int
    mean_text: str
    median_text: str


# --- history -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochPoint:
    """An epoch's errors, in `Run.error_unit`. step: updates made by its end."""

    epoch: int
    step: int
    train: float | None
    validation: float | None
    improved: bool


@dataclass(frozen=True, eq=False)
class History:
    """A timeline's figures: a number for each of `step`. Where steps are gathered: the mean E, the other's largest.

    baselines : the error, in `Run.error_unit`, of always the mean and of a linear model. They are fitted on the rows
        that the run learns from, and measured on those that this timeline watches, or else learns from
    """

    timeline: str
    step: np.ndarray
    rate: np.ndarray
    E: np.ndarray
    gradient_norm: np.ndarray
    update_norm: np.ndarray
    epochs: tuple[EpochPoint, ...]
    baselines: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """What came of a timeline's training, in a sentence; "" where there is nothing to say of it."""

    text: str


@dataclass(frozen=True)
class WeightGap:
    """A weight that two timelines have in another way."""

    weight: str
    a: float
    b: float


@dataclass(frozen=True)
class RowGap:
    """A row that two timelines predict in another way. gain: how much nearer to the truth b is; gain_text: its size."""

    row: int
    truth: str
    a: str
    b: str
    gain: float
    gain_text: str


@dataclass(frozen=True)
class Comparison:
    """Two timelines side by side. parted: the step up to which they are the same, None for two beginnings.

    at : at which steps they are compared, as people read it
    mean_gain_text : the size of `mean_gain`
    """

    a: str
    b: str
    parted: int | None
    at: str
    changes: tuple[Change, ...]
    weights: tuple[WeightGap, ...]
    gained: tuple[RowGap, ...]
    lost: tuple[RowGap, ...]
    mean_gain: float
    mean_gain_text: str


# --- news, over the WebSocket ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Training:
    """A training, as far as it has come.

    Attributes
    ----------
    step : of the last state that was made
    stop : the step that it goes to; None: until it is stopped, or its settings end it
    running : whether it goes on
    ended : whether its settings have ended it
    E : of the step that led here, where it was just made
    trouble : why it broke off; "" where it did not
    """

    run: str
    timeline: str
    step: int
    stop: int | None
    running: bool = True
    ended: bool = False
    E: float | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Lane:
    """How a learning rate stands in a race.

    Attributes
    ----------
    timeline : its name
    step : of the last state that was made; where it diverged, the step that went wrong
    E : of the step that led there; where it diverged, the last one that was a number
    before, after, share : as of `backlit.runs.race.Lane`, once it has come to its end
    ending : what became of E; None while it goes on
    """

    timeline: str
    rate: float
    step: int
    E: float | None = None
    before: float | None = None
    after: float | None = None
    share: float | None = None
    ending: Ending | None = None


@dataclass(frozen=True)
class Standings:
    """A race of learning rates from a step of a timeline, as far as it has come. steps: that each shall make."""

    run: str
    timeline: str
    step: int
    steps: int
    running: bool
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Rates:
    """Learning rates that are worth a race: one that crawls, the present one, one beyond what E's curvature allows."""

    rates: tuple[float, ...]


@dataclass(frozen=True)
class News:
    """Something has happened; what is None has not.

    Attributes
    ----------
    training : one goes on, or has ended
    standings : of a race, where it is one
    epoch : one of its timeline has ended
    run : it has another timeline, or one has ended
    shelf : there is another run
    notice : what the user should know
    """

    training: Training | None = None
    standings: Standings | None = None
    epoch: EpochPoint | None = None
    run: Run | None = None
    shelf: Shelf | None = None
    notice: str | None = None


@dataclass(frozen=True)
class Begun:
    """A run was begun. notices: what the user should know of it."""

    run: str
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why a question has no answer."""

    error: str
    kind: Literal["invalid", "forbidden", "gone"] = "invalid"
