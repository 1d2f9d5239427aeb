"""The words: what backlit says, from kinds and facts, and how it writes numbers.

Inner rooms answer with a kind and its facts; whoever prints asks `say`. A template names its facts in braces, each with
a format: ``{rows:count row}``, ``{value:number}``, ``{share:percent 0}``. What stands between ``[[`` and ``]]`` is said
where all its facts are there. So few rules can be followed in any language; the page has the same catalogue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

TINY, HUGE = 1e-4, 1e15  #: beyond which a number is written with an exponent

# --- numbers ---------------------------------------------------------------------------------------------------------


def number(value: float, unit: str = "", digits: int = 4) -> str:
    """A number in its unit: $221,900, 1,180 sqft, 47.51°, 0.03125.

    It has so many significant digits, and whatever stands before the decimal point. In a unit, it has no decimals from
    1,000 up; without one, thousands are parted from five digits on, since 1955 may be a year.
    """
    if not math.isfinite(value):
        return "not finite"
    if abs(value) < 10**digits:
        value = float(f"{value:.{digits}g}")
    size = abs(value)
    if size >= HUGE or 0 < size < TINY:
        text = _exponent(size, min(digits, 4))
    elif size >= 10**digits or (unit and size >= 1000):
        text = f"{size:,.0f}" if unit or size >= 10_000 else f"{size:.0f}"
    else:
        text = f"{size:.{digits}g}" if size < 10_000 else f"{size:,.{digits}g}"
    text = f"{'−' if value < 0 else ''}{'$' if unit == '$' else ''}{text}"
    return text if unit in ("", "$") else f"{text}{'' if unit in ('°', '%') else ' '}{unit}"


def fixed(value: float, decimals: int = 4) -> str:
    """A number with so many decimals, for columns and for what moves; 3.1e−8 where it would be rounded to 0."""
    size = abs(value)
    if not math.isfinite(value):
        return "not finite"
    if 0 < size < 0.5 * 10**-decimals or size >= 1e9:
        return "−" * (value < 0) + _exponent(size, 2)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")  # + 0.0 makes −0.0 a plain 0


def percent(share: float, decimals: int = 1) -> str:
    """A share in percent; 0% and 100% are said of nothing else."""
    if not math.isfinite(share):
        return "not finite"
    least = 0.5 * 10**-decimals / 100
    if 0 < share < least:
        return f"<{10**-decimals:g}%"
    if 1 - least < share < 1:
        return f">{100 - 10**-decimals:g}%"
    return f"{share:.{decimals}%}".replace("-", "−")


def chance(probability: float) -> str:
    """A predicted probability, which is never 0 or 1, though its arithmetic may have rounded it."""
    return percent(min(max(probability, 1e-9), 1 - 1e-9)) if math.isfinite(probability) else "not finite"


def count(n: int, noun: str = "") -> str:
    """So many, of something: 12,345; 1 row; 3 classes."""
    if not noun:
        return f"{n:,}"
    if n == 1:
        return f"1 {noun}"
    if re.search("[^aeiou]y$", noun):
        return f"{n:,} {noun[:-1]}ies"
    return f"{n:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def plain(text: str) -> str:
    """Text from a table, with control characters, terminal codes and direction marks written out as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def listed(names: Sequence[Any], last: str = "and") -> str:
    """Several things in quotes: 'a', 'b' and 'c'."""
    *first, final = map(repr, names)
    return f"{', '.join(first)} {last} {final}" if first else final


def _exponent(size: float, digits: int) -> str:
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    return f"{float(mantissa):g}e{int(exponent):+d}".replace("-", "−")


# --- sentences -------------------------------------------------------------------------------------------------------

_PART = re.compile(r"\[\[(?P<optional>.*?)\]\]|\{(?P<fact>\w+)(?::(?P<format>\w+) ?(?P<of>[^}]*))?\}")


def say(kind: str, /, **facts: Any) -> str:
    """The sentence of a kind, with its facts. A kind that the catalogue does not have is said by its own name.

    Parameters
    ----------
    kind : a key of WORDS; in what a plug-in adds, any name
    facts : numbers, texts, lists and remarks, by the names that the template has for them
    """
    if kind not in WORDS:
        known = ", ".join(f"{name} {_written(value)}" for name, value in facts.items())
        return ": ".join(filter(None, [kind.rpartition(".")[2].replace("_", " "), known]))
    return _filled(WORDS[kind], facts)


class Remark:
    """Something to be said: a kind and its facts. As text it is the catalogue's sentence.

    Attributes
    ----------
    kind : as of `say`
    facts : plain values, as JSON has them
    """

    def __init__(self, kind: str, /, **facts: Any) -> None:
        self.kind, self.facts = kind, facts

    def __str__(self) -> str:
        return say(self.kind, **self.facts)

    def __repr__(self) -> str:
        return f"Remark({', '.join([repr(self.kind), *(f'{name}={value!r}' for name, value in self.facts.items())])})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remark) and (self.kind, self.facts) == (other.kind, other.facts)

    def __hash__(self) -> int:
        return hash(str(self))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"kind": self.kind, **self.facts}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Remark:
        """The same again."""
        facts = dict(saved)
        return cls(facts.pop("kind"), **facts)


def _filled(template: str, facts: Mapping[str, Any]) -> str:
    def part(match: re.Match[str]) -> str:
        optional, fact, name, of = match.group("optional", "fact", "format", "of")
        if optional is not None:
            there = all(facts.get(each["fact"]) not in (None, "") for each in _PART.finditer(optional))
            return _filled(optional, facts) if there else ""
        return _formatted(facts[fact], name or "", of or "", facts)

    return _PART.sub(part, template)


def _formatted(value: Any, name: str, of: str, facts: Mapping[str, Any]) -> str:
    if name in ("number", "fixed", "percent", "chance"):
        value = math.nan if value is None else value  # as JSON has it
    if name == "number":
        return number(value, digits=int(of)) if of.isdigit() else number(value, facts[of] if of else "")
    if name in ("fixed", "percent"):
        return {"fixed": fixed, "percent": percent}[name](value, *([int(of)] if of else []))
    if name == "count":
        return count(value, of)
    if name == "quoted":
        return repr(value)
    if name in ("and", "or"):
        return listed(value, name)
    return chance(value) if name == "chance" else str(value)


def _written(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)


WORDS: dict[str, str] = {
    # how a network compares with a baseline
    "baseline.mean": "always the mean",
    "baseline.class shares": "always the shares of the classes",
    "finding.not_better": "no better than {baseline}, {metric} {own} against {other}",
    "finding.worse": "worse than the {baseline}, {metric} {own} against {other}",
    "finding.alike": "about as good as the {baseline}, {metric} {own} against {other}: too close to tell on {rows:count row}",
    "finding.better": "better than the {baseline}, {metric} {own} against {other}",
    # what training did
    "finding.diverged": "training diverged at step {step:count}[[, for {why}]]",
    "finding.overshot": "the error rose instead of falling[[, for {why}]]",
    "finding.overshooting": "[[from step {at:count} on, ]]above a rate of 2 / {curvature:number 3} = {limit:number 2} each step lands farther up the other side than it came from, and yours is {rate:number 2}",
    "finding.never_moved": "the error hardly fell, from E {start:number 3} to {best:number 3}[[: {why}]]",
    "finding.too_slow": "learning is too slow[[: {why}]]",
    "finding.timid": "rates up to {limit:number 2} lower it, and yours is {rate:number}",
    "finding.still_falling": "the error was still falling at the last epoch: by {fall:percent 0} over the second half of training",
    "finding.late_fall": "the error was still falling at the last epoch: {share:percent 0} of its whole fall was in the second half of training",
    "finding.no_signal": "neither is the linear model, so the columns may not tell {target}",
    "finding.underfitted": "with a dropout of {dropout:number} it does hardly better on the rows it learns from than on others",
    "finding.overfitted": "epoch {best_epoch} of {epochs} was the best, and its weights are used; E rose by {rise:percent 0} after it",
    # the links of a chain
    "link.score": "how much E changes when the output changes",
    "link.slope": "the slope of {activation} at z = {z:number 6}",
    "link.weight": "leads from unit {source} of layer {below} to unit {unit}",
    "link.input": "the input that the weight multiplies",
    "link.mask": "kept by dropout, and scaled",
    "link.norm": "how the norm of the layer passes it on",
    # the terms of an update
    "term.rate": "α",
    "term.gradient": "∂E/∂w",
    "term.averaged": "average",
    "update.clipped": "the gradient was too long: shortened to {share:percent} of itself",
    "update.averaged": "the step is against an average of this gradient and earlier ones",
    "update.still": "the learning rate is 0 at this step, so that no weight moves",
}
