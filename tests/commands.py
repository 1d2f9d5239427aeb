"""Run a command in this process; what it left."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from backlit.cli.main import main


@dataclass
class Done:
    """Exit code, and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def notices(self):
        return self.json["notices"]


def backlit(*arguments, stdin=b""):
    """Run `backlit` with these arguments, in the working directory."""
    out, err, given = (io.TextIOWrapper(io.BytesIO(text), encoding="utf-8") for text in (b"", b"", stdin))
    with (
        patch.object(sys, "argv", ["backlit", *map(str, arguments)]),
        patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as caught,
    ):
        main()
    for stream in (out, err):
        stream.flush()
    done = Done(caught.value.code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())
    assert "Traceback" not in done.err
    return done


def refused(*arguments, **keywords):
    """The message, on one line, of a command that must fail in one or two."""
    done = backlit(*arguments, **keywords)
    assert done.code == 2, (done.out, done.err)
    assert len(done.err.splitlines()) <= 2
    return " ".join(done.err.split())


def about(notices, *words):
    """Whether one of these notices has all these words."""
    return any(all(word in notice for word in words) for notice in notices)
