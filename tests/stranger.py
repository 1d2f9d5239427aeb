"""A run file to damage and to forge, and every way to look at it."""

import json
import shutil
import signal
import sqlite3
import warnings
from contextlib import closing, contextmanager

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.errors import BacklitError
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, split_rows
from backlit.progress import fit
from backlit.runs import export, recorder
from backlit.runs.run import open_run, recording
from backlit.runs.schema import (
    Blob,
    Fact,
    digest,
    put,
)
from backlit.runs.sense import rows_of
from backlit.runs.verify import verify as verify_file
from backlit.words import to_json

ODD_TOWN = "\x1b[31m\u202e"
draw = np.random.default_rng(0)
FRAME = pl.DataFrame({"size": draw.gamma(2, 500, 60), "town": draw.choice(["Kent", "[bold]x[/]", ODD_TOWN], 60)})
PRICE = pl.DataFrame({"price": 100 * FRAME["size"]})
TABLE = FRAME.with_columns(PRICE["price"])


def planned(**more):
    recipe = Recipe(**({"hidden": (8,), "epochs": 6, "batch_size": 10, "bins": 8, "units": {"price": "$"}} | more))
    return prepare(Problem(FRAME, PRICE, split=split_rows(np.arange(60))), recipe, 0)


def record(path, start, force=False, **more):
    """Train and record, with a snapshot every few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "RESTORE_SECONDS", 0.0)
        patch.setattr(recorder, "COST", 0)
        with recording(path, *start, force=force, **more) as recorded:
            return fit(start, show=False, recorder=recorded)


def verify(path, deep=False):
    return open_run(path).verify(deep) if deep else verify_file(path)


def changed(path, *statements):
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA trusted_schema = OFF")
        for statement in statements:
            file.execute(statement)


def stored(path, kind, where="TRUE"):
    with closing(sqlite3.connect(path)) as file:
        return rows_of(file, kind, where)


def fact(path, key):
    return json.loads(stored(path, Fact, f"key = '{key}'")[0].value)


def forge(path, *rows):
    """Rows that no backlit writes, with seals as they should be."""
    with closing(sqlite3.connect(path)) as file, file:
        put(file, *rows)


def forge_fact(path, key, content):
    forge(path, Fact(key, json.dumps(content)))


def forge_array(path, data, dtype, shape):
    blob = Blob(digest(dtype, shape, data), dtype, shape, data)
    forge(path, blob)
    return blob.hash.hex()


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def in_time(seconds=60):
    """What hangs fails, where the system can tell."""

    def late(*_):
        raise AssertionError(f"it hangs: not done after {seconds} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def looks(path):
    """Every way to read a run file, by its name."""

    def run():
        return open_run(path)

    ways = {
        "open": run,
        "about": lambda: to_json(run().about()),
        "describe": lambda: to_json(export.description(run())),
        "timelines": lambda: repr(run()),
        "storage": lambda: run().storage(),
        "frame": lambda: run().frame().to_dicts(),
        "train rows": lambda: run().timeline().learn(),
        "validation rows": lambda: run().timeline().watch(),
        "predict": lambda: run().model().predict(FRAME),
        "encoded": lambda: run().encoded([1]),
        "trace": lambda: run().trace(3),
        "verify": lambda: verify(path),
        "compare": lambda: run().compare("main", "faster").parted,
    }
    for number in (1, 2):

        def line(number=number):
            for timeline in run().timelines():
                if timeline.number == number:
                    return timeline
            raise BacklitError(f"no timeline {number}")

        ways |= {
            f"{number}: described": lambda t=line: to_json(export.described(t())),
            f"{number}: row": lambda t=line: (
                t().row(),
                t().name,
                t().start,
                t().changes,
                t().settings(),
                t().net.size,
            ),
            f"{number}: lineage": lambda t=line: [(a.name, a.start) for a in t().lineage],
            f"{number}: plan": lambda t=line: t().plan(),
            f"{number}: snapshots": lambda t=line: t().snapshots(),
            f"{number}: last": lambda t=line: t().at(),
            f"{number}: at 9": lambda t=line: t().at(9),
            f"{number}: replay": lambda t=line: list(t().replay(0, 9)),
            f"{number}: best": lambda t=line: t().best(),
        }
    return ways


FEW = ("open", "about", "describe", "storage", "predict", "train rows", "1: last", "verify")


def outcomes(path, *others, few=False):
    """How each look at a file ends: what it gave, or its error; anything but backlit's own errors fails."""
    found, odd = {}, []
    for name, look in {**looks(path), **dict(others)}.items():
        if few and name not in FEW:
            continue
        try:
            with in_time(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = look()
        except BacklitError as error:
            found[name] = error
        except Exception as error:
            odd.append(f"{name}: {type(error).__name__}: {error}")
    assert not odd, "\n".join(odd)
    return found


def going_on(path):
    """Looks that write: to go on, and to fork; each in a copy."""

    def go(change):
        other = path.with_name("other.backlit")
        shutil.copy(path, other)
        try:
            return change(bl.Run(other))
        finally:
            other.unlink()

    return (
        ("train", lambda: go(lambda run: run.train(3))),
        ("fork", lambda: go(lambda run: run.fork(1, learning_rate=0.1))),
        ("gc", lambda: go(lambda run: run.gc())),
    )
