"""A chain as people read it: in a terminal, in LaTeX, in a notebook."""

from __future__ import annotations

import html as markup
from typing import TYPE_CHECKING

from backlit import words
from backlit.core.layer import Link
from backlit.words import percent, say

if TYPE_CHECKING:
    from backlit.explain.chain import Chain, Check


def number(value: float, digits: int = 6) -> str:
    """A number with so many significant digits and a true minus sign."""
    return words.number(value, digits=digits)


def meaning(link: Link) -> str:
    """What a factor means, in a few words."""
    return say(link.kind, **link.facts)


def text(chain: Chain) -> str:
    """The factors of each path below one another, then the sum, the check and the update."""
    several = chain.rows > 1
    lines = [f"∂E/∂{chain.weight} = {number(chain.gradient)}     blame {percent(chain.blame)}     {_size(chain)}"]
    for path in chain.paths:
        lines.append("")
        lines += [f"  row {path.row}"] if several else []
        for i, factor in enumerate(path.factors):
            lines.append(f"  {'×' if i else ' '} {number(factor.value):>12}  {factor.symbol:<18} {meaning(factor)}")
        lines.append(f"  = {number(path.product):>12}")
    if chain.rest_paths:
        lines += ["", f"  + {number(chain.rest):>12}  the other {chain.rest_paths:,} paths together"]
    if len(chain.paths) + bool(chain.rest_paths) > 1:
        lines.append(f"  = {number(chain.gradient):>12}  the sum over all paths{' and rows' * several}")
    lines += ["", f"  check    {_checked(chain.check)}"]
    if chain.update is not None:
        lines += ["", *(f"  {line}" for line in chain.update.lines(chain.gradient))]
    return "\n".join(lines)


def latex(chain: Chain) -> str:
    """Symbols on one line, numbers on the next, for each path."""
    left = rf"\frac{{\partial E}}{{\partial {_symbol(chain.weight)}}}"
    lines = []
    for i, path in enumerate(chain.paths):
        sign = "=" if i == 0 else r"\quad +"
        lines.append(rf"{left if i == 0 else ''} &{sign} " + r" \cdot ".join(_tex(f.symbol) for f in path.factors))
        numbers = r" \cdot ".join(_value(factor.value) for factor in path.factors)
        lines.append(rf"&\quad = {numbers} = {_value(path.product)}")
    if chain.rest_paths:
        lines.append(rf"&\quad + {_value(chain.rest)} \text{{ (the other {chain.rest_paths} paths)}}")
    if len(chain.paths) + bool(chain.rest_paths) > 1:
        lines.append(rf"&= {_value(chain.gradient)}")
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def html(chain: Chain) -> str:
    """A table for notebooks."""
    rows = []
    for path in chain.paths:
        for i, factor in enumerate(path.factors):
            cells = (("×" if i else ""), number(factor.value), factor.symbol, meaning(factor))
            rows.append("".join(f"<td style='text-align:left'>{markup.escape(cell)}</td>" for cell in cells))
        rows.append(f"<td>=</td><td style='text-align:left'><b>{number(path.product)}</b></td><td></td><td></td>")
    if chain.rest_paths:
        rows.append(f"<td>+</td><td>{number(chain.rest)}</td><td></td><td>the other {chain.rest_paths:,} paths</td>")
    head = f"∂E/∂{chain.weight} = {number(chain.gradient)}"
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    notes = [_checked(chain.check), *(chain.update.lines(chain.gradient) if chain.update else [])]
    said = "<br>".join(markup.escape(note) for note in notes)
    return f"<p><b>{markup.escape(head)}</b></p><table>{body}</table><p>{said}</p>"


def _size(chain: Chain) -> str:
    paths = len(chain.paths) + chain.rest_paths
    return f"{paths:,} path{'s' * (paths > 1)}" + f" over {chain.rows:,} rows" * (chain.rows > 1)


def _checked(check: Check) -> str:
    if check.kink:
        return f"finite differences meet a kink: {number(check.left)} on its left, {number(check.right)} on its right"
    return f"by finite differences {number(check.value)}: agrees to {check.digits} digits"


def _value(value: float) -> str:
    shown = f"{value:.6g}"
    if "e" in shown:
        digits, _, exponent = shown.partition("e")
        shown = rf"{digits}\times 10^{{{int(exponent)}}}"
    return rf"({shown})" if value < 0 else shown


def _symbol(name: str) -> str:
    """w1[sqft_living, 2] as w^{(1)}_{\\text{sqft\\_living}, 2}, s[1] as s_{1}."""
    kind, _, place = name.partition("[")
    letter = kind.rstrip("0123456789")
    layer = kind.removeprefix(letter)
    letter = {"gamma": r"\gamma", "beta": r"\beta"}.get(letter, letter)
    *source, unit = place.removesuffix("]").rsplit(",", 1)
    below = ", ".join(_escaped(part.strip()) for part in (*source, unit))
    return letter + (f"^{{({layer})}}" if layer else "") + f"_{{{below}}}"


def _tex(symbol: str) -> str:
    if symbol.startswith("∂") and "/∂" in symbol:
        top, bottom = symbol.split("/∂", 1)  # a column may be called so, too
        return rf"\frac{{\partial {_tex(top[1:])}}}{{\partial {_tex(bottom)}}}"
    named = symbol.partition("[")[0].rstrip("0123456789") in ("w", "b", "a", "n", "s", "gamma", "beta", "mask")
    return _symbol(symbol) if named and symbol.endswith("]") else _escaped(symbol)


def _escaped(text: str) -> str:
    """Any text within mathematics: names upright, every special character written out."""
    special = {c: "\\" + c for c in "#$%&_{}"} | {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
    safe = "".join(special.get(c, c if c.isprintable() and ord(c) < 0x2500 else "?") for c in text)
    return safe if safe.isdigit() or len(safe) == 1 else rf"\text{{{safe}}}"
