"""Every command answers --json with JSON that every reader takes."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from recorded import FRAME, PRICE, planned, recorded
from typer.main import get_command

import backlit as bl
from backlit.cli.main import app

RUN = "homes.backlit"
#: a call of each command, by its name
CALLS = {
    "demo": ["--act", "1"],
    "train": ["homes.csv", "--target", "price", "--epochs", "2", "--hidden", "4", "--run", "own.backlit"],
    "predict": [RUN, "homes.csv", "--out", "out.csv"],
    "explain": [RUN, "--row", "3", "--what-if"],
    "figure": ["weight", RUN, "--row", "3", "--out", "a.svg"],
    "show": [RUN],
    "history": [RUN],
    "diff": [RUN, "main", "fork 1"],
    "fork": [RUN, "--step", "20", "--steps", "3", "--learning-rate", "0.01"],
    "resume": [RUN, "--steps", "2", "--timeline", "fork 1"],
    "verify": [RUN],
    "export": [RUN, "--csv", "figures.csv", "--safetensors", "w.safetensors"],
    "keep": [RUN, "main"],
    "drop": [RUN, "fork 1"],
    "gc": [RUN],
    "studio": [RUN, "--no-browser", "--port", "0"],
}
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("made")
    recorded(planned("auto"), made / RUN)
    bl.open_run(made / RUN).fork(30, learning_rate=0.01)
    pl.concat([FRAME, PRICE], how="horizontal").write_csv(made / "homes.csv")
    return made


@pytest.fixture
def place(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


def read(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_each_command_is_called_here():
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_json(name):
    assert "--json" in {flag for option in COMMANDS[name].params for flag in option.opts}


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"studio"}))
def test_a_command_answers_with_json(name, place, backlit):
    if name == "figure":
        pytest.importorskip("matplotlib")
    out = backlit(name, *CALLS[name][: len(CALLS[name]) - 2 * (name == "predict")], "--json")
    assert read(out)
    if name == "export":
        assert read(out)["written"] == ["w.safetensors", "figures.csv"]


def test_predict_answers_with_json_where_it_writes_a_file(place, backlit):
    assert read(backlit("predict", *CALLS["predict"], "--json"))["rows"] == FRAME.height


def test_the_studio_answers_with_json(place):
    command = [sys.executable, "-m", "backlit", "studio", *CALLS["studio"], "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        try:
            line = served.stdout.readline()
        finally:
            os.kill(served.pid, signal.SIGINT)
    assert read(line)["run"].endswith(RUN)


def test_what_no_memory_can_hold_is_a_sentence(backlit, monkeypatch):
    monkeypatch.setattr("backlit.cli.main.app", lambda: np.empty(1 << 58))
    assert "takes more memory than this machine has; take fewer units" in backlit("demo", code=2)
