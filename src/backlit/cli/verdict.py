"""What to type after a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backlit.commands import command


def to_try(verdict: Mapping[str, Any], table: str, options: Mapping[str, Any], run: str | Path, cut_off: bool) -> str:
    """The one command to try next; "" where there is none.

    Parameters
    ----------
    options : those of the command that trained it
    cut_off : whether training did not come to its end
    """
    if cut_off and verdict["kind"] in ("still_falling", "never_moved", "beaten"):
        return command("resume", str(run))
    if not verdict["remedy"]:
        return "" if verdict["beaten_by"] is None else command("figure", "errors", str(run), out="errors.svg")
    return command("train", table, **{**options, **verdict["remedy"], "run": _free(Path(run))})


def _free(run: Path) -> str:
    """NAME-2.backlit, or the next that does not exist."""
    stem, _, number = run.stem.rpartition("-")
    stem, n = (stem, int(number) + 1) if stem and number.isdecimal() else (run.stem, 2)
    while (other := run.with_name(f"{stem}-{n}{run.suffix}")).exists():
        n += 1
    return str(other)
