"""Training: what it needs, and the loop that yields events."""

from backlit.training.loop import (
    Epoch,
    EpochDone,
    Event,
    Events,
    StepsDone,
    Stopped,
    epoch_order,
    evaluate,
    replay,
    train,
)
from backlit.training.plan import Metric, Plan, begin, plan_again, rows_a_step
from backlit.training.settings import (
    Reason,
    Settings,
    go_on,
    rate_at,
    why_stop,
)

__all__ = [
    "Epoch",
    "EpochDone",
    "Event",
    "Events",
    "Metric",
    "Plan",
    "Reason",
    "Settings",
    "StepsDone",
    "Stopped",
    "begin",
    "epoch_order",
    "evaluate",
    "go_on",
    "plan_again",
    "rate_at",
    "replay",
    "rows_a_step",
    "train",
    "why_stop",
]
