"""A command as one types it into a shell, with its options."""

from __future__ import annotations

import shlex
from typing import Any


def command(name: str, /, *arguments: str, **options: Any) -> str:
    """The line `backlit NAME ARGUMENTS --OPTION VALUE ...`, quoted for a shell.

    Parameters
    ----------
    options : by their names in Python. True is a bare flag, False its --no- form; a list repeats the option; None and
        an empty list leave it out
    """
    words = ["backlit", name, *(["--"] if any(a.startswith("-") and a != "-" for a in arguments) else []), *arguments]
    typed: list[str] = []
    for option, value in options.items():
        flag = option.replace("_", "-")
        if isinstance(value, bool):
            typed.append(f"--{flag}" if value else f"--no-{flag}")
            continue
        for one in value if isinstance(value, list | tuple) else [] if value is None else [value]:
            typed += [f"--{flag}", str(one)]
    at = words.index("--") if "--" in words else len(words)
    return shlex.join([*words[:at], *typed, *words[at:]])
