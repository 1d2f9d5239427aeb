"""From a table to a trained network."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.engines.reference import ReferenceEngine
from backlit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from backlit.fitting import Recipe, chosen_optimizer, prepare
from backlit.problem import Problem, Split, split_rows
from backlit.progress import fit
from backlit.runs.run import recording
from backlit.tables.target import Target

draw = np.random.default_rng(0)
N = 400
FRAME = pl.DataFrame(
    {"size": draw.gamma(2, 500, N), "rooms": draw.integers(1, 6, N), "town": draw.choice(["a", "b", "c"], N)}
)
PRICE = pl.DataFrame(
    {"price": 100 * FRAME["size"] + 20_000 * FRAME["rooms"] + 50_000 * (FRAME["town"] == "b").cast(int)}
)
QUICK = Recipe(hidden=(16,), epochs=30, learning_rate=0.01)
EVERY = np.arange(N)
PROBLEM = Problem(FRAME, PRICE)


def test_default_network():
    start = prepare(PROBLEM, seed=0)
    kinds = [layer.name for layer in start.plan.net.layers]
    assert kinds == ["piecewise_linear", "dense", "dropout", "dense", "dropout", "dense"]
    assert start.plan.net.inputs == ("size", "rooms", "town=a", "town=b", "town=c")
    assert start.plan.net.loss.name == "squared_error"
    assert start.plan.settings.batch_size == 256
    assert start.plan.settings.epochs == 150  # enough for 300 steps
    assert prepare(PROBLEM, Recipe(batch_size=10)).plan.settings.epochs == 60
    plain = prepare(PROBLEM, Recipe(encoding="plain", dropout=0))
    assert [layer.name for layer in plain.plan.net.layers] == ["dense", "dense", "dense"]


def test_optimizer_by_name_takes_the_recipes_decay_and_a_record_keeps_its_own():
    assert chosen_optimizer(QUICK) == bl.Adam(beta2=0.95, weight_decay=0.03)
    assert chosen_optimizer(replace(QUICK, weight_decay=0.1, clip_norm=1.0)) == bl.Adam(
        beta2=0.95, weight_decay=0.1, clip_norm=1.0
    )
    assert chosen_optimizer(replace(QUICK, optimizer="adam")) == bl.Adam()
    assert chosen_optimizer(replace(QUICK, optimizer=bl.SGD(), weight_decay=0.1)) == bl.SGD()


def test_the_table_is_fitted_on_the_training_rows_alone():
    split = split_rows(EVERY)
    changed = FRAME.with_columns(size=pl.Series(np.where(np.isin(EVERY, split.train), FRAME["size"], 1e9)))
    assert prepare(Problem(FRAME, PRICE, split=split)).table == prepare(Problem(changed, PRICE, split=split)).table


def test_the_same_seed_gives_the_same_bits():
    one, other = (fit(prepare(PROBLEM, QUICK, 5), show=False) for _ in range(2))
    np.testing.assert_array_equal(one.theta, other.theta)


@pytest.mark.parametrize("scaling", ["standard", "log", "raw"])
def test_predictions_are_in_the_targets_unit(scaling):
    start = prepare(Problem(FRAME, PRICE / 1e5), replace(QUICK, target=scaling), 0)
    prediction = fit(start, show=False).model.predict(FRAME)
    assert abs(np.median(prediction / (PRICE["price"].to_numpy() / 1e5)) - 1) < 0.1


def test_counts_stay_counts_for_poisson():
    counts = pl.DataFrame({"n": draw.poisson(FRAME["rooms"].to_numpy())})
    start = prepare(Problem(FRAME, counts), replace(QUICK, loss="poisson"), 0)
    assert start.table.target.scaling == "raw"
    prediction = fit(start, show=False).model.predict(FRAME)
    assert np.corrcoef(prediction, FRAME["rooms"].to_numpy())[0, 1] > 0.9
    assert prediction.min() >= 0


def test_quantiles_come_in_order_and_in_the_targets_unit():
    start = prepare(PROBLEM, replace(QUICK, loss=bl.Quantile((0.1, 0.5, 0.9))), 0)
    prediction = fit(start, show=False).model.predict(FRAME)
    assert prediction.shape == (N, 3)
    below = (PRICE["price"].to_numpy()[:, None] < prediction).mean(axis=0)
    assert below[0] < below[1] < below[2]


def test_several_targets():
    targets = PRICE.with_columns(rent=PRICE["price"] / 200)
    start = prepare(Problem(FRAME, targets), QUICK, 0)
    prediction = fit(start, show=False).model.predict(FRAME)
    assert prediction.shape == (N, 2)
    assert np.corrcoef(prediction[:, 1], targets["rent"].to_numpy())[0, 1] > 0.9


@pytest.mark.parametrize("classes", [2, 3])
def test_classes(classes):
    labels = pl.DataFrame({"kind": FRAME["town"].replace({"c": "a"} if classes == 2 else {})})
    start = prepare(Problem(FRAME, labels, Target.fit_classes(labels["kind"])), QUICK, 0)
    assert start.plan.net.outputs == (1 if classes == 2 else 3)
    model = fit(start, show=False).model
    assert (model.predict(FRAME) == labels["kind"].to_numpy()).mean() > 0.95
    np.testing.assert_allclose(model.predict_proba(FRAME).sum(axis=1), 1)


def test_a_metric_of_the_users_is_what_is_watched():
    mae = bl.tables.metrics.METRICS["mae"]
    split = split_rows(EVERY)
    start = prepare(Problem(FRAME, PRICE, split=split), replace(QUICK, metric=mae), 0)
    fitted = fit(start, show=False)
    truth = PRICE["price"].to_numpy()[split.validation]
    last = start.model(fitted.state.theta).predict(FRAME[split.validation])
    assert fitted.epochs[-1].metric == pytest.approx(np.abs(last - truth).mean(), rel=1e-4)


def test_the_engine_is_chosen_once_with_the_recipes_threads(monkeypatch, tmp_path):
    asked = []

    def spy(*arguments):
        asked.append(arguments)
        return ReferenceEngine()

    monkeypatch.setattr("backlit.fitting.choose", spy)
    start = prepare(PROBLEM, replace(QUICK, epochs=2, threads=3), 0)
    with recording(tmp_path / "run.backlit", *start) as recorder:
        fit(start, show=False, recorder=recorder)
    assert asked == [("auto", start.plan.net, start.plan.settings.optimizer, np.float32, 3)]
    assert bl.open_run(tmp_path / "run.backlit").timeline().row().engine == "reference"


def test_ctrl_c_while_drawing_keeps_what_was_learnt(monkeypatch):
    start = prepare(Problem(FRAME, PRICE, split=split_rows(EVERY)), QUICK, 0)

    def interrupted(events, *_):
        for i, event in enumerate(events):
            if i == 5:
                raise KeyboardInterrupt
            yield event

    monkeypatch.setattr("backlit.progress.watched", interrupted)
    fitted = fit(start)
    assert fitted.reason == "interrupted"
    assert fitted.state.step > 0
    assert np.isfinite(start.model(fitted.theta).predict(FRAME)).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: prepare(PROBLEM, Recipe(hidden=(0,))), ArgumentError, r"hidden is \(0,\)"),
        (lambda: prepare(PROBLEM, Recipe(hidden=("wide",))), ArgumentError, "hidden is"),
        (lambda: prepare(PROBLEM, Recipe(loss="sqared_error")), UnknownNameError, "did you mean 'squared_error'"),
        (lambda: prepare(PROBLEM, Recipe(optimizer="adamx")), UnknownNameError, "unknown optimizer"),
        (lambda: prepare(PROBLEM, Recipe(encoding="bins")), ArgumentError, "encoding is 'bins'"),
        (lambda: prepare(PROBLEM, Recipe(bins=0)), ArgumentError, "bins is 0"),
        (lambda: prepare(PROBLEM, Recipe(target="sqrt")), ArgumentError, "target is 'sqrt'"),
        (
            lambda: prepare(Problem(FRAME, PRICE - 1e9), Recipe(target="log")),
            DataError,
            "its log needs numbers above 0",
        ),
        (lambda: prepare(PROBLEM, Recipe(columns=["sizes"])), UnknownNameError, "did you mean 'size'"),
        (lambda: prepare(PROBLEM, Recipe(columns={"size": "numbr"})), DataError, "must be one of number"),
        (lambda: prepare(Problem(FRAME, PRICE, weights=np.ones(3))), ShapeError, "weights has shape"),
    ],
)
def test_bad_recipes(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_split_names_its_parts():
    assert Split._fields == ("train", "validation", "test")


# --- losses of the other task ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", bl.CrossEntropy(label_smoothing=0.1)])
def test_numbers_with_a_loss_of_classes(loss):
    with pytest.raises(
        ArgumentError, match=r"loss is '\w+', which cannot learn the numbers of the target 'price'; take"
    ):
        bl.NetRegressor(loss=loss).fit(FRAME, PRICE["price"])


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile", "binary_cross_entropy", "cross_entropy"])
def test_classes_with_another_loss_than_theirs(loss, levels):
    kinds = pl.Series("kind", [f"k{i % levels}" for i in range(N)])
    usual = {2: "binary_cross_entropy", 3: "cross_entropy"}[levels]
    model = bl.NetClassifier(loss=loss, hidden=(4,), max_steps=2)
    if loss == usual:
        assert model.fit(FRAME, kinds).model_.net.loss.name == loss
        return
    message = f"loss is '{loss}', which cannot learn the {levels} classes of the target '.*'; take {usual}, or leave"
    with pytest.raises(ArgumentError, match=message):
        model.fit(FRAME, kinds)


def test_probabilities_are_numbers_that_a_loss_of_classes_learns():
    share = pl.DataFrame({"share": FRAME["size"] / FRAME["size"].max()})
    start = prepare(Problem(FRAME, share), replace(QUICK, loss="binary_cross_entropy", target="raw"), 0)
    assert start.plan.net.loss.name == "binary_cross_entropy"
