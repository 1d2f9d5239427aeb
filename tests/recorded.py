"""A small run, all of its states, and its recording."""

from dataclasses import replace

import numpy as np
import polars as pl

import backlit as bl
from backlit.engines.native import missing
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, Split
from backlit.progress import fit
from backlit.runs.run import recording
from backlit.training import Epoch, EpochDone, StepsDone, Stopped, train

draw = np.random.default_rng(3)
N = 90
FRAME = pl.DataFrame(
    {"size": draw.gamma(2, 500, N), "rooms": draw.integers(1, 6, N), "town": draw.choice(["Kent", "Auburn"], N)}
)
PRICE = pl.DataFrame({"price": 100 * FRAME["size"] + 9_000 * FRAME["rooms"]})
WHOLE = FRAME.with_columns(PRICE)
SPLIT = Split(np.arange(0, 67), np.arange(67, 80), np.arange(80, N))
RECIPE = Recipe(hidden=(8, 6), epochs=6, batch_size=7, dropout=0.2, patience=50, clip_norm=1.0)  # 6 epochs of 10 steps
ENGINES = ["reference", *([] if missing() else ["native"])]


def same(a, b):
    """Whether two states are the same to the bit."""
    if (a.best is None) != (b.best is None) or a.memory.keys() != b.memory.keys():
        return False
    pairs = [(a.theta, b.theta), *((a.memory[name], b.memory[name]) for name in a.memory)]
    if a.best is not None:
        pairs.append((a.best.theta, b.best.theta))
        if a.best[:2] != b.best[:2]:
            return False
    bare = {"theta": None, "memory": None, "best": None}
    return replace(a, **bare) == replace(b, **bare) and all(
        np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in pairs
    )


def every_state(plan, state):
    """What training yields, one step at a time: the state before each step."""
    states, epochs, figures = {state.step: state}, [], []
    events = train(plan, state, stretch=1)
    for event in events:
        states[event.state.step] = event.state
        if isinstance(event, EpochDone):
            epochs.append(Epoch.of(event))
        if isinstance(event, StepsDone):
            figures.append(event.figures)
    assert isinstance(event, Stopped)
    return states, tuple(epochs), figures


def planned(engine="reference", **changes):
    recipe = replace(RECIPE, engine=engine, **changes)
    return prepare(Problem(FRAME, PRICE, split=SPLIT), recipe, 5)


def recorded(start, path, steps=None, frame=WHOLE):
    """A run file; of the first steps only, where a number is given."""
    with recording(path, *start, frame=frame) as recorder:
        if steps is None:
            fit(start, show=False, recorder=recorder)
        else:
            short = replace(start.plan, settings=replace(start.plan.settings, max_steps=steps))
            events = recorder.record(train(short, start.state))
            for event in events:
                if not isinstance(event, Stopped):
                    continue
                break
            events.close()
    return bl.open_run(path)
