"""Numbers as people read them."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from backlit.errors import DataError
from backlit.tables.metrics import METRICS, score
from backlit.words import fixed, plain, to_json

POSITIVE, NEGATIVE, QUIET, HEAD = "#4f9fdf", "#df8a3f", "grey58", "bold"  # blue and orange: safe for the colour-blind


def signed(value: float, digits: int = 4) -> Text:
    """A number in the colour of its sign."""
    return Text(fixed(value, digits), style=POSITIVE if value >= 0 else NEGATIVE)


def bars(values: Sequence[float], most: int = 16) -> str:
    """A curve as a line of blocks, from the least value to the greatest."""
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) > most:
        finite = [finite[round(i * (len(finite) - 1) / (most - 1))] for i in range(most)]
    low, high = min(finite), max(finite)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * (v - low) / ((high - low) or 1)))] for v in finite)


_TRAILING = re.compile(r"(?: |\x1b\[[\d;]*m)+$", re.MULTILINE)  # rich pads lines; colour codes must stay


@contextmanager
def printing() -> Iterator[None]:
    """Whoever reads may have had enough, as `head` has; that is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again when it ends
        raise DataError("output.unwritten", why=error.strerror) from error


def show(phases: Sequence[RenderableType]) -> None:
    """Print the phases one after another, text as it is; in a pipe 80 columns wide and plain."""
    console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
    with printing():
        for phase in phases:
            if isinstance(phase, str):  # a command to copy is not broken into lines
                print(phase, end="\n\n")
                continue
            with console.capture() as capture:
                console.print(phase)
                console.print()
            print(_TRAILING.sub(lambda end: end[0].replace(" ", ""), capture.get()), end="")


def print_json(content: Any, indent: int | None = 2) -> None:
    """Print a record as JSON that every reader takes: what is no finite number is null.

    Parameters
    ----------
    indent : None: all in one line
    """
    with printing():
        print(to_json(content, indent))


def grid(headings: Sequence[str], left: int = 1, gap: int = 3) -> Grid:
    """A table without lines, to be filled; its first columns, `left` of them, are of text, the others of numbers."""
    made = Grid(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    for i, heading in enumerate(headings):
        made.add_column(Text(plain(heading)), justify="left" if i < left else "right", header_style=QUIET)
    return made


def test_scores(scores: Mapping[str, Mapping[str, float | None]], title: str, unit: str) -> list[RenderableType]:
    """The figures of the network beside the baselines', where some rows were left to test on."""
    if not scores:
        return []
    names = list(next(iter(scores.values())))
    made = grid((title, *(METRICS[name].title for name in names)))
    for who, figures in scores.items():
        values = (math.nan if (value := figures[name]) is None else value for name in names)
        shown = [Text(plain(score(name, value, unit))) for name, value in zip(names, values)]
        made.add_row(Text(who), *shown, style=HEAD if who == "backlit" else "")
    return [made]
