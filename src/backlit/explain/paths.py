"""A chain as a record, and as people read it: in a terminal, in LaTeX, in a notebook."""

from __future__ import annotations

import html as markup
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from backlit import words
from backlit.core.layer import Link
from backlit.explain.update import WeightUpdate
from backlit.words import say

LINE, MEANINGS = 80, 37  #: columns of a terminal, and the one where meanings begin
GREEK = ("alpha", "beta", "gamma", "delta", "lambda", "sigma")  #: names that are written as letters


def number(value: float, digits: int = 6) -> str:
    """A number with so many significant digits and a true minus sign."""
    return words.number(value, digits=digits)


@dataclass(frozen=True)
class Path:
    """One way from E back to the weight, for one row; product: of all factors' values."""

    row: int
    factors: tuple[Link, ...]
    product: float


@dataclass(frozen=True)
class Check:
    """∂E/∂w by finite differences, and to how many digits it agrees.

    kink : the slope jumps within the differences' reach, which therefore tell nothing; left and right are one-sided
    """

    value: float
    digits: int
    kink: bool = False
    left: float = 0.0
    right: float = 0.0

    def __str__(self) -> str:
        return say("check.kink" if self.kink else "check.agrees", **asdict(self))


@dataclass(frozen=True)
class Chain:
    """The chain rule of one weight, with its numbers.

    Attributes
    ----------
    paths : those listed, the strongest first
    rest, rest_paths : the sum and the number of those not listed; paths + rest = gradient
    rows : how many rows are summed over
    """

    weight: str
    value: float
    gradient: float
    blame: float
    paths: tuple[Path, ...]
    rest: float
    rest_paths: int
    rows: int
    check: Check
    update: WeightUpdate | None

    def text(self) -> str:
        """The factors of each path below one another, then the sum, the check and the update."""
        several = self.rows > 1
        share = say("chain.share", blame=self.blame)
        lines = [f"∂E/∂{self.weight} = {number(self.gradient)}     {share}     {self._size()}"]
        for path in self.paths:
            lines.append("")
            lines += [f"  row {path.row}"] if several else []
            for i, factor in enumerate(path.factors):
                start = f"  {'×' if i else ' '} {number(factor.value):>12}  {factor.symbol:<18} "
                lines += textwrap.wrap(
                    f"{start}{factor.meaning}", LINE, subsequent_indent=" " * MEANINGS,
                    break_long_words=False, break_on_hyphens=False,
                )  # fmt: skip
            lines.append(f"  = {number(path.product):>12}")
        if self.rest_paths:
            lines += ["", f"  + {number(self.rest):>12}  the other {self.rest_paths:,} paths together"]
        if len(self.paths) + bool(self.rest_paths) > 1:
            lines.append(f"  = {number(self.gradient):>12}  the sum over all paths{' and rows' * several}")
        lines += ["", f"  check    {self.check}"]
        if self.update is not None:
            lines += ["", *(f"  {line}" for line in self.update.lines(self.gradient))]
        return "\n".join(lines)

    def latex(self) -> str:
        """An align* environment, which needs amsmath: for each path symbols on one line, numbers on the next."""
        lines = [f"{left} &{right}" for left, right in self._lines()]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"

    def lines(self) -> list[str]:
        """The same line by line, each of which may be broken at its signs."""
        return [f"{left} {right}".strip() for left, right in self._lines()]

    def _lines(self) -> Iterator[tuple[str, str]]:
        left = rf"\frac{{\partial E}}{{\partial {_symbol(self.weight)}}}"
        for i, path in enumerate(self.paths):
            symbols = r" \cdot ".join(_tex(factor.symbol) for factor in path.factors)
            yield ("", rf"\quad + {symbols}") if i else (left, f"= {symbols}")
            numbers = r" \cdot ".join(_value(factor.value) for factor in path.factors)
            yield "", rf"\quad = {numbers} = {_value(path.product)}"
        if self.rest_paths:
            yield "", rf"\quad + {_value(self.rest)} \text{{ (the other {self.rest_paths} paths)}}"
        if len(self.paths) + bool(self.rest_paths) > 1:
            yield "", rf"= {_value(self.gradient)}"

    def called(self, name: Callable[[str], str]) -> Chain:
        """The same, with other names of weights, inputs and units, such as `Network.textbook` says them."""

        def renamed(link: Link) -> Link:
            top, bar, bottom = link.symbol.removeprefix("∂").partition("/∂")
            if not link.symbol.startswith("∂") or not bar:
                return replace(link, symbol=name(link.symbol))
            return replace(link, symbol=f"∂{top if top == 'E' else name(top)}/∂{name(bottom)}")

        paths = tuple(replace(path, factors=tuple(map(renamed, path.factors))) for path in self.paths)
        return replace(self, weight=name(self.weight), paths=paths)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = []
        for path in self.paths:
            for i, factor in enumerate(path.factors):
                cells = (("×" if i else ""), number(factor.value), factor.symbol, str(factor.meaning))
                rows.append("".join(f"<td style='text-align:left'>{markup.escape(cell)}</td>" for cell in cells))
            rows.append(f"<td>=</td><td style='text-align:left'><b>{number(path.product)}</b></td><td></td><td></td>")
        if self.rest_paths:
            rows.append(f"<td>+</td><td>{number(self.rest)}</td><td></td><td>the other {self.rest_paths:,} paths</td>")
        head = f"∂E/∂{self.weight} = {number(self.gradient)}"
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        notes = [str(self.check), *(self.update.lines(self.gradient) if self.update else [])]
        said = "<br>".join(markup.escape(note) for note in notes)
        return f"<p><b>{markup.escape(head)}</b></p><table>{body}</table><p>{said}</p>"

    def __str__(self) -> str:
        return self.text()

    def _size(self) -> str:
        paths = len(self.paths) + self.rest_paths
        return f"{paths:,} path{'s' * (paths > 1)}" + f" over {self.rows:,} rows" * (self.rows > 1)


def _value(value: float) -> str:
    shown = f"{value:.6g}"
    if "e" in shown:
        digits, _, exponent = shown.partition("e")
        shown = rf"{digits}\times 10^{{{int(exponent)}}}"
    return rf"({shown})" if value < 0 else shown


def _symbol(name: str) -> str:
    """w1[sqft_living, 2] as w^{(1)}_{\\text{sqft\\_living}, 2}, s[1] as s_{1}, and of textbooks w1_12 as w1_{12}."""
    if textbook := re.fullmatch(r"([^\W\d_]+)(\d*)_([\d,]+)", name):
        letter, layer, numbers = textbook.groups()
        return f"{_letter(letter)}{layer}_{{{numbers}}}"
    kind, bracket, place = name.partition("[")
    letter = kind.rstrip("0123456789")
    layer = kind.removeprefix(letter)
    letter = _letter(letter)
    *source, unit = place.removesuffix("]").rsplit(",", 1)
    below = ", ".join(_escaped(part.strip()) for part in (*source, unit))
    return letter + (f"^{{({layer})}}" if layer else "") + (f"_{{{below}}}" if bracket else "")


def _tex(symbol: str) -> str:
    if symbol.startswith("∂") and "/∂" in symbol:
        top, bottom = symbol.split("/∂", 1)  # a column may be called so, too
        return rf"\frac{{\partial {_tex(top[1:])}}}{{\partial {_tex(bottom)}}}"
    written = r"([^\W\d_]+\d+|s|mask)\[.*]|([^\W\d_]+\d+|s|x)_[\d,]+"
    return _symbol(symbol) if re.fullmatch(written, symbol) else _escaped(symbol)


def _letter(text: str) -> str:
    return f"\\{text}" if text in GREEK else _escaped(text)


def _escaped(text: str) -> str:
    """Any text within mathematics: names upright, every special character written out."""
    special = {c: "\\" + c for c in "#$%&_{}"} | {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
    safe = "".join(special.get(c, c if c.isprintable() and ord(c) < 0x2500 else "?") for c in text)
    return safe if safe.isdigit() or len(safe) == 1 else rf"\text{{{safe}}}"
