"""Draws the pictures of the documentation: python docs/figures/make.py [FOLDER] [.svg | .png]."""

import sys
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import backlit as bl
from backlit import figures
from backlit.explain import what_if
from backlit.lesson import first_network, house_rows

BLUE, ORANGE, QUIET = figures.COLOUR[True], figures.COLOUR[False], figures.QUIET


def main(folder: str = str(Path(__file__).parent), suffix: str = ".svg") -> None:
    """Each picture under its name in the folder."""
    net, theta, table, settings = first_network()
    t = bl.trace(net, theta, *house_rows(table, 0), settings, rows=[0], table=table)
    pictures = {
        "house-0-network": figures.network(t),
        "house-0-textbook": figures.network(t, names="textbook"),
        "house-0-along-weight": figures.along_weight(what_if.along_weight(t, "w2[2, 1]")),
        "house-0-along-step": figures.along_step(what_if.along_step(t)),
    }
    with style.context(["default", figures.STYLE]):
        pictures |= {"engine-tile": tile(), "engine-threads": threads()}
    for name, picture in pictures.items():
        figures.save(picture, Path(folder) / f"{name}{suffix}")


def plain(width: float, height: float) -> Axes:
    """Axes without anything, an inch a unit, y downwards."""
    axes = Figure((width, height)).add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def box(axes: Axes, x: float, y: float, w: float, h: float, colour: str, alpha: float, told: str = "") -> None:
    """A rectangle, x and y being its upper left corner, with a text in it."""
    axes.add_patch(Rectangle((x, y), w, h, facecolor=(colour, alpha), edgecolor=QUIET, lw=0.6))
    if told:
        axes.text(x + w / 2, y + h / 2, told, ha="center", va="center")


def tile() -> Figure:
    """One k of the kernel: a broadcast element of A, a row of B, a tile of C."""
    axes = plain(6.4, 3.5)
    rows, vectors, columns, k, m = 6, 4, 7, 3, 2
    left, top, high, wide = 2.6, 1.5, 0.25, 0.55
    for i in range(rows):
        for j in range(columns):
            shade = 0 if j != k else 0.9 if i == m else 0.3
            box(axes, 0.4 + j * high, top + i * high, high, high, ORANGE, shade)
        for j in range(vectors):
            box(axes, left + j * wide, top + i * high, wide, high, BLUE, 0.75 if i == m else 0.25)
    for i in range(4):
        for j in range(vectors):
            box(axes, left + j * wide, 0.25 + i * high, wide, high, ORANGE, 0.5 if i == 2 else 0)
    here, y = 0.4 + (k + 0.5) * high, top + (m + 0.5) * high
    middle, right = left + vectors * wide / 2, left + vectors * wide + 0.15
    arrow = {"arrowstyle": "->", "color": "0.3", "lw": 1}
    axes.annotate("", (left - 0.02, y), (here, y), arrowprops=arrow)
    axes.annotate("", (middle, top - 0.02), (middle, 0.25 + 2.5 * high), arrowprops=arrow)
    below = top + rows * high + 0.12
    axes.text(0.4 + columns * high / 2, below, "A, rows of the tile;\none element in every lane", ha="center", va="top")
    axes.text(middle, below, "the tile of C, in registers", ha="center", va="top")
    axes.text(right, 0.25 + 2.5 * high, "row k of B,\nloaded once", va="center")
    axes.text(right, y, "c ← a · b + c,\nrounded once", va="center")
    axes.text(here, top - 0.06, "column k", ha="center")
    return axes.figure


def threads() -> Figure:
    """A step's two halves shared among three threads."""
    axes = plain(6.9, 2.6)
    start, first, second, gap, high = 0.85, 2.9, 1.75, 0.2, 0.4
    then = start + first + gap
    for thread in range(3):
        y = 0.5 + 0.52 * thread
        axes.text(0.1, y + high / 2, f"thread {thread + 1}", va="center")
        told = f"batch rows {32 * thread} to {32 * thread + 31}:\ngather, feed forward, loss, backpropagate"
        box(axes, start, y, first - 0.1 * thread, high, BLUE, 0.3, told)
        box(
            axes, then, y, second - 0.1 * (2 - thread), high, ORANGE, 0.3, "some rows of the weights:\ngradient, update"
        )
        box(axes, then + second + gap, y, 0.8, high, BLUE, 0.15, "next step")
    meetings = {then - gap / 2: "every dZ is there", then + second + gap / 2: "every weight is new"}
    for x, told in meetings.items():
        axes.plot([x, x], [0.35, 2.05], color="0.3", lw=1.5)
        axes.text(x, 2.12, f"all meet:\n{told}", ha="center", va="top")
    axes.text(start + first / 2, 0.3, "first half", ha="center")
    axes.text(then + second / 2, 0.3, "second half", ha="center")
    return axes.figure


if __name__ == "__main__":
    main(*sys.argv[1:])
