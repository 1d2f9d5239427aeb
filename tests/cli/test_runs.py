"""`backlit show`, `history`, `fork`, `resume`, `diff`, `verify`, `export` and the rest: one thin command per call."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from plugin_loss import registered
from recorded import PRICE, WHOLE, planned, recorded, same

import backlit as bl
from backlit.progress import fit
from backlit.runs.arrays import load_blob
from backlit.runs.file import reading
from backlit.runs.run import recording
from backlit.runs.schema import Fact
from backlit.runs.sense import rows_of
from backlit.training import train


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "homes.backlit"
    recorded(planned("auto"), path)
    return path


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return bl.open_run(shutil.copy(made, "homes.backlit"))


def test_show(backlit, run):
    told = " ".join(backlit("show", "homes.backlit").split())
    for part in (
        "predicts price", "3 columns: size, rooms, town", "60 steps in 6 epochs, all epochs done", "timelines main",
        "MB, 2 snapshots; any step is back in about", "the table's rows are inside", "67 train, 13 validation",
    ):  # fmt: skip
        assert part in told
    facts = json.loads(backlit("show", "homes.backlit", "--json"))
    assert facts["storage"]["rows"] is True
    assert facts["timelines"][0]["steps"] == 60
    assert len(facts["timelines"][0]["epochs"]) == 6


def test_a_loss_that_only_tests_know(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    WHOLE.write_csv("homes.csv")
    with registered():
        for loss, name in (("log_cosh", "E"), ("quartic", "fourth root"), ("expectile", "E")):
            file = f"{loss}.backlit"
            how = ("--hidden", "6,5", "--epochs", 3, "--loss", loss)
            backlit("train", "homes.csv", "--target", "price", "--run", file, *how)
            told = " ".join(backlit("show", file).split())
            assert re.search(rf"weights, {loss} .*watching {loss} .*[▁-█] {name} [\d.,]+ → [\d.,]+, best [\d.,]+", told)
            assert re.search(rf"[▁-█]  {name} [\d.,]+ → [\d.,]+, best", backlit("history", file))
            saved = json.loads(backlit("show", file, "--json"))
            assert saved["network"]["loss"]["name"] == loss
            assert "agrees to" in backlit("explain", file, "--row", 3)
            head = backlit("predict", file, "homes.csv").splitlines()[0]
            outputs = ("price at 0.2", "price at 0.8") if loss == "expectile" else ("price",)
            assert head == ",".join([*WHOLE.columns, *(f"predicted {output}" for output in outputs)])
        told = backlit("train", "homes.csv", "--target", "town", "--run", "t.backlit", "--loss", "exponential")
        assert "kept in t.backlit" in told
        assert re.search(r"[▁-█]  exponential loss [\d.]+ → [\d.]+", backlit("history", "t.backlit"))


def test_fork_history_and_diff(backlit, run):
    told = backlit("fork", "homes.backlit", "--step", 20, "--learning-rate", 0.01, "--name", "fast")
    assert "fast   steps 20 to 60, all epochs done\nlearning_rate 0.001 → 0.01\n" in told
    assert "fork 1   steps 30 to 35" in backlit("fork", "homes.backlit", "--timeline", "fast", "--step", 30,
                                                "--steps", 5,
                                                "--weight", "w2[3, 1]=0.5", "--weight", "b1[2]=-1")  # fmt: skip
    assert json.loads(backlit("fork", "homes.backlit", "--no-train", "--dropout", 0, "--json"))["steps"] == 60
    expected = run.fork(20, learning_rate=0.01, name="again").train()
    assert same(run.at(timeline="fast"), expected.at())
    assert run.at(30, "fork 1").theta[run.net.positions("b1[2]")[0]] == -1
    tree = backlit("history", "homes.backlit").splitlines()
    assert tree[0] == "homes.backlit"
    assert [line.lstrip("│├└─ ").split("   ")[0] for line in tree if "steps" in line] == [
        "main", "fast", "fork 1", "fork 2", "again",
    ]  # fmt: skip
    assert [timeline["parent"] for timeline in json.loads(backlit("history", "homes.backlit", "--json"))] == [
        None, "main", "fast", "main", "main",
    ]  # fmt: skip
    told = backlit("diff", "homes.backlit", "main", "fast")
    assert told.startswith("main and fast   the same up to step 20\nfast: learning_rate 0.001 → 0.01\n")
    rows = json.loads(backlit("diff", "homes.backlit", "main", "fast", "--json"))["rows"]
    better = sum(row["gain"] > 0 for row in rows)
    assert f"fast is nearer to the truth on {better} of 13 rows" in told
    assert rows[0]["truth"] == pytest.approx(PRICE["price"][rows[0]["row"]])


def test_resume(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = planned("auto")
    run = recorded(start, tmp_path / "a.backlit", 23)
    assert "all steps done" in " ".join(backlit("show", "a.backlit").split())
    with recording("b.backlit", *start, frame=WHOLE) as recorder:
        events = recorder.record(train(start.plan, start.state))
        next(events), events.close()
    assert "interrupted" in backlit("show", "b.backlit")
    assert "main   steps 0 to 60, all epochs done" in backlit("resume", "b.backlit")
    assert "main   steps 0 to 60, all epochs done" in backlit("resume", "a.backlit")
    assert same(run.at(), bl.open_run("b.backlit").at())
    before = Path("a.backlit").read_bytes()
    for options in ((), ("--timeline", "main")):
        told = backlit("resume", "a.backlit", *options)
        assert told.startswith("a.backlit is finished: nothing of it was cut off. To go on beyond its end, say")
        assert "main   steps 0 to 60, all epochs done" in told
        told = json.loads(backlit("resume", "a.backlit", *options, "--json"))
        assert (told["name"], told["steps"], told["reason"], told["finished"]) == ("main", 60, "epochs", True)
    assert Path("a.backlit").read_bytes() == before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bl.RunWarning)
        assert "main   steps 0 to 65" in backlit("resume", "a.backlit", "--steps", 5)
    run.fork(10, name="other").train()
    assert backlit("resume", "a.backlit").startswith("a.backlit is finished")
    told = json.loads(backlit("resume", "a.backlit", "--json"))
    assert (told["name"], told["finished"]) == ("other", True)
    told = backlit("resume", "a.backlit", "--steps", 5, code=2)
    assert "no timeline of a.backlit was cut off; say which one is to go on (--timeline): 'main', 'other'" in told
    run.fork(20, name="third")
    told = json.loads(backlit("resume", "a.backlit", "--json"))
    assert (told["name"], told["reason"], told["finished"]) == ("third", "max_steps", False)
    assert json.loads(backlit("resume", "a.backlit", "--json"))["finished"]


def test_resume_takes_the_timeline_that_was_cut_off(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = planned("auto")
    with recording("c.backlit", *start, frame=WHOLE) as recorder:
        events = recorder.record(train(start.plan, start.state))
        next(events), events.close()
    bl.open_run("c.backlit").fork(0, name="whole").train()
    told = json.loads(backlit("resume", "c.backlit", "--json"))
    assert (told["name"], told["steps"], told["reason"]) == ("main", 60, "epochs")


def test_verify(backlit, run):
    told = backlit("verify", "homes.backlit", "--deep")
    assert "made 60 steps again\nhomes.backlit: as it was written" in told
    with closing(sqlite3.connect("homes.backlit")) as file, file:
        file.execute("UPDATE epochs SET metric = 0 WHERE epoch = 3")
    told = backlit("verify", "homes.backlit", code=1)
    assert told == ""
    report = run.verify()
    assert [str(remark) for remark in report.damaged] == ["epochs 1 3 is not as it was written"]
    assert [str(remark) for remark in report.recoverable] == [
        "timeline 'main': the states of steps 0 to 60, from 2 snapshots"
    ]


def test_export(backlit, run):
    from safetensors.numpy import load_file

    assert "wrote w.safetensors" in backlit("export", "homes.backlit", "--safetensors", "w.safetensors", "--step", 30)
    arrays = load_file("w.safetensors")
    for slot in run.net.layout():
        np.testing.assert_array_equal(arrays[slot.name], run.at(30).theta[slot.start : slot.stop].reshape(slot.shape))
    backlit("export", "homes.backlit", "--safetensors", "best.safetensors")
    joined = np.concatenate([load_file("best.safetensors")[slot.name].ravel() for slot in run.net.layout()])
    np.testing.assert_array_equal(joined, run.timeline().best().theta)
    backlit("export", "homes.backlit", "--csv", "steps.csv")
    assert pl.read_csv("steps.csv")["step"].to_list() == list(range(60))
    assert bl.Network.from_dict(json.loads(backlit("export", "homes.backlit", "--json"))["network"]) == run.net
    assert "steps.csv exists" in backlit("export", "homes.backlit", "--csv", "steps.csv", code=2)
    assert "say what to export" in backlit("export", "homes.backlit", code=2)


def test_a_copy_without_rows_holds_none(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = WHOLE.with_columns(pl.Series("note", [f"secret-{i}" for i in range(90)]))
    start = planned("auto")
    with recording("a.backlit", *start, frame=secret) as recorder:
        fit(start, show=False, recorder=recorder)
    run = bl.open_run("a.backlit")
    assert run.frame().equals(secret)
    backlit("export", "a.backlit", "--without-rows", "b.backlit")
    copy = bl.open_run("b.backlit", secret)
    assert same(copy.at(33), run.at(33))
    assert "no rows are inside" in " ".join(backlit("show", "b.backlit").split())
    content = (tmp_path / "b.backlit").read_bytes()
    with reading(run.path) as file:
        [data] = [json.loads(fact.value) for fact in rows_of(file, Fact, "key = 'data'")]
        columns = [key for column in data["table"]["columns"] for key in column["arrays"].values()]
        for key in (*columns, *(encoded[name] for encoded in data["encoded"] for name in "XY")):
            stored = load_blob(file, key).data
            assert stored[:64] in (tmp_path / "a.backlit").read_bytes()
            assert stored[:64] not in content
    assert b"secret-89" not in content


def test_keep_drop_and_gc(backlit, run):
    backlit("fork", "homes.backlit", "--step", 5, "--name", "one")
    backlit("keep", "homes.backlit", "one")
    assert "kept" in backlit("history", "homes.backlit")
    assert "timeline 'one' is kept; release it first" in backlit("drop", "homes.backlit", "one", code=2)
    backlit("keep", "homes.backlit", "one", "--release")
    backlit("drop", "homes.backlit", "one")
    assert backlit("gc", "homes.backlit").endswith("MB freed\n")
    assert [timeline.name for timeline in run.timelines()] == ["main"]


def test_explain_and_figure_take_any_step_of_any_timeline(backlit, run):
    backlit("fork", "homes.backlit", "--step", 20, "--learning-rate", 0.01, "--name", "fast")
    for timeline in ("main", "fast"):
        told = json.loads(
            backlit("explain", "homes.backlit", "--row", 7, "--step", 40, "--timeline", timeline, "--json")
        )
        assert told["E"] == run.trace(40, [7], timeline).E
    assert "unknown timeline 'fats'" in backlit("explain", "homes.backlit", "--timeline", "fats", code=2)
    backlit("figure", "step", "homes.backlit", "--step", 3, "--row", 4, "--out", "step.svg")
    backlit("figure", "errors", "homes.backlit", "--timeline", "fast", "--out", "errors.svg")
    assert "step is 99; it must be a step from 0 to 60" in backlit("explain", "homes.backlit", "--step", 99, code=2)


def test_weights_that_are_not_understood(backlit, run):
    for text in ("w2[3, 1]", "w2[3, 1]=much", "=3"):
        told = backlit("fork", "homes.backlit", "--weight", text, code=2)
        assert "--weight is" in told or "unknown weight" in told
    assert len(run.timelines()) == 1


def test_training_that_diverges_leaves_its_steps(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    WHOLE.write_csv("homes.csv")
    told = backlit("train", "homes.csv", "--target", "price", "--optimizer", "sgd", "--learning-rate", 1e6, "--seed", 0,
                   code=2)  # fmt: skip
    assert "training diverged at step" in told
    assert "All steps up to there are kept in homes.backlit" in told
    run = bl.open_run("homes.backlit")
    assert run.timeline().reason() == "diverged"
    assert "diverged" in backlit("history", "homes.backlit")
    fork = replace(run.fork(0, learning_rate=0.01).settings())
    assert fork.learning_rate == 0.01


def test_a_fork_with_nothing_to_train_says_so(backlit, run):
    """Without --step it begins at the end, where a finished run has nothing left."""
    out = " ".join(backlit("fork", "homes.backlit", "--learning-rate", 0.1, "--name", "late").split())
    assert out.startswith("late begins at step 60, where it ends (all epochs done): nothing was trained; begin earlier")
    for options in (("--epochs", 7), ("--step", 50), ("--no-train",)):
        assert "nothing was trained" not in backlit("fork", "homes.backlit", *options)
    assert [timeline.steps() for timeline in run.timelines()] == [60, 60, 70, 60, 60]


def test_what_cannot_be_printed(run, tmp_path):
    """No traceback: a mark for a letter that the pipe's encoding lacks, and a sentence where the disk is full."""
    for options in ([], ["--json"]):
        command = [sys.executable, "-m", "backlit", "show", run.path.resolve(), *options]
        plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, capture_output=True, env=plain)
        assert (done.returncode, done.stderr) == (0, b"")
        assert not options or json.loads(done.stdout)["timelines"]
        if sys.platform == "linux":
            with Path("/dev/full").open("wb") as full:
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
            assert (done.returncode, done.stderr) == (
                2, b"backlit: standard output could not be written (No space left on device)\n"
            )  # fmt: skip
