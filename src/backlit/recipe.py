"""Each setting of a fit once: its name, its default, which values it may have, and what it is.

The estimators, the command line, the studio's form, and what may be changed where a run goes on are made from it. It is
read for `--help`, so it imports nothing large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from backlit.core.registry import lookup, make_plain
from backlit.core.values import COUNT, FINITE, NOT_NEGATIVE, POSITIVE, SHARE, Names, Units, Values
from backlit.errors import ArgumentError

if TYPE_CHECKING:
    from backlit.core.losses import Loss
    from backlit.core.optimizers import Optimizer
    from backlit.engines.protocol import Engine
    from backlit.tables.metrics import Metric
    from backlit.tables.reading import Kinds
    from backlit.tables.table import Encoding
    from backlit.tables.target import Scaling

LEAST_EPOCHS, LEAST_STEPS = 60, 300

#: "network": of table and network, which stay as they are where learning goes on; "training": of the steps, which may
#: then be changed; "fit": all else
Part = Literal["network", "training", "fit"]


@dataclass(frozen=True)
class Setting:
    """What there is to know of a setting.

    Attributes
    ----------
    values : those that it may have; None: they are checked where they are used
    help : what it is, in a sentence with its unit
    none : what None stands for; "" where it may not be None
    """

    name: str
    default: Any
    part: Part
    values: Values | None
    help: str
    none: str

    def require(self, value: Any) -> Any:
        """A value, as plain Python; raises `ArgumentError` where the setting may not have it."""
        return value if self.values is None else self.values.require(self.name, value, bool(self.none))

    def write(self, value: Any) -> str:
        """How a value is typed; None is not."""
        return "" if value is None else (self.values or Values()).write(value)

    def read(self, text: str) -> Any:
        """The value that is typed so; nothing where that stands for something."""
        values = self.values or Values()
        if self.none and not text.strip():
            return None
        try:
            return values.read(text)
        except ValueError:
            raise ArgumentError("not_allowed", setting=self.name, value=text, allowed=values) from None


def setting(default: Any, part: Part, values: Values | None, help: str, none: str = "") -> Any:
    """A field of a dataclass of settings; see `Setting`."""
    return field(default=default, metadata={"part": part, "values": values, "help": help, "none": none})


def settings_of(record: Any) -> dict[str, Setting]:
    """The settings that a dataclass declares, by their names."""
    return {one.name: Setting(one.name, one.default, **one.metadata) for one in fields(record) if one.metadata}


@dataclass(kw_only=True, eq=False, repr=False)
class Choices:
    """Every choice about a fit, with one set of defaults for all tables."""

    hidden: Sequence[int] | int = setting((128, 128), "network", Units(), "Units of each hidden layer.")
    activation: str = setting(
        "relu", "network", Names("backlit.core.activations:ACTIVATIONS"), "How a hidden unit bends its sum."
    )
    encoding: Encoding = setting(
        "piecewise", "network", Names("backlit.tables.table:ENCODINGS"),
        "How numbers go in: piecewise, an input for each of a number's bins; or plain, one input.",
    )  # fmt: skip
    bins: int = setting(48, "network", COUNT, "At most so many bins for a column of numbers, at its quantiles.")
    columns: Kinds = setting(
        None, "network", None,
        'The columns to use, or the kinds of some: {"zipcode": "category", "note": "drop"}.', "all that are of use",
    )  # fmt: skip
    target: Scaling = setting(
        "standard", "network", Names("backlit.tables.target:SCALINGS"),
        "How numbers are predicted: standard, centred and scaled; log, their logarithm so; or raw, as they are.",
    )  # fmt: skip
    loss: str | Loss | None = setting(
        None, "network", Names("backlit.core.losses:LOSSES"), "What is made small.",
        "squared error for numbers, cross-entropy for classes",
    )  # fmt: skip
    optimizer: str | Optimizer = setting(
        "adamw", "training", Names("backlit.core.optimizers:OPTIMIZERS"), "How gradients become steps."
    )
    learning_rate: float = setting(1e-3, "training", POSITIVE, "How far a step goes: α, before its schedule.")
    schedule: Any = setting(
        "warmup_cosine", "training", Names("backlit.core.schedules:SCHEDULES"),
        "How the learning rate changes over the planned steps, such as constant or cosine.",
    )  # fmt: skip
    batch_size: int | None = setting(256, "training", COUNT, "Rows in a step.", "all rows")
    epochs: int | None = setting(
        None, "training", COUNT, "Passes over the rows, from the run's start.",
        f"{LEAST_EPOCHS}, or enough for {LEAST_STEPS} steps",
    )  # fmt: skip
    max_steps: int | None = setting(None, "training", COUNT, "Stop after so many steps.", "no limit")
    max_seconds: float | None = setting(None, "training", POSITIVE, "Stop after so many seconds.", "no limit")
    dropout: float = setting(0.15, "training", SHARE, "Share of the hidden units silenced while training.")
    weight_decay: float | None = setting(
        None, "training", NOT_NEGATIVE, "Pull of the weights towards 0 in each step.", "the optimizer's own"
    )
    clip_norm: float | None = setting(
        None, "training", POSITIVE, "Shorten a longer gradient to this length.", "no clipping"
    )
    metric: str | Metric | None = setting(
        None, "fit", Names("backlit.tables.metrics:METRICS"),
        "What is watched, as people read it: of r2 a greater value is better.", "the error E",
    )  # fmt: skip
    patience: int | None = setting(
        None, "training", COUNT, "Stop after so many epochs in a row without a better metric.", "never"
    )
    target_error: float | None = setting(
        None, "training", FINITE, "Stop once the metric is this good: an r2 of 0.9, an rmse of 20000.", "never"
    )
    engine: str | Engine = setting(
        "auto", "training", Names("backlit.engines.choice:CHOICES"),
        "What runs the steps: native, the fast one; reference, the readable one; or auto, the native one where it can.",
    )  # fmt: skip
    threads: int | None = setting(
        None, "fit", COUNT, "Threads of the native engine, which yields the same bits on any number.",
        "the usable cores, 1 in a worker process",
    )  # fmt: skip


SETTINGS = settings_of(Choices)

#: those that are typed one by one; what the columns are and how the target is scaled is asked for in another way
TYPED = {name: one for name, one in SETTINGS.items() if name not in ("columns", "target")}


def values_typed(texts: Mapping[str, str]) -> dict[str, Any]:
    """Settings by their names, from what is typed for each."""
    return {name: lookup("setting", TYPED, name).read(text) for name, text in texts.items()}


@dataclass(kw_only=True)
class Recipe(Choices):
    """Every choice about a fit, checked; and the units of columns and target, by their names."""

    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make_plain(self)
        if isinstance(self.hidden, int | float):
            self.hidden = (self.hidden,)  # type: ignore[assignment]  # half a unit is refused below
        for name, setting in SETTINGS.items():
            setting.require(getattr(self, name))

    @property
    def layers(self) -> tuple[int, ...]:
        """The units of each hidden layer."""
        return self.hidden  # type: ignore[return-value]  # a number was made a tuple
