"""`backlit` and its commands. What a command needs is imported when it runs, so that --help is quick."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from importlib import import_module
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeVar

import typer

from backlit.core.values import Numbers
from backlit.errors import ArgumentError, BacklitError, needing
from backlit.recipe import SETTINGS, TYPED, Recipe, Setting

T = TypeVar("T", bound=Callable[..., Any])

app = typer.Typer(
    name="backlit",
    help="Neural networks on tables, with every number in the light.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from backlit.version import __version__

        typer.echo(f"backlit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def command(place: str) -> Callable[[T], T]:
    """Make a command of a function without a body: the one at MODULE:NAME in `cli`, imported when it runs, does it."""

    def register(declared: T) -> T:
        @app.command()
        @wraps(declared)
        def run(**options: Any) -> None:
            module, _, name = place.partition(":")
            getattr(import_module(f"backlit.cli.{module}"), name)(**options)

        return declared

    return register


LEARNING, COLUMNS, ROWS, CHANGED = "How it learns", "What the columns are", "Which rows are for what", "What is changed"
KEPT = "What is kept"

Table = Annotated[str, typer.Argument(help="CSV, TSV, Parquet, Arrow or Feather; - reads standard input.")]
Json = Annotated[bool, typer.Option("--json", help="Every number, as JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
RunFile = Annotated[str, typer.Argument(help="A run file.")]
OtherTable = Annotated[str | None, typer.Option(help="The run's table, where it is elsewhere now.")]
Timeline = Annotated[str | None, typer.Option(help="Which timeline. (the first if not given)")]
Step = Annotated[int | None, typer.Option(help="At which step. (that of the weights that predict if not given)", min=0)]
Decimal = Annotated[list[str], typer.Option(
    help="The decimal mark, . or , of all columns, or COLUMN=, of one. (as they show if not given)",
    rich_help_panel=COLUMNS,
)]  # fmt: skip
DateOrder = Annotated[list[str], typer.Option(
    help="Of dates in figures: dmy, mdy or ymd, or COLUMN=dmy. (as they show if not given)", rich_help_panel=COLUMNS,
)]  # fmt: skip
Missing = Annotated[
    list[str], typer.Option(help="What stands for a missing field. Repeatable.", rich_help_panel=COLUMNS)
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Of a CSV's text, such as cp1252. (UTF-8 if not given)", rich_help_panel=COLUMNS),
]


@command("demo_text:run")
def demo(
    house: Annotated[int, typer.Option(help="Which house to look at, a row of the table (from 0).")] = 0,
    rate: Annotated[float, typer.Option(help="The learning rate α of act 1.")] = 0.05,
    hidden: Annotated[int, typer.Option(help="Hidden units of act 1.")] = 3,
    seed: Annotated[int, typer.Option(help="Draws the starting weights and the order of the houses.")] = 3,
    act: Annotated[int | None, typer.Option(help="Only act 1, or only act 2.", min=1, max=2)] = None,
    step_through: Annotated[
        bool, typer.Option("--step-through", help="Wait for a key at each phase; go back too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Every number, as JSON.")] = False,
) -> None:
    """A network learns house prices by backpropagation, number by number."""


def take(settings: Iterable[Setting], panel: str = LEARNING) -> Callable[[T], T]:
    """Give a command an option for each of these settings, in place of its keywords.

    Parameters
    ----------
    panel : where they are listed; where they are changes, one that is not given stays as it is
    """

    def with_options(command: T) -> T:
        own = [p for p in signature(command, eval_str=True).parameters.values() if p.kind != Parameter.VAR_KEYWORD]
        command.__signature__ = Signature([*own, *(_option(one, panel) for one in settings)])  # type: ignore[attr-defined]
        return command

    return with_options


def _option(setting: Setting, panel: str) -> Parameter:
    """A setting's option, as typer takes it from a signature."""
    values, default = setting.values, None if panel == CHANGED else setting.default
    number = isinstance(values, Numbers)
    kind = (int if values.whole else float) if number else str
    otherwise = f" ({setting.none} if not given)" if setting.none and default is None and panel != CHANGED else ""
    option = typer.Option(help=f"{setting.help}{otherwise}", rich_help_panel=panel)
    shown = default if number or default is None else setting.write(default)
    return Parameter(
        setting.name, Parameter.KEYWORD_ONLY, default=shown,
        annotation=Annotated[kind | None if default is None else kind, option],
    )  # fmt: skip


def _read(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as their values; those in a form of their own were taken as text."""
    return {name: SETTINGS[name].read(value) if isinstance(value, str) else value for name, value in settings.items()}


@app.command()
@take(TYPED.values())
def train(
    context: typer.Context,
    table: Table,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    run: Annotated[
        str | None, typer.Option(help="The file to keep the run in. (TABLE's name, .backlit, if not given)")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the weights, the order of rows and dropout. (drawn if not given)", min=0)
    ] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="The target holds classes.", rich_help_panel=COLUMNS)
    ] = False,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="The target holds numbers.", rich_help_panel=COLUMNS)
    ] = False,
    category: Annotated[
        list[str], typer.Option(help="A column of categories. Repeatable.", rich_help_panel=COLUMNS)
    ] = [],
    number: Annotated[list[str], typer.Option(help="A column of numbers. Repeatable.", rich_help_panel=COLUMNS)] = [],
    boolean: Annotated[
        list[str], typer.Option(help="A column of true and false. Repeatable.", rich_help_panel=COLUMNS)
    ] = [],
    date: Annotated[list[str], typer.Option(help="A column of dates. Repeatable.", rich_help_panel=COLUMNS)] = [],
    drop: Annotated[list[str], typer.Option(help="A column to leave out. Repeatable.", rich_help_panel=COLUMNS)] = [],
    decimal: Decimal = [],
    date_order: DateOrder = [],
    missing: Missing = [],
    text_encoding: Encoding = None,
    unit: Annotated[str, typer.Option(help="The target's unit, such as $.", rich_help_panel=COLUMNS)] = "",
    log: Annotated[bool, typer.Option("--log", help="Learn the target's logarithm.", rich_help_panel=COLUMNS)] = False,
    group: Annotated[
        str | None, typer.Option(help="Rows alike in this column stay on one side.", rich_help_panel=ROWS)
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Test on what is latest in this column.", rich_help_panel=ROWS)
    ] = None,
    split_seed: Annotated[int, typer.Option(help="Which rows go where.", min=0, rich_help_panel=ROWS)] = 0,
    rows: Annotated[bool, typer.Option(help="Keep the table's rows in the run file.", rich_help_panel=KEPT)] = True,
    max_size: Annotated[int, typer.Option(help="MB that the run file may take.", min=1, rich_help_panel=KEPT)] = 200,
    force: Force = False,
    json: Json = False,
    **settings: Any,
) -> None:
    """Learn from a table, and keep the run in one file."""
    from backlit.cli import tables

    kinds = tables.kinds_of(category=category, number=number, boolean=boolean, date=date, drop=drop)
    recipe = Recipe(**_read(settings), target="log" if log else "standard", units={target: unit})
    if classes and numbers:
        raise ArgumentError("option.both", one="classes", other="numbers")
    if log and classes:
        raise ArgumentError("option.log_or_classes")
    task = "classification" if classes else "regression" if numbers else None
    hints = tables.hints_of(kinds, decimal=decimal, date_order=date_order, missing=missing)
    tables.train(
        table, target, hints=hints, text_encoding=text_encoding, run=run, seed=seed, split_seed=split_seed, group=group,
        time_column=time, kinds=kinds, task=task, recipe=recipe, keep_rows=rows, max_size=max_size * 1_000_000,
        force=force, json=json, options=_typed(context),
    )  # fmt: skip


@command("tables:predict")
def predict(
    run: RunFile,
    table: Table,
    out: Annotated[
        str | None, typer.Option(help="CSV, TSV, Parquet or Arrow by its name. (CSV, printed if not given)")
    ] = None,
    timeline: Timeline = None,
    decimal: Decimal = [],
    date_order: DateOrder = [],
    missing: Missing = [],
    text_encoding: Encoding = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Add predictions to a table, however large."""


@command("explain:explain")
def explain(
    run: Annotated[str | None, typer.Argument(help="A run file.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="The little network of `backlit demo`.")] = False,
    row: Annotated[int, typer.Option(help="A row of its table, from 0.")] = 0,
    weight: Annotated[
        str | None, typer.Option(help="Such as 'w1\\[sqft_living, 2]' (the strongest if not given)")
    ] = None,
    what_if: Annotated[bool, typer.Option("--what-if", help="E as the weight and as the rate change.")] = False,
    format: Annotated[str, typer.Option(help="text, latex, json or html.")] = "text",
    step: Step = None,
    timeline: Timeline = None,
    table: OtherTable = None,
    json: Json = False,
) -> None:
    """Which weight is to blame, and why: the chain rule with its numbers."""


@command("explain:figure")
def figure(
    kind: Annotated[str, typer.Argument(help="network, weight, step, errors, predicted or response.")],
    run: Annotated[str | None, typer.Argument(help="A run file.")] = None,
    out: Annotated[str, typer.Option(help="SVG, PDF or PNG by its name.")] = "figure.svg",
    demo: Annotated[bool, typer.Option("--demo", help="The little network of `backlit demo`.")] = False,
    row: Annotated[int, typer.Option(help="A row of its table, from 0.")] = 0,
    weight: Annotated[str | None, typer.Option(help="Of the weight figure (the strongest if not given)")] = None,
    column: Annotated[list[str], typer.Option(help="Of the response figure; give two.")] = [],
    names: Annotated[str, typer.Option(help="How weights are called: own, or textbook: w1_12 and w2_21.")] = "own",
    step: Step = None,
    timeline: Timeline = None,
    table: OtherTable = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Draw the network, E along a weight or a step, errors, predictions, or a response."""


@command("runs:summary")
def show(run: RunFile, json: Json = False) -> None:
    """What a run file holds."""


@command("runs:history")
def history(run: RunFile, json: Json = False) -> None:
    """The timelines of a run as a tree, with their errors."""


@command("runs:diff")
def diff(
    run: RunFile,
    a: Annotated[str, typer.Argument(help="A timeline.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    step: Annotated[int | None, typer.Option(help="Both at this step. (each at its best if not given)", min=0)] = None,
    json: Json = False,
) -> None:
    """Two timelines side by side: errors, weights, and which rows are predicted better."""


@app.command()
@take((one for one in SETTINGS.values() if one.part == "training"), CHANGED)
def fork(
    context: typer.Context,
    run: RunFile,
    step: Annotated[int | None, typer.Option(help="Where to start over. (the last if not given)", min=0)] = None,
    timeline: Timeline = None,
    name: Annotated[str | None, typer.Option(help="What to call it. (fork 1, ... if not given)")] = None,
    weight: Annotated[
        list[str], typer.Option(help="Such as 'w2\\[3, 1]=0.2'. Repeatable.", rich_help_panel=CHANGED)
    ] = [],
    steps: Annotated[int | None, typer.Option(help="Train so many. (to the end if not given)", min=1)] = None,
    train: Annotated[bool, typer.Option(help="Train it now.")] = True,
    table: OtherTable = None,
    json: Json = False,
    **settings: Any,
) -> None:
    """Start over from a step, with something changed, as a second timeline."""
    from backlit.cli import runs

    runs.fork(
        run, table=table, step=step, timeline=timeline, train=train, steps=steps, json=json, options=_typed(context),
        name=name, weights=_weights(weight) or None, **_read(settings),
    )  # fmt: skip


@command("runs:resume")
def resume(
    run: RunFile,
    timeline: Annotated[str | None, typer.Option(help="Which one. (the one cut off last if not given)")] = None,
    steps: Annotated[int | None, typer.Option(help="So many more. (to the end if not given)", min=1)] = None,
    table: OtherTable = None,
    json: Json = False,
) -> None:
    """Go on where training was cut off, to the same bits; or for more steps."""


@app.command()
def verify(
    run: RunFile,
    deep: Annotated[bool, typer.Option("--deep", help="Make every step again, too.")] = False,
    table: OtherTable = None,
    json: Json = False,
) -> None:
    """Whether a run file is as it was written; if not, what can still be read."""
    from backlit.cli import runs

    if not runs.verify(run, deep=deep, table=table, json=json):
        raise typer.Exit(1)


@command("runs:exported")
def export(
    run: RunFile,
    safetensors: Annotated[str | None, typer.Option(help="Write the weights there.")] = None,
    csv: Annotated[str | None, typer.Option(help="Write the figures of every step there.")] = None,
    without_rows: Annotated[str | None, typer.Option(help="Write a copy without its rows there.")] = None,
    step: Annotated[int | None, typer.Option(help="Of the weights. (those that predict if not given)", min=0)] = None,
    timeline: Timeline = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Weights, figures, or a copy without rows, for others."""


@command("runs:keep")
def keep(
    run: RunFile,
    timeline: Annotated[str, typer.Argument(help="A timeline.")],
    release: Annotated[bool, typer.Option("--release", help="No longer.")] = False,
    json: Json = False,
) -> None:
    """Protect a timeline and its snapshots."""


@command("runs:drop")
def drop(run: RunFile, timeline: Annotated[str, typer.Argument(help="A timeline.")], json: Json = False) -> None:
    """Forget a timeline."""


@command("runs:gc")
def gc(run: RunFile, json: Json = False) -> None:
    """Give the room of what was forgotten back to the disk."""


@app.command()
def studio(
    path: Annotated[
        str | None, typer.Argument(metavar="[RUN|TABLE]", help="A run file, or a table. (a first lesson if not given)")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Where it listens. (8711, or the next free one)")] = None,
    host: Annotated[str, typer.Option(help="This machine as others type it, to let them in.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    folder: Annotated[str, typer.Option(help="Where run files are kept.")] = ".",
    json: Annotated[bool, typer.Option("--json", help="Print the address as JSON.")] = False,
) -> None:
    """Train and look, in the browser."""
    with needing("studio", "the studio needs"):
        import websockets  # noqa: F401  by which uvicorn speaks to the page

        from backlit.cli.studio import run

    run(path, port=port, host=host, browser=browser, folder=folder, json=json)


def _typed(context: typer.Context) -> dict[str, Any]:
    """The options that were typed, by their names in Python, as they were typed; but for --force and --json."""
    return {
        parameter.name: context.params[parameter.name]
        for parameter in context.command.params
        if parameter.name is not None and parameter.param_type_name == "option"
        and getattr(context.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
        and parameter.name not in ("force", "json")
    }  # fmt: skip


def _weights(texts: list[str]) -> dict[str, float]:
    """Of texts such as "w2[3, 1]=0.2"."""
    weights = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise ArgumentError("option.weight", text=text) from None
    return weights


def _note(message: Warning | str, *_: object) -> None:
    from backlit.words import plain

    print(f"note: {plain(str(message))}", file=sys.stderr)


def main() -> None:
    """The entry point: expected errors in a line or two, exit code 2, no traceback; warnings as notes."""
    warnings.showwarning = _note
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # where it is not UTF-8, as in a pipe of Windows
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has gone; nothing more to say
    except (BacklitError, MemoryError) as problem:
        from backlit.words import plain, say

        error = say("memory") if isinstance(problem, MemoryError) else problem
        for line in (f"backlit: {error}", *getattr(problem, "__notes__", ())):
            print(plain(line), file=sys.stderr)
        sys.exit(2)
