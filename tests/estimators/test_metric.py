"""A metric is stored and compared as people read it, in memory, in the run file and in what is drawn of it."""

from dataclasses import replace

import numpy as np
import pytest
from recorded import every_state, planned, recorded, same
from sklearn.metrics import accuracy_score, r2_score
from small import QUICK, N, X, kinds, y

import backlit as bl
from backlit.cli.explain import _of_run
from backlit.cli.runs import history
from backlit.fitting import EpochInUnit
from backlit.runs.course import course_of
from backlit.training import Epoch, EpochDone, Settings, train
from backlit.training.settings import why_stop

LONG = QUICK | {"epochs": 60}
OWN = bl.Metric("own", lambda p, t, w: -float(np.abs(p - t).mean()), "own", greater_is_better=True)


def test_r2_is_stored_as_it_is_read():
    model = bl.NetRegressor(metric="r2", **LONG).fit(X, y, X_val=X, y_val=y)
    figures = [epoch.metric for epoch in model.history_]
    assert max(figures) == pytest.approx(r2_score(y, model.predict(X)), rel=1e-5)
    assert model.state_.best.metric == max(figures)
    assert model.best_epoch_ == int(np.argmax(figures)) + 1
    best = -np.inf
    for epoch in model.history_:
        assert epoch.improved == (epoch.metric > best)
        best = max(best, epoch.metric)


def test_accuracy_too():
    model = bl.NetClassifier(metric="accuracy", **LONG).fit(X, kinds, X_val=X, y_val=kinds)
    assert model.state_.best.metric == pytest.approx(accuracy_score(kinds, model.predict(X)))
    assert model.state_.best.metric == max(epoch.metric for epoch in model.history_)


@pytest.mark.parametrize(("metric", "aim"), [("r2", 0.6), ("mae", 30_000), ("rmse", 40_000), (OWN, -30_000)])
def test_training_stops_at_the_target(metric, aim):
    model = bl.NetRegressor(metric=metric, target_error=aim, **LONG).fit(X, y, X_val=X, y_val=y)
    figures = np.array([epoch.metric for epoch in model.history_])
    reached = figures >= aim if metric in ("r2", OWN) else figures <= aim
    assert 1 < len(figures) < 60
    assert reached.tolist() == [False] * (len(figures) - 1) + [True]


@pytest.mark.parametrize("metric", ["r2", "mae", OWN])
def test_patience_ends_after_epochs_without_a_better_one(metric):
    model = bl.NetRegressor(metric=metric, patience=3, **LONG | {"epochs": 400}).fit(X, y)
    assert [epoch.improved for epoch in model.history_[-4:]] == [True, False, False, False]
    assert model.n_iter_ < 400


def test_the_direction_is_a_setting():
    rising, falling = Settings(target_error=0.9, greater_is_better=True), Settings(target_error=0.9)
    data = bl.Data(np.ones((40, 1)), np.ones((40, 1)))
    *_, done = (
        event
        for event in train(bl.Plan(bl.Network.dense(1), data, replace(rising, epochs=2)))
        if hasattr(event, "error")
    )
    for metric, up, down in (
        (0.95, "target_error", None),
        (0.9, "target_error", "target_error"),
        (0.5, None, "target_error"),
    ):
        state = replace(done.state, best=done.state.best._replace(metric=metric))
        assert why_stop(state, rising) == up
        assert why_stop(state, falling) == down


@pytest.mark.parametrize("metric", [bl.METRICS["r2"], bl.METRICS["mae"], None])
def test_a_run_of_any_metric_is_had_back_to_the_bit(metric, tmp_path):
    start = planned(metric=metric)
    states, epochs, _ = every_state(start.plan, start.state)
    run = recorded(start, tmp_path / "a.backlit")
    assert run.timeline().epochs() == epochs
    assert all(same(state, states[state.step]) for state in run.replay())
    cut = recorded(start, tmp_path / "b.backlit", steps=25)
    cut.train()
    assert same(cut.at(), states[max(states)])
    fork = run.fork(20, learning_rate=0.01).train()
    assert fork.epochs()[:2] == epochs[:2]
    if metric is not None and metric.greater_is_better:
        assert fork.settings().greater_is_better
        best = fork.at().best.metric
        assert best == max(epoch.metric for epoch in fork.epochs())
    with pytest.raises(bl.UnknownNameError, match="unknown setting 'greater_is_better'"):
        run.fork(20, greater_is_better=True)


def test_a_metric_of_the_users_keeps_its_direction(tmp_path):
    start = planned(metric=OWN)
    states, epochs, _ = every_state(start.plan, start.state)
    run = recorded(start, tmp_path / "a.backlit")
    assert all(same(state, states[state.step]) for state in run.replay(0, 60))
    assert run.at().best.metric == max(epoch.metric for epoch in epochs) < 0
    assert course_of(run.timeline()).watched == ()  # a verdict rests on E, which this is not


@pytest.mark.parametrize("metric", [bl.METRICS["r2"], bl.METRICS["mae"], OWN, None])
def test_it_is_drawn_and_printed_as_it_is(metric, tmp_path, capsys):
    run = recorded(planned(metric=metric), tmp_path / "a.backlit")
    figures = [epoch.metric for epoch in run.timeline().epochs()]
    best = figures.index(max(figures) if metric and metric.greater_is_better else min(figures))
    axes = _of_run("errors", run, 0, [], None).axes[0]
    assert any(text.get_text().startswith(f"best: epoch {best + 1},") for text in axes.get_legend().get_texts())
    history(str(run.path), json=False)
    printed = capsys.readouterr().out.replace("−", "-").replace(",", "")
    assert axes.get_ylabel() == (metric.title if metric else "RMSE")
    if metric:
        first, best = (f"{E:.{0 if abs(E) >= 1000 else 4}f}" for E in (figures[0], figures[best]))
        assert f"{metric.title} {first} → " in printed
        assert f"best {best}" in printed


def test_E_is_not_shown_for_a_metric_that_is_no_number(tmp_path, capsys):
    nothing = bl.Metric("nothing", lambda prediction, truth, weights: np.nan, "nothing")
    run = recorded(planned(metric=nothing), tmp_path / "a.backlit")
    assert all(epoch.error and epoch.metric is None for epoch in run.timeline().epochs())
    history(str(run.path), json=False)
    assert "best" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "metric", "known"),
    [
        (bl.NetRegressor, "accuracy", "numbers are learnt; give one of rmse, mae, r2"),
        (bl.NetRegressor, "log_loss", "numbers are learnt"),
        (bl.NetClassifier, "r2", "classes are learnt; give one of log_loss, accuracy"),
    ],
)
def test_a_metric_that_makes_no_sense_is_refused(make, metric, known):
    with pytest.raises(bl.ArgumentError, match=f"metric is '{metric}', but {known}"):
        make(metric=metric, **QUICK).fit(X, kinds if make is bl.NetClassifier else y)


def test_the_quantile_loss_has_no_single_prediction():
    with pytest.raises(bl.ArgumentError, match="compares one prediction with the truth, but the loss makes 3"):
        bl.NetRegressor(metric="mae", loss="quantile", **QUICK).fit(X, y)
    bl.NetRegressor(metric="mae", loss=bl.Quantile(levels=(0.5,)), **QUICK).fit(X, y)


@pytest.mark.parametrize("metric", ["neg_root_mean_squared_error", "f1_weighted"])
def test_an_unknown_metric_lists_ours(metric):
    with pytest.raises(bl.UnknownNameError, match="known: 'rmse', 'mae', 'r2', 'log_loss' and 'accuracy'"):
        bl.NetRegressor(metric=metric).fit(X, y)


# --- figures in the target's unit ----------------------------------------------------------------------------------


def test_history_in_the_targets_unit():
    model = bl.NetRegressor(**QUICK | {"dropout": 0}).fit(X, y, X_val=X, y_val=y)
    best = model.history_[model.best_epoch_ - 1]
    rmse = np.sqrt(((model.predict(X) - y) ** 2).mean())
    assert best.metric_in_unit == pytest.approx(rmse, rel=1e-5)
    scale = y.std()
    for epoch in model.history_:
        assert epoch.error_in_unit == pytest.approx(scale * np.sqrt(epoch.error), rel=1e-6)
    assert best[:5] == (best.epoch, best.step, best.error, best.metric, best.improved)


@pytest.mark.parametrize(
    ("settings", "error", "metric"),
    [
        ({"metric": "mae"}, True, True), ({"metric": "r2"}, True, False), ({"target": "log"}, False, False),
        ({"loss": "huber"}, False, False), ({"loss": "absolute_error", "metric": "rmse"}, True, True),
        ({"loss": bl.SquaredError(scale=0.5)}, True, True), ({"target": "raw"}, True, True),
        ({"loss": "quantile"}, False, False), ({"loss": bl.SquaredError(reduction="sum")}, False, False),
        ({"validation_fraction": 0}, True, False),
    ],
)  # fmt: skip
def test_which_figures_have_a_unit(settings, error, metric):
    for epoch in bl.NetRegressor(**QUICK | {"epochs": 2} | settings).fit(X, y).history_:
        assert (epoch.error_in_unit is not None, epoch.metric_in_unit is not None) == (error, metric)
        if settings.get("metric") == "mae":
            assert epoch.metric_in_unit == epoch.metric


def test_classes_and_several_targets_have_none():
    for model in (
        bl.NetClassifier(**QUICK | {"epochs": 1}).fit(X, kinds),
        bl.NetRegressor(**QUICK | {"epochs": 1}).fit(X, np.stack([y, y], 1)),
    ):
        assert model.history_[0][-2:] == (None, None)


def test_what_is_not_finite_has_none():
    start = planned()
    epoch = EpochInUnit.of(Epoch(1, 10, None, None, False), start.table.target, start.plan)
    assert epoch[-2:] == (None, None)
    done = next(event for event in train(start.plan, start.state) if isinstance(event, EpochDone))
    assert isinstance(Epoch.of(done).error, float)
    assert N == X.height
