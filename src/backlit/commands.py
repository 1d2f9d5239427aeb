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


def shown(line: str) -> str:
    """The line as a terminal shows it: a word with control characters or the like in escapes that bash and zsh read."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in shlex.split(line))


def _escaped(word: str) -> str:
    marks = {"\\": "\\\\", "'": "\\'"}
    letters = [marks.get(c, c) if c.isprintable() else f"\\U{ord(c):08x}" for c in word]
    return f"$'{''.join(letters)}'"
