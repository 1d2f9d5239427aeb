"""What `backlit demo` prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from backlit.cli.demo import Act1, Act2, Runaway
from backlit.cli.text import HEAD, NEGATIVE, POSITIVE, QUIET, bars, number, score_grid, show, signed
from backlit.errors import ArgumentError
from backlit.explain.chain import Chain, Factor
from backlit.explain.lesson import Lesson
from backlit.tables.units import quantity

MOST_ROWS = 16  #: of a table of units or weights


def act1(numbers: Act1) -> list[RenderableType]:
    """The phases of the first act."""
    taught = numbers.lesson
    return [
        _house(numbers),
        _feed_forward(taught),
        _error(taught),
        _backpropagate(taught),
        _update(taught),
        _again(taught),
        _all_houses(numbers),
    ]


def _house(numbers: Act1) -> RenderableType:
    house, taught = numbers.house, numbers.lesson
    facts = f"{quantity(house['sqft_living'], 'sqft')} · grade {house['grade']} · latitude {house['lat']:.2f}"
    head = Text.assemble((f"House {house['row']}   ", HEAD), facts)
    sold = f"sold for {quantity(house['price'], '$')}"
    head.append(" " * max(3, 79 - len(head) - len(sold)) + sold, HEAD)
    units = len(taught.units)
    return Group(
        head,
        Text(
            f"{len(taught.inputs)} inputs, {units} tanh unit{'s' * (units > 1)}, 1 output: {len(taught.chains)} "
            "weights: those of the units drawn at random, the biases 0",
            style=QUIET,
        ),
    )


def _feed_forward(taught: Lesson) -> RenderableType:
    names = list(taught.inputs)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", *names, "bias", "z", f"{taught.activation}(z)", "w2"):
        grid.add_column(heading, justify="right", header_style=QUIET)
    grid.add_row(Text("input", style=QUIET), *map(signed, taught.inputs.values()), Text("1", style=QUIET))
    for unit, w2 in list(zip(taught.units, taught.output_weights))[:MOST_ROWS]:
        values = (*unit.weights, unit.bias, unit.z, unit.a, w2)
        grid.add_row(Text(f"unit {unit.name}", style=QUIET), *map(signed, values))
    if len(taught.units) > MOST_ROWS:
        grid.add_row(Text(f"+ {len(taught.units) - MOST_ROWS} more", style=QUIET))

    first, before = taught.units[0], taught.before
    z = _dot(list(taught.inputs.values()), list(first.weights))
    output = _dot([unit.a for unit in taught.units], list(taught.output_weights))
    return _phase(
        1,
        "Feed forward",
        "inputs · weights (a dot product) + bias = z, then tanh",
        grid,
        Text(f"unit 1   {z}\n         + {number(first.bias)} = {number(first.z)}"),
        Text(f"output   {output}\n         + {number(taught.output_bias)} = {number(before.score)}"),
        Text.assemble(
            f"prediction  {quantity(taught.centre, '$')} + {quantity(taught.scale, '$')} · {_bracket(before.score)} = ",
            (quantity(before.prediction, "$"), HEAD),
        ),
        Text("inputs and price: standard deviations from the mean of the training houses", style=QUIET),
    )


def _error(taught: Lesson) -> RenderableType:
    miss = taught.before.difference
    return _phase(
        2,
        "Error",
        f"{quantity(abs(miss), '$')} too {'high' if miss > 0 else 'low'}",
        Text.assemble(
            f"E = ({quantity(abs(miss))} / {quantity(taught.scale)})² = ",
            (number(taught.before.E), HEAD),
            ("     what training makes small", QUIET),
        ),
    )


def _backpropagate(taught: Lesson) -> RenderableType:
    shown = [_strongest(taught, "w2["), _strongest(taught, "w1[")]
    lines: list[Text] = []
    for d in shown:
        way = "raises" if d.gradient > 0 else "lowers"
        lines.append(
            Text.assemble(
                (f"{d.weight:20}", HEAD), "  ∂E/∂w = ", signed(d.gradient), f"   {d.blame:4.0%}   more of it {way} E"
            )
        )
        product = " × ".join(f"{number(f.value)} ({_label(f)})" for f in d.paths[0].factors)
        if len(product) > 72:
            left, right = product.rsplit(" × ", 1)
            lines += [Text(f"  = {left}"), Text(f"    × {right}")]
        else:
            lines.append(Text(f"  = {product}"))
        lines.append(
            Text(
                f"  check by finite differences: {number(d.check.value)}, agrees to {d.check.digits} digits",
                style=QUIET,
            )
        )
    return _phase(3, "Backpropagate", "from the output back to the inputs: which weight is to blame?", *lines)


def _update(taught: Lesson) -> RenderableType:
    example = _strongest(taught, "w1[")
    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    grid.add_column("weight", header_style=QUIET)
    for heading in ("w", "∂E/∂w", "blame", "w − α · ∂E/∂w"):
        grid.add_column(heading, justify="right", header_style=QUIET)
    for d in sorted(taught.chains, key=lambda d: -d.blame)[:MOST_ROWS]:
        grid.add_row(Text(d.weight), signed(d.value), signed(d.gradient), f"{d.blame:.1%}", signed(_after(d)))
    rest = len(taught.chains) - MOST_ROWS
    return _phase(
        4,
        "Update",
        "downhill: against each derivative, at the learning rate α",
        Text(
            f"{example.weight}: w − α · ∂E/∂w = {number(example.value)} − {taught.rate:g} · "
            f"{_bracket(example.gradient)} = {number(_after(example))}"
        ),
        grid,
        *([Text(f"+ {rest} more; --json has them all", style=QUIET)] if rest > 0 else []),
    )


def _again(taught: Lesson) -> RenderableType:
    before, after = taught.before.E, taught.after.E
    change = (after - before) / before if before else 0.0
    way = "lower" if change <= 0 else "higher: a step too far"
    return _phase(
        5,
        "Again",
        "",
        Text.assemble(
            "prediction ",
            (quantity(taught.after.prediction, "$"), HEAD),
            f"     E = {number(after)}     {abs(change):.0%} {way}",
        ),
    )


def _all_houses(numbers: Act1) -> RenderableType:
    again = Text.assemble(
        ("Start over another way:  ", HEAD),
        "backlit demo --rate 0.5\n",
        " " * 25,
        "--hidden 8   --house 17   --step-through",
    )
    curve = Text.assemble(
        "average error  ", (bars(numbers.errors), POSITIVE), f"  {_thousands(numbers.errors[0])} → ",
        (_thousands(numbers.errors[-1]), HEAD), f"     {numbers.steps:,} steps, {numbers.seconds:.1f} s",
    )  # fmt: skip
    house = Text.assemble(
        f"house {numbers.house['row']}: prediction ",
        (quantity(numbers.prediction, "$"), HEAD),
        f", sold for {quantity(numbers.house['price'], '$')}",
    )
    close = ": close enough" if numbers.reason == "target_error" else ""
    body = [curve, house] if numbers.runaway is None else _why(numbers.runaway, numbers)
    title = f"all {len(numbers.lesson.chains)} weights, all {numbers.houses:,} training houses"
    times = f"{numbers.epochs} times over{close}" if numbers.epochs else ""
    return Group(_phase("…", title, times, *body), Text(""), again)


def _why(runaway: Runaway, numbers: Act1) -> list[RenderableType]:
    rate, limit = numbers.lesson.rate, runaway.greatest_rate
    if runaway.step is not None:
        what = f"Training diverged at step {runaway.step}: E grew beyond all numbers."
    else:
        first, last = _thousands(numbers.errors[0]), _thousands(numbers.errors[-1])
        what = f"Training went up, not down: from {first} to {last} a house."
    if rate > limit:
        why = (
            f"Where training began E bends by up to {runaway.curvature:.2f}, so above a rate of "
            f"2 / {runaway.curvature:.2f} = {limit:.2f} each step lands farther up the other side than it came from. "
            f"Yours is {rate:g}."
        )
    else:
        why = (
            f"Your rate of {rate:g} was low enough where training began (up to {limit:.2f}), but E bends more sharply "
            "where the weights went, and for a batch of houses more than for all of them."
        )
    return [
        Text(what, style=NEGATIVE),
        Text(f"Why: a slope tells about E only nearby. {why}"),
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
            score_grid(numbers.scores, f"on {numbers.rows['test']:,} test houses", "$"),
            Text(
                f"learnt from {numbers.rows['train']:,} houses in {numbers.seconds:.1f} s; of {numbers.epochs} epochs "
                f"number {numbers.best_epoch} did best\non {numbers.rows['validation']:,} houses kept aside for that, "
                "and its weights are used",
                style=QUIET,
            ),
            Text.assemble(("kept in ", QUIET), numbers.file, ("   see  ", QUIET), f"backlit show {numbers.file}"),
        )
    ]


def step_through(phases: Sequence[RenderableType]) -> None:
    """Print the phases one at a time: a key goes on, b or the left arrow back, q leaves."""
    import typer

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ArgumentError("--step-through waits for keys, but this is not a terminal; leave it out")
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


def _dot(values: list[float], weights: list[float], most: int = 3) -> str:
    products = [f"{number(v)} · {_bracket(w)}" for v, w in zip(values[:most], weights)]
    return " + ".join(products + ["…"] * (len(values) > most))


def _label(factor: Factor) -> str:
    """A factor's meaning in a word or two."""
    if factor.symbol.startswith("∂E"):
        return "E ← output"
    if factor.symbol.startswith("∂a"):
        return factor.meaning.removeprefix("the ").partition(" at ")[0]
    if factor.symbol.startswith("a1["):
        return f"output of unit {factor.symbol[3:-1]}"
    return factor.symbol if factor.symbol.startswith("w") else "input"


def _after(chain: Chain) -> float:
    assert chain.update is not None
    return chain.update.after


def _strongest(taught: Lesson, prefix: str) -> Chain:
    return max((d for d in taught.chains if d.weight.startswith(prefix)), key=lambda d: d.blame)


def _bracket(value: float) -> str:
    return number(value) if value >= 0 else f"({number(value)})"


def _thousands(value: float) -> str:
    return quantity(round(value, -3), "$") if value < 1e9 else f"${value:.0e}"


def _rounded(value: float) -> float:
    """One significant digit."""
    return float(f"{value:.1g}")
