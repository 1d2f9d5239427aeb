"""What `import backlit` offers, and how its things present themselves."""

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest
from recorded import planned, recorded
from small import QUICK, X, kinds, y

import backlit as bl


def test_the_version():
    assert bl.__version__ == importlib.metadata.version("backlit")


def test_errors_and_metrics_are_at_hand():
    for name in ("ArgumentError", "UnknownNameError", "KeywordError", "ShapeError", "DataError", "DivergedError"):
        assert issubclass(getattr(bl, name), bl.BacklitError)
        assert getattr(bl, name) is getattr(bl.errors, name)
    assert {"rmse", "r2", "accuracy"} <= set(bl.METRICS)
    assert all(isinstance(metric, bl.Metric) for metric in bl.METRICS.values())


@pytest.mark.parametrize("verb", ["choose", "begin", "prepare", "tangent"])
def test_vague_verbs_live_in_their_rooms(verb):
    assert verb not in dir(bl)
    with pytest.raises(AttributeError):
        getattr(bl, verb)


def test_a_repr_says_what_matters_in_ten_lines(tmp_path):
    run = recorded(planned(), tmp_path / "a.backlit")
    run.fork(10, learning_rate=0.1)
    regressor = bl.NetRegressor(**QUICK, run=tmp_path / "b.backlit").fit(X, y)
    classifier = bl.NetClassifier(**QUICK).fit(X, kinds)
    network = "4 in → piecewise linear → 8 relu → dropout 0.2 → 6 relu → dropout 0.2 → 1; 525 weights; squared_error"
    for thing, *said in (
        (run, "a.backlit", "'main' to step 60", "'fork 1' to step 10", "price from 3 columns", network),
        (run.timeline(), "'main'", "steps 0 to 60", "epochs"),
        (run.timeline("fork 1"), "'fork 1'", "steps 10 to 10", '"learning_rate": [0.001, 0.1]'),
        (run.model(), "price from 3 columns", network),
        (run.net, network),
        (run.table, "price (standard) from 3 columns", "number: size, rooms", "category: town"),
        (run.at(12), "step 12", "525 weights"),
        (run.trace(12), "step 12", "7 rows", "E = ", network),
        (run.trace(12, [3]), "chosen rows: 1 row (3)", "w1[size#1, 1]"),
        (run.timeline().plan(), "67 rows to learn from, 13 to watch", network),
        (regressor, "NetRegressor(", "hidden=(16,)"),
        (regressor.model_, "y from 4 columns", "16 relu"),
        (classifier.model_, "y from 4 columns", "binary_cross_entropy"),
        (bl.open_run(tmp_path / "b.backlit"), "b.backlit", "y from 4 columns"),
        (run.verify(), ""),
    ):
        text = repr(thing)
        assert all(part in text for part in said), text
        assert len(text.splitlines()) <= 10
        assert len(text) < 1000
        assert "array" not in text


def test_a_repr_stays_short_however_much_there_is(tmp_path):
    frame = {f"column_{i:03d}": np.random.default_rng(i).normal(size=60) for i in range(300)}
    frame["one\nline"] = np.arange(60) ** 2.0
    model = bl.NetRegressor(hidden=(4,) * 40, bins=2, epochs=1, run=tmp_path / "a.backlit", random_state=0)
    model.fit(frame, np.arange(60.0))
    run = bl.open_run(tmp_path / "a.backlit")
    for i in range(12):
        run.fork(0, name=f"fork number {i}")
    for thing in (
        run,
        run.table,
        run.model(),
        run.net,
        run.trace(0),
        run.timeline("fork number 3"),
        run.timeline().plan(),
    ):
        assert len(repr(thing).splitlines()) <= 10
        assert max(map(len, repr(thing).splitlines())) < 400


def without(module: str, *arguments: str) -> subprocess.CompletedProcess:
    """The command line where a module is not installed."""
    code = f"import sys; sys.modules[{module!r}] = None; from backlit.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("module", ["uvicorn", "starlette", "msgspec", "websockets"])
def test_the_studio_without_its_extra_is_refused_in_a_sentence(module):
    done = without(module, "studio", "--no-browser", "--port", "0")
    assert done.returncode == 2
    assert done.stderr == (
        f"backlit: the studio needs {module}, which is not installed; pip install 'backlit[studio]'\n"
    )


def test_a_figure_without_its_extra_is_refused_in_a_sentence(tmp_path):
    done = without("matplotlib", "figure", "network", "--demo", "--out", str(tmp_path / "a.svg"))
    assert done.returncode == 2
    assert done.stderr == ("backlit: figures need matplotlib, which is not installed; pip install 'backlit[figures]'\n")


def test_training_and_predicting_need_no_extra():
    extras = ("uvicorn", "starlette", "msgspec", "websockets", "matplotlib")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({extras}))\n"
        "import numpy as np, backlit as bl\n"
        "X = np.arange(40.0).reshape(20, 2)\n"
        "print(bl.NetRegressor(hidden=(4,), epochs=1, random_state=0).fit(X, X[:, 0]).predict(X).shape)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "(20,)\n"
