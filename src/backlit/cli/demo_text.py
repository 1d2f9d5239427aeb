"""What `backlit demo` prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from backlit.cli.demo import Act1, Act2, Runaway, first_act, second_act
from backlit.cli.text import HEAD, NEGATIVE, POSITIVE, QUIET, bars, grid, print_json, show, signed, test_scores
from backlit.core.layer import Link
from backlit.core.values import WIDTH
from backlit.errors import ArgumentError, require
from backlit.explain.trace import Trace
from backlit.tables.datasets import load_houses
from backlit.tables.target import Target
from backlit.words import fixed, number, say

MOST_ROWS = 16  #: of a table of units or weights


def run(*, house: int, rate: float, hidden: int, seed: int, act: int | None, step_through: bool, json: bool) -> None:
    """The command: compute what was asked for, and show it."""
    WIDTH.require("--hidden", hidden)
    require("--rate", rate, lambda v: np.isfinite(v) and v > 0, "a finite number greater than 0")
    require("--seed", seed, lambda v: v >= 0, "0 or greater")
    houses = load_houses()
    require("--house", house, lambda v: 0 <= v < houses.height, f"a row of the table, from 0 to {houses.height - 1}")
    first = first_act(house, rate, hidden, seed) if act in (None, 1) else None
    if json:
        second = second_act(seed) if act in (None, 2) else None
        acts = {"act1": first and _listed(first), "act2": second}
        print_json({name: numbers for name, numbers in acts.items() if numbers})
        return
    if first is not None:
        phases = act1(first)
        page_by_page(phases) if step_through else show(phases)
    if act == 2 or (act is None and first is not None and first.runaway is None):
        show(act2(second_act(seed)))


def _listed(act: Act1) -> dict[str, Any]:
    """Act 1 as JSON, every number of its trace included."""
    t, hidden = act.trace, act.trace.layer(1)
    facts = {name: value for name, value in vars(act).items() if name not in ("trace", "runaway")}
    outcomes = {
        name: {"prediction": float(u.prediction[0, 0]), "difference": float(u.difference[0, 0]), "E": u.E}
        for name, u in (("before", t), ("after", t.after))
    }
    lesson = {
        "inputs": dict(zip(t.net.inputs, t.data.X[0])),
        "z": hidden.Z[0],
        "a": hidden.A[0],
    }
    lesson |= {"s": float(t.S[0, 0]), "rate": t.rate, **outcomes}
    lesson["chains"] = [t[name].chain() for name in t.net.weight_names()]
    return {**facts, "runaway": act.runaway and asdict(act.runaway), "lesson": lesson}


def act1(numbers: Act1) -> list[RenderableType]:
    """The phases of the first act."""
    t = numbers.trace
    return [
        _house(numbers),
        _feed_forward(t),
        _error(t),
        _backpropagate(t),
        _update(t),
        _again(t),
        _all_houses(numbers),
    ]


def _house(numbers: Act1) -> RenderableType:
    house, net = numbers.house, numbers.trace.net
    facts = f"{number(house['sqft_living'], 'sqft')} · grade {house['grade']} · latitude {house['lat']:.2f}"
    head = Text.assemble((f"House {house['row']}   ", HEAD), facts)
    sold = f"sold for {number(house['price'], '$')}"
    head.append(" " * max(3, 79 - len(head) - len(sold)) + sold, HEAD)
    units = len(numbers.trace.layer(1).b)
    return Group(
        head,
        Text(
            f"{len(net.inputs)} inputs, {units} tanh unit{'s' * (units > 1)}, 1 output; {net.size} weights, "
            "drawn at random but for the biases, which start at 0",
            style=QUIET,
        ),
    )


def _feed_forward(t: Trace) -> RenderableType:
    hidden, output, target = t.layer(1), t.layer(2), _target(t)
    x, w2 = t.data.X[0], output.W[:, 0]
    units = grid(("", *t.net.inputs, "bias", "z", "tanh(z)", "w2"), left=0, gap=2)
    units.add_row(Text("input", style=QUIET), *map(signed, x), Text("1", style=QUIET))
    for j in range(min(MOST_ROWS, len(w2))):
        values = (*hidden.W[:, j], hidden.b[j], hidden.Z[0, j], hidden.A[0, j], w2[j])
        units.add_row(Text(f"unit {j + 1}", style=QUIET), *map(signed, values))
    if len(w2) > MOST_ROWS:
        units.add_row(Text(f"+ {len(w2) - MOST_ROWS} more", style=QUIET))
    s = float(t.S[0, 0])
    centre, scale = number(target.centre[0], "$"), number(target.scale[0], "$")
    return _phase(
        1,
        "Feed forward",
        "inputs · weights (a dot product) + bias = z, then tanh",
        units,
        Text(f"unit 1   {_dot(x, hidden.W[:, 0])}\n         + {fixed(hidden.b[0])} = {fixed(hidden.Z[0, 0])}"),
        Text(f"output   {_dot(hidden.A[0], w2)}\n         + {fixed(output.b[0])} = {fixed(s)}"),
        Text.assemble(f"prediction  {centre} + {scale} · {_bracket(s)} = ", (_price(t), HEAD)),
        Text("inputs and price: standard deviations from the mean of the training houses", style=QUIET),
    )


def _error(t: Trace) -> RenderableType:
    miss, scale = float(t.difference[0, 0]), _target(t).scale[0]
    remark = f"{number(abs(miss), '$')} too {'high' if miss > 0 else 'low'}"
    formula = f"E = ({number(abs(miss))} / {number(scale)})² = "
    return _phase(
        2, "Error", remark, Text.assemble(formula, (fixed(t.E), HEAD), ("     what training makes small", QUIET))
    )


def _backpropagate(t: Trace) -> RenderableType:
    lines: list[Text] = []
    for chain in (t[name].chain() for name in t.strongest()):
        way = f"   {chain.blame:4.0%} of all pull: more of it {'raises' if chain.gradient > 0 else 'lowers'} E"
        lines.append(Text.assemble((f"{chain.weight:20}", HEAD), "  ∂E/∂w = ", signed(chain.gradient), way))
        product = " × ".join(f"{fixed(f.value)} ({_label(f)})" for f in chain.paths[0].factors)
        head, _, last = product.rpartition(" × ")
        lines += [Text(f"  = {product}")] if len(product) <= 72 else [Text(f"  = {head}"), Text(f"    × {last}")]
        check = f"{fixed(chain.check.value)}, agrees to {chain.check.digits} digits"
        lines.append(Text(f"  check by finite differences: {check}", style=QUIET))
    return _phase(3, "Backpropagate", "from the output back to the inputs: which weight is to blame?", *lines)


def _update(t: Trace) -> RenderableType:
    example = t[t.strongest()[-1]].chain()
    update, rest = example.update, t.net.size - MOST_ROWS
    assert update is not None
    weights = grid(("weight", "w", "∂E/∂w", "of all pull", update.symbols))
    frame = t.table().sort("blame", descending=True, maintain_order=True)
    for name, w, gradient, share, after in frame.select("weight", "value", "gradient", "blame", "after").iter_rows():
        if weights.row_count < MOST_ROWS:
            weights.add_row(Text(name), signed(w), signed(gradient), f"{share:.1%}", signed(after))
    return _phase(
        4,
        "Update",
        "downhill: against each derivative, at the learning rate α",
        Text(f"{example.weight}: {update.symbols} = {update.numbers(4)}"),
        weights,
        *([Text(f"+ {rest} more; --json has them all", style=QUIET)] if rest > 0 else []),
    )


def _again(t: Trace) -> RenderableType:
    before, after = t.E, t.after.E
    change = (after - before) / before if before else 0.0
    way = f"{-change:.0%} lower" if change <= 0 else f"{change:.0%} higher: a step too far"
    if change >= 1:
        way = f"{1 + change:,.0f} times as high: a step too far"
    line = f"     E = {fixed(after)}     {way}"
    return _phase(5, "Again", "", Text.assemble("prediction ", (_price(t.after), HEAD), line))


def _all_houses(numbers: Act1) -> RenderableType:
    again = Text.assemble(
        ("Start over another way:  ", HEAD), "backlit demo --rate 0.5\n",
        " " * 25, "--hidden 8   --house 17   --step-through\n",
        ("Look closer:             ", HEAD), "backlit explain --demo --what-if\n",
        " " * 25, "backlit figure network --demo --out network.svg",
    )  # fmt: skip
    curve = Text.assemble(
        "average error  ", (bars(numbers.errors), POSITIVE), f"  {_thousands(numbers.errors[0])} → ",
        (_thousands(numbers.errors[-1]), HEAD), f"     {numbers.steps:,} steps, {numbers.seconds:.1f} s",
    )  # fmt: skip
    house = Text.assemble(
        f"house {numbers.house['row']}: prediction ",
        (number(numbers.prediction, "$"), HEAD),
        f", sold for {number(numbers.house['price'], '$')}",
    )
    close = ": close enough" if numbers.reason == "target_error" else ""
    body = [curve, house] if numbers.runaway is None else _why(numbers.runaway, numbers)
    title = f"all {numbers.trace.net.size} weights, all {numbers.houses:,} training houses"
    times = f"{'once' if numbers.epochs == 1 else f'{numbers.epochs} times'} over{close}" if numbers.epochs else ""
    return Group(_phase("…", title, times, *body), Text(""), again)


def _why(runaway: Runaway, numbers: Act1) -> list[RenderableType]:
    rate, limit = numbers.trace.rate, runaway.greatest_rate
    if runaway.step is not None:
        what = f"Training diverged at step {runaway.step}: E grew beyond all numbers."
    else:
        first, last = _thousands(numbers.errors[0]), _thousands(numbers.errors[-1])
        what = f"Training went up, not down: from {first} to {last} a house."
    if rate > limit:
        overshooting = say("finding.overshooting", at=None, curvature=runaway.curvature, limit=limit, rate=rate)
        why = f"Where training began E bends by up to {number(runaway.curvature, digits=3)}: {overshooting}."
    else:
        why = (
            f"Your rate of {rate:g} was low enough where training began (up to {limit:.2f}), but E bends more sharply "
            "where the weights went, and for a batch of houses more than for all of them."
        )
    return [
        Text(what, style=NEGATIVE),
        Text(f"Why: a slope describes E only nearby. {why}"),
        Text(f"Try  backlit demo --rate {_rounded(min(rate, limit) / 5):g}"),
    ]


def act2(numbers: Act2) -> list[RenderableType]:
    """The second act's result."""
    layers = "-".join(map(str, numbers.layers))
    title = f"{numbers.inputs} inputs in {numbers.bins} bins, then {layers}: {numbers.weights:,} weights"
    return [
        _phase(
            "Act 2",
            "the real one",
            title,
            *test_scores(numbers.scores, f"on {numbers.rows['test']:,} test houses", "$"),
            Text(
                f"learnt from {numbers.rows['train']:,} houses in {numbers.seconds:.1f} s; of {numbers.epochs} epochs "
                f"number {numbers.best_epoch} did best\non {numbers.rows['validation']:,} houses kept aside for that, "
                "and its weights are used",
                style=QUIET,
            ),
            _kept(numbers.file),
            Text.assemble(("the same again, to the bit:   ", QUIET), numbers.command),
        )
    ]


def _kept(file: str) -> Text:
    if not file:
        return Text("not kept: houses.backlit here is not the demo's, so it is left alone", style=QUIET)
    return Text.assemble(("kept in ", QUIET), file, ("   see  ", QUIET), f"backlit show {file}")


def page_by_page(phases: Sequence[RenderableType]) -> None:
    """Print the phases one at a time: a key goes on, b or the left arrow back, q leaves."""
    import typer

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ArgumentError("option.step_through")
    console = Console(highlight=False)
    at = 0
    while at < len(phases):
        console.clear()
        show(phases[: at + 1])
        console.print(Text("any key: on     b or ←: back     q: leave", style=QUIET))
        key = typer.getchar()
        if key in ("q", "Q", "\x1b", "\x03"):
            return
        at = max(0, at - 1) if key in ("b", "B", "\x1b[D", "\x7f") else at + 1


def _phase(mark: int | str, title: str, remark: str, *body: RenderableType) -> RenderableType:
    head = Text.assemble((f"{mark} {title}", HEAD), f"   {remark}" if remark else "")
    inner = Grid.grid(padding=0)
    inner.add_column(width=3)
    inner.add_column()
    for part in body:
        inner.add_row("", part)
    return Group(head, inner)


def _target(t: Trace) -> Target:
    assert t.described is not None
    return t.described.target


def _price(t: Trace) -> str:
    return number(float(t.prediction[0, 0]), "$")


def _dot(values: np.ndarray, weights: np.ndarray, most: int = 3) -> str:
    products = [f"{fixed(v)} · {_bracket(w)}" for v, w in zip(values[:most], weights)]
    return " + ".join(products + ["…"] * (len(values) > most))


def _bracket(value: float) -> str:
    return fixed(value) if value >= 0 else f"({fixed(value)})"


def _label(link: Link) -> str:
    """What a factor is, in a word or two."""
    if link.kind == "link.input":
        return f"output of unit {link.facts['from']}" if link.facts["below"] else "input"
    words = {"link.score": "E ← output", "link.slope": "slope of {function}"}
    return words[link.kind].format(**link.facts) if link.kind in words else link.symbol


def _thousands(value: float) -> str:
    return number(round(value, -3), "$") if value < 1e9 else f"${value:.0e}"


def _rounded(value: float) -> float:
    """One significant digit."""
    return float(f"{value:.1g}")
