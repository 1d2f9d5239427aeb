"""Settings: NumPy's numbers, one number for one layer, and the keywords of other libraries."""

import json
from dataclasses import fields

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from small import QUICK, X, kinds, y

import backlit as bl
from backlit.runs.file import reading

NUMPY = {
    "hidden": np.array([8], dtype=np.int16), "activation": np.str_("tanh"), "bins": np.int16(8),
    "optimizer": np.str_("adam"), "learning_rate": np.float64(0.01), "batch_size": np.uint8(32), "epochs": np.int64(3),
    "max_steps": np.int32(17), "max_seconds": np.float64(100), "dropout": np.float64(0.125),
    "weight_decay": np.float64(0.25), "clip_norm": np.float16(1), "validation_fraction": np.float32(0.25),
    "patience": np.int64(2), "target_error": np.float32(0.125), "threads": np.int64(1), "random_state": np.int64(3),
    "metric": np.str_("mae"),
}  # fmt: skip


def plain(value):
    return tuple(value.tolist()) if isinstance(value, np.ndarray) else value.item()


@pytest.mark.parametrize("name", NUMPY)
def test_a_number_of_numpy_is_that_number(name):
    settings = {"hidden": (8,), "epochs": 2, "random_state": 0, "metric": "mae"}
    ours, theirs = (bl.NetRegressor(**settings | {name: v}).fit(X, y) for v in (plain(NUMPY[name]), NUMPY[name]))
    np.testing.assert_array_equal(theirs.model_.theta, ours.model_.theta)
    assert theirs.history_ == ours.history_
    clone(theirs)


def test_the_run_file_holds_plain_numbers(tmp_path):
    bl.NetRegressor(**NUMPY, run=tmp_path / "a.backlit").fit(X, y)
    run = bl.open_run(tmp_path / "a.backlit")
    settings = run.timeline().settings()
    with reading(run.path) as file:
        [(text,)] = file.execute("SELECT settings FROM timelines").fetchall()
    saved = json.loads(text)
    for name in ("learning_rate", "batch_size", "epochs", "max_steps", "max_seconds", "patience", "target_error"):
        assert type(getattr(settings, name)) in (int, float)
        assert saved[name] == getattr(settings, name) == NUMPY[name]
    assert (saved["optimizer"]["weight_decay"], saved["optimizer"]["clip_norm"]) == (0.25, 1.0)
    fork = run.fork(np.int64(4), batch_size=np.int64(8), dropout=np.float32(0.5), max_steps=np.int64(30))
    assert fork.train(np.int64(3)).steps() == 7
    assert run.at(np.int64(2)).step == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda n, x: bl.Settings(batch_size=n(4), epochs=n(3), learning_rate=x(0.5), patience=n(2), max_seconds=x(1)),
        lambda n, x: bl.Adam(beta1=x(0.5), beta2=x(0.25), weight_decay=x(0.5), clip_norm=x(2)),
        lambda n, x: bl.Momentum(momentum=x(0.5)),
        lambda n, x: bl.SquaredError(scale=x(0.5)),
        lambda n, x: bl.Quantile(levels=np.array([x(0.25), x(0.5)])),
        lambda n, x: bl.Huber(delta=x(2)),
        lambda n, x: bl.StepDecay(every=n(5), decay=x(0.5)),
        lambda n, x: bl.Cosine(warmup=x(0.25)),
        lambda n, x: bl.Dense(n(3), n(2), "tanh", bias_rate=x(0.5)),
        lambda n, x: bl.Dropout(x(0.5)),
        lambda n, x: bl.LayerNorm(n(3), epsilon=x(0.5)),
        lambda n, x: bl.PiecewiseLinear(np.array([[x(0), x(1)], [x(0), x(2)]])),
        lambda n, x: bl.Network.dense(n(3), np.array([n(4)]), n(1)),
        lambda n, x: bl.Recipe(hidden=n(4), bins=n(4), epochs=n(2), dropout=x(0.5)),
    ],
)
def test_records_keep_plain_numbers(make):
    def values(value):
        if hasattr(value, "__dataclass_fields__"):
            value = tuple(getattr(value, field.name) for field in fields(value))
        return [leaf for part in value for leaf in values(part)] if isinstance(value, tuple) else [value]

    ours, theirs = make(int, float), make(np.int32, np.float32)
    assert theirs == ours
    assert repr(theirs) == repr(ours)
    assert not [value for value in values(theirs) if isinstance(value, np.generic | np.ndarray)]


@pytest.mark.parametrize("hidden", [8, np.int64(8), (8,), [8], np.array([8]), np.array(8)])
def test_one_number_is_one_layer(hidden):
    model = bl.NetRegressor(**QUICK | {"hidden": hidden, "epochs": 1}).fit(X, y)
    assert [layer.d_out for layer in model.model_.net.layers if layer.name == "dense"] == [8, 1]


@pytest.mark.parametrize("hidden", [0, -1, 8.5, None, "8", [8, 0], [8, 2.5], [[8]]])
def test_hidden_is_numbers_of_units(hidden):
    with pytest.raises(bl.ArgumentError, match=r"hidden is .*; it must be numbers of units, such as \(128, 128\)"):
        bl.NetRegressor(hidden=hidden).fit(X, y)


def test_grid_and_randomized_search():
    grid = {"epochs": np.arange(1, 3), "batch_size": np.arange(64, 129, 64), "hidden": [np.int64(4), (8, 4)]}
    search = GridSearchCV(bl.NetRegressor(**QUICK), grid, cv=2, error_score="raise").fit(X.to_pandas(), y)
    assert len(search.cv_results_["params"]) == 8
    draws = {
        "epochs": randint(1, 4), "bins": randint(2, 9), "hidden": randint(4, 9), "patience": randint(1, 3),
        "learning_rate": loguniform(1e-3, 1e-1), "random_state": randint(0, 9), "threads": randint(1, 3),
    }  # fmt: skip
    search = RandomizedSearchCV(
        bl.NetClassifier(**QUICK), draws, n_iter=4, cv=2, random_state=0, error_score="raise"
    ).fit(X.to_pandas(), kinds)
    assert search.best_score_ > 0.5


@pytest.mark.parametrize("state", [np.random.RandomState(0), np.random.default_rng(0)])
def test_a_generator_draws_the_seed(state):
    model = bl.NetRegressor(**QUICK | {"random_state": state, "epochs": 1}).fit(X, y)
    again = bl.NetRegressor(**QUICK | {"random_state": model.seed_, "epochs": 1}).fit(X, y)
    np.testing.assert_array_equal(model.model_.theta, again.model_.theta)


@pytest.mark.parametrize("metric", [0, 1.5, [1], object()])
def test_what_is_no_metric_lists_them(metric):
    with pytest.raises(bl.ArgumentError, match=r"metric is .*; give a name \(rmse, mae, r2, log_loss, accuracy\)"):
        bl.NetRegressor(metric=metric).fit(X, y)


# --- keywords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("hidden_layer_sizes", "hidden"), ("solver", "optimizer"), ("alpha", "weight_decay"), ("lr", "learning_rate"),
        ("learning_rate_init", "learning_rate"), ("max_iter", "epochs"), ("n_iter_no_change", "patience"),
        ("early_stopping", "patience"), ("batch", "batch_size"), ("seed", "random_state"), ("verbose", "progress"),
        ("n_jobs", "threads"), ("criterion", "loss"), ("validation_split", "validation_fraction"), ("hiden", "hidden"),
        ("learn_rate", "learning_rate"), ("device", "engine"), ("num_epochs", "epochs"), ("dropout_rate", "dropout"),
        ("momentum", "optimizer, as in"), ("shuffle", "rows are shuffled"), ("tol", "patience"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [bl.NetRegressor, bl.NetClassifier, bl.NetRegressor().set_params])
def test_a_wrong_keyword_is_answered_with_the_right_one(make, theirs, ours):
    with pytest.raises(TypeError, match=rf"takes no '{theirs}'; .*\b{ours}") as caught:
        make(**{theirs: 1})
    assert isinstance(caught.value, bl.BacklitError)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bl.NetRegressor(foo=1), "NetRegressor takes no 'foo'; known: 'activation', .*"),
        (lambda: bl.NetRegressor((8,)), r"NetRegressor takes its settings by name, such as hidden=\(8,\)"),
        (lambda: bl.NetClassifier((8,)), "NetClassifier takes its settings by name"),
        (lambda: bl.NetRegressor(class_weight="balanced"), "here that is sample_weight, of fit; NetClassifier has"),
        (lambda: bl.NetClassifier(class_weights=1), "here that is 'class_weight'"),
        (lambda: bl.NetRegressor().fit(X, y, epochs=3), r"fit takes no 'epochs'; it is a setting: NetRegressor\(epoc"),
        (lambda: bl.NetRegressor().fit(X, y, max_iter=3), "fit takes no 'max_iter'; that is 'epochs', a setting"),
        (lambda: bl.NetRegressor().fit(X, y, weights=y), "fit takes no 'weights'; here that is 'sample_weight'"),
        (lambda: bl.NetRegressor().fit(X, y, validation_data=X), "X_val and y_val"),
        (lambda: bl.NetRegressor(sample_weight=y), "it is an argument of fit"),
        (lambda: bl.NetRegressor().partial_fit(X, y, classes=[1]), "partial_fit takes no 'classes'"),
    ],
)
def test_where_a_keyword_belongs(call, message):
    with pytest.raises(bl.KeywordError, match=message):
        call()


@pytest.mark.parametrize(
    "setting",
    [{"hidden": (True,)}, {"learning_rate": True}, {"batch_size": np.True_}, {"validation_fraction": "x"},
     {"validation_fraction": 1}],
    ids=str,
)  # fmt: skip
def test_what_is_no_number_is_refused_by_name(setting):
    [name] = setting
    with pytest.raises(bl.ArgumentError, match=f"^{name} is "):
        bl.NetRegressor(**QUICK | setting).fit(X, y)
