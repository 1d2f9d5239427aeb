"""Every run names the line that makes it again, to the bit: that line is typed elsewhere, and the weights compared."""

import json
import os
import shlex
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest
from recorded import planned, recorded

import backlit as bl

draw = np.random.default_rng(4)
N = 240
HOMES = pl.DataFrame(
    {
        "size": draw.gamma(2, 500, N).round(1),
        "rooms": draw.integers(1, 6, N),
        "town": draw.choice(["Kent", "Auburn", "Renton"], N),
        "year": draw.integers(1950, 2015, N),
        "sold by": draw.integers(0, 40, N),
    }
).with_columns(price=(100 * pl.col("size") + 20_000 * pl.col("rooms")).round(0))
KINDS = HOMES.with_columns(pl.Series("it's $kind", np.where(HOMES["price"] > 150_000, "dear", "cheap"))).drop("price")
QUICK = ("--epochs", 3, "--hidden", "8")


def typed_elsewhere(line, folder, tmp_path, **keywords):
    """Type a line in another folder, where the same tables are."""
    folder.mkdir()
    for table in tmp_path.glob("*.csv"):
        os.link(table, folder / table.name)
    words = shlex.split(line)
    assert words[0] == "backlit"
    done = subprocess.run(
        [sys.executable, "-m", "backlit", *words[1:]], cwd=folder, capture_output=True, encoding="utf-8", **keywords
    )
    assert done.returncode == 0, done.stderr
    return done


def lines_of(out):
    """What follows "again" in what was printed."""
    return [line.removeprefix("again").strip() for line in out.splitlines() if line.startswith("again")]


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ("homes.csv", ("--target", "price")),
        ("homes.csv", ("--target", "price", "--seed", 7)),
        ("homes.csv", ("--target", "price", "--seed", 7, "--split-seed", 3)),
        ("homes.csv", ("--target", "price", "--group", "sold by", "--split-seed", 2, "--unit", "$", "--log")),
        ("homes.csv", ("--target", "price", "--time", "year", "--patience", 9, "--no-rows")),
        ("homes.csv", ("--target", "rooms", "--classes", "--drop", "sold by", "--drop", "year", "--category", "town")),
        ("kinds.csv", ("--target", "it's $kind", "--optimizer", "sgd", "--learning-rate", 0.0123, "--schedule",
                       "cosine")),
        ("homes.csv", ("--target", "price", "--weight-decay", 0.2, "--clip-norm", 0.5, "--dropout", 0, "--batch-size",
                       9)),
        ("homes.csv", ("--target", "price", "--encoding", "plain", "--activation", "tanh", "--engine", "reference",
                       "--run", "named so.backlit", "--max-seconds", 900)),
    ],
)  # fmt: skip
def test_train(backlit, tmp_path, monkeypatch, table, options):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    KINDS.write_csv("kinds.csv")
    [line] = lines_of(backlit("train", table, *options, *QUICK))
    [file] = tmp_path.glob("*.backlit")
    first = bl.open_run(file)
    assert first.about()["commands"] == {"main": [line]}
    assert line in backlit("show", file).splitlines()[-2]
    assert json.loads(backlit("show", file, "--json"))["commands"] == {"main": [line]}
    typed_elsewhere(line, tmp_path / "elsewhere", tmp_path)
    [other] = (tmp_path / "elsewhere").glob("*.backlit")
    assert other.name == file.name
    again = bl.open_run(other)
    assert again.at().theta.tobytes() == first.at().theta.tobytes()
    assert again.timeline().best().theta.tobytes() == first.timeline().best().theta.tobytes()
    assert again.about()["split"] == first.about()["split"]
    assert again.about()["scores"] == first.about()["scores"]


def test_json_and_standard_input(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    content = json.loads(backlit("train", "homes.csv", "--target", "price", *QUICK, "--json"))
    [line] = content["commands"]["main"]
    assert content["split"] == {"by": "row", "column": None, "seed": 0}
    assert f"--seed {content['seed']} --split-seed 0" in line
    assert "--json" not in line
    with (tmp_path / "homes.csv").open() as table:
        typed_elsewhere(line.replace("homes.csv", "-"), tmp_path / "a", tmp_path, stdin=table)
    theta = bl.open_run("a/table.backlit").timeline().best().theta
    np.testing.assert_array_equal(theta, bl.open_run("homes.backlit").timeline().best().theta)


def test_no_rows_are_needed_for_a_verdict(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    HOMES.write_csv("tables/homes.csv")
    out = backlit("train", "tables/homes.csv", "--target", "price", *QUICK, "--no-rows")
    assert lines_of(out)
    assert bl.open_run("homes.backlit").about()["verdict"]["kind"]


def test_the_demo(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = " ".join(backlit("demo", "--act", 2, "--seed", 5).split())
    assert "the same again, to the bit: backlit demo --act 2 --seed 5" in shown
    first = bl.open_run("houses.backlit")
    [line] = first.about()["commands"]["main"]
    assert line == "backlit demo --act 2 --seed 5"
    assert first.about()["split"] == {"by": "group", "column": "id", "seed": 0}
    typed_elsewhere(line, tmp_path / "elsewhere", tmp_path)
    np.testing.assert_array_equal(
        bl.open_run("elsewhere/houses.backlit").timeline().best().theta, first.timeline().best().theta
    )


def test_the_seed_that_show_prints_makes_the_same_run(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    backlit("train", "homes.csv", "--target", "price", *QUICK)
    shown = backlit("show", "homes.backlit").split()
    seed = shown[shown.index("seed") + 1].rstrip(",")
    backlit("train", "homes.csv", "--target", "price", *QUICK, "--seed", seed, "--run", "again.backlit")
    np.testing.assert_array_equal(
        bl.open_run("again.backlit").timeline().best().theta, bl.open_run("homes.backlit").timeline().best().theta
    )


def test_the_weights_and_the_split_have_seeds_of_their_own(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    for name, seeds in {"a": (1, 0), "b": (2, 0), "c": (1, 5)}.items():
        backlit("train", "homes.csv", "--target", "price", *QUICK, "--seed", seeds[0], "--split-seed", seeds[1],
                "--run", f"{name}.backlit")  # fmt: skip
    a, b, c = (bl.open_run(f"{name}.backlit") for name in "abc")
    np.testing.assert_array_equal(a.timeline().learn().rows, b.timeline().learn().rows)
    assert not np.array_equal(a.at(0).theta, b.at(0).theta)
    assert not np.array_equal(a.timeline().learn().rows, c.timeline().learn().rows)


def test_forks_and_more_steps(backlit, tmp_path, monkeypatch):
    """Typed one after the other on a copy, the lines of all timelines end with the same weights."""
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    [line] = lines_of(backlit("train", "homes.csv", "--target", "price", *QUICK, "--batch-size", 50))
    forked = [
        *lines_of(backlit("fork", "homes.backlit", "--step", 4, "--learning-rate", 0.01, "--weight-decay", 0.3)),
        *lines_of(backlit("fork", "homes.backlit", "--timeline", "fork 1", "--step", 6, "--steps", 2, "--clip-norm",
                          0.1, "--weight", "b1[2]=-1", "--name", "slow 'one'")),
    ]  # fmt: skip
    assert "--step 4" in forked[0]
    assert "--name 'fork 1'" in forked[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.RunWarning)  # the schedule begins again
        resumed = lines_of(backlit("resume", "homes.backlit", "--timeline", "fork 1", "--steps", 3))
    first = bl.open_run("homes.backlit")
    commands = first.about()["commands"]
    assert resumed == [forked[0]]
    assert commands["fork 1"] == [forked[0], "backlit resume homes.backlit --timeline 'fork 1' --steps 3"]
    folder = tmp_path / "elsewhere"
    typed_elsewhere(line, folder, tmp_path)
    for one in [*forked, commands["fork 1"][1]]:
        words = shlex.split(one)[1:]
        subprocess.run([sys.executable, "-m", "backlit", *words], cwd=folder, check=True, capture_output=True)
    again = bl.open_run(folder / "homes.backlit")
    assert [timeline.name for timeline in again.timelines()] == ["main", "fork 1", "slow 'one'"]
    for timeline in first.timelines():
        assert again.at(timeline=timeline.name).theta.tobytes() == timeline.at().theta.tobytes()


def test_going_on_beyond_where_an_interrupted_line_leads(backlit, tmp_path, monkeypatch):
    """The new line counts from there: from step 90, where 30 steps more than the 60 of `train` lead."""
    monkeypatch.chdir(tmp_path)
    timeline = recorded(planned(schedule="constant"), tmp_path / "a.backlit").timeline()
    events = timeline.events(30)
    next(events), events.close()
    step = timeline.steps()
    assert 60 <= step < 90
    backlit("resume", "a.backlit", "--timeline", "main", "--steps", 40)
    assert timeline.steps() == step + 40
    assert timeline.commands() == [f"backlit resume a.backlit --timeline main --steps {step + 40 - 90}"]


def test_going_on_within_the_plan_needs_no_line(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    backlit("train", "homes.csv", "--target", "price", *QUICK, "--batch-size", 50)
    backlit("fork", "homes.backlit", "--step", 3, "--no-train")
    for steps in (2, 1):
        backlit("resume", "homes.backlit", "--timeline", "fork 1", "--steps", steps)
    assert len(bl.open_run("homes.backlit").about()["commands"]["fork 1"]) == 1
