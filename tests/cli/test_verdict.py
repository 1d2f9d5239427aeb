"""What `train` says of a training at its end, and what it names to try."""

import json
import shlex

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.cli.verdict import to_try
from backlit.explain.verdict import Course, Verdict, judge, match
from backlit.explain.verdict_text import sentence

draw = np.random.default_rng(0)
N = 500
HOMES = pl.DataFrame(
    {"size": draw.gamma(2, 500, N).round(1), "rooms": draw.integers(1, 6, N), "lat": draw.normal(size=N)}
)
HOMES = HOMES.with_columns(
    price=(100 * pl.col("size") * (1 + 0.3 * (3 * pl.col("lat")).sin()) + 2e4 * pl.col("rooms")).round(0)
)  # fmt: skip
SMALL = ("--hidden", "32,32", "--seed", 0)


@pytest.fixture
def train(backlit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")

    def run(*options, code=0):
        out = backlit("train", "homes.csv", "--target", "price", "--unit", "$", "--force", *SMALL, *options, code=code)
        about = bl.open_run("homes.backlit").about()
        lines = {
            line[:8].strip(): line[8:] for line in out.splitlines() if line[:8].strip() in ("again", "next", "try")
        }
        return about["verdict"], out, lines

    return run


def test_what_goes_well_is_not_scolded(train, backlit):
    verdict, out, lines = train("--epochs", 200)
    assert (verdict["kind"], verdict["beaten_by"], verdict["remedy"]) == ("healthy", None, {})
    assert lines["next"] == "backlit predict homes.backlit NEW.csv --out PREDICTED.csv"
    assert "try" not in lines
    [line] = [line for line in out.splitlines() if line.startswith("Better than the linear model, RMSE $")]
    assert line in backlit("show", "homes.backlit").splitlines()
    assert json.loads(backlit("show", "homes.backlit", "--json"))["verdict"] == verdict


@pytest.mark.parametrize(
    ("options", "kind", "says", "tries"),
    [
        (("--learning-rate", 10), "overshot", "each step lands farther up the other side", "--learning-rate"),
        (("--learning-rate", 1e-5, "--epochs", 2), None, "No better than always the mean, RMSE $", "--learning-rate"),
        (("--learning-rate", 1e-9), "never_moved", "the error hardly fell", "--learning-rate"),
        (("--dropout", 0.9), "underfitted", "with a dropout of 0.9", "--dropout"),
        (("--epochs", 4), "still_falling", "the error was still falling at the last epoch", "--epochs"),
    ],
)
def test_what_goes_badly_is_said_and_mended(train, options, kind, says, tries):
    verdict, out, lines = train(*options)
    assert kind in (None, verdict["kind"])
    assert verdict["beaten_by"] is not None
    assert says in out
    assert "next" not in lines
    words = shlex.split(lines["try"])
    [setting] = verdict["remedy"]
    assert words[words.index(tries) + 1] == str(verdict["remedy"][setting])
    assert words[words.index("--run") + 1] == "homes-2.backlit"
    assert words[:5] == ["backlit", "train", "homes.csv", "--target", "price"]
    if kind == "overshot":
        limit = verdict["numbers"]["limit"]
        assert limit == pytest.approx(2 / verdict["numbers"]["curvature"])
        assert f"above a rate of 2 / {verdict['numbers']['curvature']:.3g} = {limit:.2g} each step" in out
        assert verdict["remedy"]["learning_rate"] < limit < 10


def test_what_is_tried_does_better(train, backlit):
    _, _, lines = train("--learning-rate", 10)
    backlit(*shlex.split(lines["try"])[1:])
    rmse = [bl.open_run(f"homes{n}.backlit").about()["scores"]["backlit"]["rmse"] for n in ("", "-2")]
    assert rmse[1] < rmse[0] / 2


def test_divergence_is_judged_and_kept(train, backlit):
    verdict, error, _ = train("--optimizer", "sgd", "--learning-rate", 1e4, code=2)
    first, second = error.splitlines()
    assert first.startswith("backlit: training diverged at step ")
    assert first.endswith("All steps up to there are kept in homes.backlit")
    assert "each step lands farther up the other side than it came from" in second
    line = second.partition("Try  ")[2]
    assert "--run homes-2.backlit" in line
    assert (verdict["kind"], verdict["numbers"]["step"]) == (
        "diverged",
        bl.open_run("homes.backlit").timeline().steps(),
    )
    backlit(*shlex.split(line)[1:])
    assert "Training diverged at step" in backlit("show", "homes.backlit")


def test_a_verdict_is_of_the_step_at_which_it_was_made(train, backlit):
    train("--epochs", 3)
    backlit("fork", "homes.backlit", "--name", "other", "--step", 3, "--no-train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # the schedule begins again
        backlit("resume", "homes.backlit", "--timeline", "main", "--steps", 4)
    shown = backlit("show", "homes.backlit")
    assert "on the test rows after 6 steps" in shown
    assert "\nAfter 6 steps: " in shown


def test_words_for_figures_that_were_not_finite():
    course = Course(start=1.0, errors=(float("inf"),), watched=(2.0,), learning_rate=3.0, diverged=1)
    verdict = json.loads(json.dumps(judge(course).to_dict()))
    assert sentence(verdict, "", "y") == "Training diverged at step 1."
    assert sentence(Verdict("healthy").to_dict(), "", "y") == ""


def test_what_was_cut_off_is_resumed():
    verdict = Verdict("still_falling", None, {}, {"epochs": 40}).to_dict()
    assert to_try(verdict, "t.csv", {}, "a b.backlit", True) == "backlit resume 'a b.backlit'"
    assert to_try(verdict, "t.csv", {"target": "y"}, "a.backlit", False) == (
        "backlit train t.csv --target y --epochs 40 --run a-2.backlit"
    )
    assert to_try(Verdict("no_signal", "mean").to_dict(), "t.csv", {}, "a.backlit", False) == (
        "backlit figure errors a.backlit --out errors.svg"
    )


def test_better_by_less_than_the_rows_can_tell():
    """One row that both miss by far makes the figures differ, and no difference sure."""
    truth = np.zeros((30, 1))
    own, mean, linear = (
        truth + np.where(np.arange(30)[:, None] > 0, near, far) for near, far in [(2, 8), (1, 20), (0, 0)]
    )
    predictions = {"backlit": own, "mean": mean, "linear model": linear}
    scores = {name: {"rmse": float(np.sqrt((P**2).mean()))} for name, P in predictions.items()}
    verdict = judge(Course(), match(predictions, truth, scores)).to_dict()
    assert scores["backlit"]["rmse"] < scores["mean"]["rmse"]
    assert verdict["beaten_by"] == "mean"
    assert sentence(verdict, "", "y") == "Not surely better than always the mean, RMSE 2.449 against 3.782 on 30 rows."
    verdict["numbers"]["scores"]["mean"] = verdict["numbers"]["scores"]["backlit"] + 1e-6
    assert sentence(verdict, "", "y") == "No better than always the mean, RMSE 2.449 against 2.449."
