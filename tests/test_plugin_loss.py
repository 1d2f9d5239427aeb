"""Losses that only tests know, through the whole product: chosen, trained, recorded, traced, told of."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from checks import Draw, assert_same_gradient, central_differences
from plugin_loss import OURS, Expectile, Exponential, Gamma, LogCosh, Quartic, registered
from recorded import FRAME, PRICE, RECIPE, SPLIT, every_state, recorded, same

import backlit as bl
from backlit.core.layers import Dense
from backlit.core.losses import LOSSES
from backlit.core.network import Network
from backlit.errors import ArgumentError, UnknownNameError
from backlit.fitting import choose_loss, prepare
from backlit.problem import Problem
from backlit.progress import fit
from backlit.tables.target import SCALINGS, Target

DOLLARS = PRICE / 1e5
KINDS = pl.DataFrame({"kind": np.where(PRICE["price"] > PRICE["price"].median(), "dear", "cheap")})
CHOSEN = (LogCosh(0.5), Quartic(), Gamma(), Exponential(scale=0.5), Expectile((0.1, 0.5, 0.9)))


@pytest.fixture(scope="module", autouse=True)
def registry():
    with registered():
        yield


def targets(loss):
    return KINDS if "two classes" in loss.learns else DOLLARS


def begun(loss, **changes):
    frame = targets(loss)
    target = Target.fit_classes(frame["kind"]) if frame is KINDS else None
    recipe = replace(RECIPE, loss=loss, units={"price": "$"}, engine="auto", **changes)
    return prepare(Problem(FRAME, frame, target, SPLIT), recipe, 5)


@pytest.fixture(scope="module", params=CHOSEN, ids=lambda loss: loss.name)
def run(request, tmp_path_factory):
    loss, file = request.param, tmp_path_factory.mktemp("runs") / f"{request.param.name}.backlit"
    return recorded(begun(loss), file, frame=FRAME.with_columns(targets(loss)))


@pytest.mark.parametrize("loss", CHOSEN, ids=lambda loss: loss.name)
def test_its_gradient(loss):
    draw = Draw(3, Network([Dense(3, 4, "tanh"), Dense(4, len(loss.outputs(["y"], ["a", "b"])))], loss))
    numeric = central_differences(lambda theta: draw.error(theta, draw.X), draw.theta)
    assert_same_gradient(draw.back.gradient, numeric, float(draw.E))


@pytest.mark.parametrize("loss", [*(cls() for cls in LOSSES.values()), *CHOSEN], ids=lambda loss: loss.name)
def test_the_slope_of_its_prediction(loss):
    S = np.random.default_rng(0).normal(size=(5, len(loss.outputs(["y"], ["a", "b", "c"]))))
    numeric = np.empty_like(S)
    for j in range(S.shape[1]):
        h = 1e-6 * (np.arange(S.shape[1]) == j)
        numeric[:, j] = (loss.predict(S + h) - loss.predict(S - h))[:, j] / 2e-6
    np.testing.assert_allclose(loss.prediction(np, S)[1] * np.ones_like(S), numeric, rtol=1e-8)
    if "numbers" not in loss.learns and "counts" not in loss.learns:
        return
    for scaling in ["raw"] if "counts" in loss.learns else SCALINGS:
        target = Target.fit_numbers(DOLLARS, scaling)
        for j, h in enumerate(1e-6 * np.eye(S.shape[1])):
            of_score = (target.decode(loss, S + h) - target.decode(loss, S - h))[:, j] / 2e-6
            np.testing.assert_allclose(target.slope(loss, S)[:, j], of_score, rtol=1e-7)


def test_which_losses_learn_a_target():
    numbers, two = Target.fit_numbers(DOLLARS), Target.fit_classes(KINDS["kind"])
    three = Target.fit_classes(pl.Series("kind", ["a", "b", "c"]))
    usual = {numbers: "squared_error", two: "binary_cross_entropy", three: "cross_entropy"}
    for target, name in usual.items():
        assert choose_loss(RECIPE, target).name == name
    assert choose_loss(replace(RECIPE, loss="exponential"), two) == Exponential()
    assert begun(Gamma()).table.target.scaling == "raw"
    assert begun(LogCosh()).table.target.scaling == "standard"
    with pytest.raises(ArgumentError, match=r"'exponential', which cannot learn the numbers .*or huber or .*log_cosh"):
        choose_loss(replace(RECIPE, loss=Exponential()), numbers)
    with pytest.raises(
        ArgumentError, match=r"'log_cosh', .* the 2 classes .*; take binary_cross_entropy or exponential, or"
    ):
        choose_loss(replace(RECIPE, loss="log_cosh"), two)


def test_it_is_read_again(run, monkeypatch):
    loss = run.net.loss
    assert loss in CHOSEN
    saved = json.loads(json.dumps(run.net.to_dict()))
    assert bl.Network.from_dict(saved) == run.net
    monkeypatch.delitem(LOSSES, loss.name)
    with pytest.raises(UnknownNameError, match=f"unknown loss '{loss.name}'"):
        bl.Network.from_dict(saved)


def test_every_step_is_had_back_to_the_bit(run, tmp_path):
    start = begun(run.net.loss)
    assert start.plan.engine.name == "reference"
    states, _, _ = every_state(start.plan, start.state)
    for step in (0, 7, 33, 20, max(states)):
        assert same(run.at(step), states[step])
    assert run.verify(deep=True).sound
    cut = recorded(start, tmp_path / "cut.backlit", 23, frame=run.frame())
    cut.train()
    assert same(cut.at(), states[max(states)])


@pytest.mark.parametrize("rows", [None, [17]], ids=["batch", "row"])
def test_its_chains(run, rows):
    t = run.trace(9, rows)
    numeric = central_differences(lambda theta: t.at(theta).E, t.theta)
    for weight in ("w1[size#1, 2]", "b1[3]", "w2[1, 2]", f"w3[4, {t.net.outputs}]", "b3[1]"):
        chain = t[weight].chain()
        [position] = t.net.positions(weight)
        assert chain.gradient == pytest.approx(numeric[position], rel=1e-4, abs=1e-8)
        assert math.fsum(path.product for path in chain.paths) + chain.rest == pytest.approx(chain.gradient, rel=1e-9)
        assert chain.check.digits >= 5 or chain.check.kink


def test_how_people_are_told_of_its_error(run):
    loss, epoch, watch = run.net.loss, run.timeline().epochs()[-1], run.timeline().watch()
    S = run.timeline().plan().engine.predict(run.net, run.at().theta, watch.X).astype(np.float64)
    P, T = run.table.target.decode(loss, S), targets(loss)[watch.rows]
    expected = {
        "quartic": lambda: ("fourth root", "$", np.mean((P[:, 0] - T["price"].to_numpy()) ** 4) ** 0.25),
        "exponential": lambda: ("exponential loss", "", np.exp(np.where(T["kind"] == "dear", -1, 1) * S[:, 0]).mean()),
    }.get(loss.name, lambda: ("E", "", epoch.metric))()  # fmt: skip
    measure = run.measure
    assert (measure.name, measure.unit, measure(epoch.metric)) == (*expected[:2], pytest.approx(expected[2], rel=1e-5))
    assert measure.in_unit == (loss.name == "quartic")


def test_training_shows_it(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    for loss, shown in (
        (LogCosh(), r"E  train 0\.\d+  validation 0\.\d+"), (Quartic(), r"fourth root  train \$\S+  validation \$\S+"),
        (Exponential(), r"exponential loss  train 0\.\d+  validation 0\.\d+"),
    ):  # fmt: skip
        fit(begun(loss))
        assert re.search(shown, re.sub(r"\x1b\[[\d;?]*\w", "", capsys.readouterr().err))


def test_a_sum_and_several_columns_are_told_of_as_E():
    several = Target.fit_numbers(DOLLARS.with_columns(rent=PRICE["price"] / 200))
    one, logarithms = Target.fit_numbers(DOLLARS, unit="$"), Target.fit_numbers(DOLLARS, "log", unit="$")
    for loss in (Quartic(), bl.SquaredError()):
        assert one.measure(loss).unit == "$"
        assert {several.measure(loss), logarithms.measure(loss), one.measure(replace(loss, reduction="sum"))} == {
            LogCosh().measure(1.0, "$")
        }
    assert Exponential(reduction="sum").measure().name == bl.BinaryCrossEntropy(0.1).measure().name == "E"
    halved = one.measure(bl.SquaredError(scale=0.5))
    assert (halved.name, halved(0.5 * 9)) == ("RMSE", pytest.approx(3 * one.scale[0]))
    absolute = one.measure(bl.AbsoluteError(scale=2))
    assert (absolute.name, absolute(2 * 3)) == ("mean absolute error", pytest.approx(3 * one.scale[0]))
    assert Target.fit_classes(KINDS["kind"]).measure(bl.BinaryCrossEntropy(scale=2))(3.0) == 1.5


def test_estimators():
    X, how = FRAME, {"hidden": (6,), "max_steps": 300, "dropout": 0, "random_state": 0}
    for loss in ("log_cosh", Quartic(), "gamma"):
        model = bl.NetRegressor(loss=loss, **how).fit(X, DOLLARS["price"])
        assert model.score(X, DOLLARS["price"]) > 0.5
        assert (model.history_[-1].error_in_unit is not None) == (loss == Quartic())
    assert bl.NetRegressor(loss="expectile", **how).fit(X, DOLLARS["price"]).predict(X).shape == (X.height, 2)
    model = bl.NetClassifier(loss="exponential", **how).fit(X, KINDS["kind"])
    assert model.classes_.tolist() == ["cheap", "dear"]
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, KINDS["kind"]) > 0.8


def test_each_is_seen_here():
    assert {type(loss) for loss in CHOSEN} == set(OURS)


def test_several_outputs_are_of_one_target_column(monkeypatch):
    monkeypatch.setattr(Expectile, "outputs", lambda self, names, classes=(): [f"{n} {t}" for n in names for t in "ab"])
    two = DOLLARS.with_columns(tax=DOLLARS["price"] / 100)
    with pytest.raises(ArgumentError, match="'expectile', which has 4 outputs for 2 columns of the target"):
        prepare(Problem(FRAME, two, None, SPLIT), replace(RECIPE, loss=Expectile(), engine="reference"), 5)
