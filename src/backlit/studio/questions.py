"""What the page can ask. The second parameter of each function says with what; what it returns is the reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backlit.studio.chains import account, chain, line, signs
from backlit.studio.history import compare, history, rates, run, verdict
from backlit.studio.layouts import names
from backlit.studio.maps import axes, landscape, maps, surface
from backlit.studio.moments import layout, moment, step, unit, weights
from backlit.studio.pulls import paths, pulls, wishes, wrong_way
from backlit.studio.rows import row, worst
from backlit.studio.setup import shelf, table

FUNCTIONS = (
    layout, names, moment, step, weights, unit, axes, maps, surface, landscape, pulls, paths, wishes, wrong_way, chain,
    signs, line, account, row, worst, history, verdict, rates, compare, run, shelf, table,
)  # fmt: skip
QUESTIONS: dict[str, Callable[..., Any]] = {question.__name__: question for question in FUNCTIONS}
