"""A recorded run, and copies of it to spoil."""

import shutil
import sys
import warnings
from pathlib import Path

import pytest
from stranger import TABLE, planned, record

from backlit.cli.main import main
from backlit.runs.run import open_run


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A run file with a fork, its fit, and all that can be read from it."""
    path = tmp_path_factory.mktemp("runs") / "houses.backlit"
    done = record(path, planned(), frame=TABLE, about={"source": "houses.csv"})
    open_run(path).fork(7, learning_rate=0.01, name="faster").train(5)
    return path, done


@pytest.fixture(scope="module")
def written(original):
    return original[0]


@pytest.fixture(scope="module")
def fitted(original):
    return original[1]


@pytest.fixture
def copy(written, tmp_path):
    return Path(shutil.copy(written, tmp_path / "copy.backlit"))


@pytest.fixture
def command(monkeypatch, capfdbinary):
    """Run a command in this process; its exit code and what it printed."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["backlit", *map(str, arguments)])
        how = {"mode": "w", "closefd": False, "encoding": "utf-8"}
        with open(1, **how) as out, open(2, **how) as err, warnings.catch_warnings():
            monkeypatch.setattr(sys, "stdout", out)
            monkeypatch.setattr(sys, "stderr", err)
            warnings.simplefilter("default")  # as a command has it
            with pytest.raises(SystemExit) as caught:
                main()
        captured = capfdbinary.readouterr()
        return caught.value.code, captured.out.decode(), captured.err.decode()

    return run
