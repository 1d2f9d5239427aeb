"""`backlit` and its commands. What a command needs is imported when it runs, so that --help is quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from backlit.errors import BacklitError

app = typer.Typer(
    name="backlit",
    help="Neural networks on tables, with every number in the light.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"backlit {version('backlit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
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
    from backlit.cli.demo import run

    run(house=house, rate=rate, hidden=hidden, seed=seed, act=act, step_through=step_through, as_json=json)


def main() -> None:
    """The entry point: expected errors in a line or two, exit code 2, no traceback."""
    try:
        app()
    except BacklitError as error:
        print(f"backlit: {error}", file=sys.stderr)
        sys.exit(2)
