"""The estimators: scikit-learn's own checks, and what users compose them with."""

import inspect
import json
import pickle

import numpy as np
import polars as pl
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from small import QUICK, N, X, kinds, y

import backlit as bl
import backlit.estimators
from backlit.engines.choice import ENGINES
from backlit.fitting import Structure, prepare
from backlit.problem import Problem
from backlit.progress import fit

SMALL = {"hidden": (32,), "epochs": 150, "learning_rate": 0.01, "random_state": 0}

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "batches, their order and the rows set aside belong to rows, so a row that stands twice is not one of weight "
        "2; with all rows in one step, no dropout and none set aside, it is (tests/test_training.py)"
    ),
}


@parametrize_with_checks(
    [bl.NetRegressor(**SMALL), bl.NetClassifier(**SMALL)], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_scikit_learn(estimator, check):
    check(estimator)


# --- what users do -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regressor():
    return bl.NetRegressor(**QUICK).fit(X, y)


@pytest.fixture(scope="module")
def classifier():
    return bl.NetClassifier(**QUICK).fit(X, kinds)


def test_attributes(regressor):
    assert regressor.n_features_in_ == 4
    assert regressor.feature_names_in_.tolist() == ["size", "rooms", "town", "sold"]
    assert regressor.seed_ == 0
    assert regressor.n_iter_ == 40
    assert 1 <= regressor.best_epoch_ <= 40
    assert len(regressor.history_) == 40
    assert regressor.history_[-1].metric < regressor.history_[0].metric
    assert regressor.score(X, y) > 0.85


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_every_library_gives_the_same(regressor, library):
    pytest.importorskip(library)
    frame = X.to_pandas() if library == "pandas" else X.to_arrow()
    again = bl.NetRegressor(**QUICK).fit(frame, y)
    np.testing.assert_array_equal(again.predict(frame), regressor.predict(X))


def test_numpy_has_columns_x1_x2():
    array = X.select("size", "rooms").to_numpy()
    model = bl.NetRegressor(**QUICK).fit(array, y)
    assert model.model_.net.inputs[0] == "x1"
    assert model.predict(array[:3].tolist()).shape == (3,)
    with pytest.raises(ValueError, match="X has 1 features, but NetRegressor is expecting 2 features"):
        model.predict(array[:, :1])


def test_columns_by_name_in_any_order(regressor):
    with pytest.raises(ValueError, match="feature names"):
        regressor.predict(X.select(X.columns[::-1]))
    with pytest.raises(ValueError, match="feature names"):
        regressor.predict(X.rename({"town": "city"}))


def test_classes_keep_their_labels(classifier):
    assert classifier.classes_.tolist() == ["cheap", "dear"]
    assert set(classifier.predict(X)) == {"cheap", "dear"}
    assert classifier.score(X, kinds) > 0.9
    probability = classifier.predict_proba(X)
    assert ((probability[:, 1] > 0.5) == (classifier.predict(X) == "dear")).all()


@pytest.mark.parametrize("labels", [[False, True], [3, 7], [1.0, 2.0], ["b", "a"], [0, 1, 2]])
def test_labels_of_any_kind(labels):
    target = np.array(labels)[np.arange(N) % len(labels)]
    model = bl.NetClassifier(**QUICK | {"epochs": 2}).fit(X, target)
    assert set(model.predict(X).tolist()) <= set(labels)
    assert model.predict_proba(X).shape == (N, len(labels))


def test_class_weight_moves_the_balance():
    rare = np.where(np.arange(N) % 8 == 0, "rare", "usual")
    plain = bl.NetClassifier(**QUICK | {"epochs": 5}).fit(X, rare)
    balanced = bl.NetClassifier(class_weight="balanced", **QUICK | {"epochs": 5}).fit(X, rare)
    assert balanced.predict_proba(X)[:, 0].mean() > 2 * plain.predict_proba(X)[:, 0].mean()
    weights = np.where(rare == "rare", 4.0, 4 / 7)
    by_hand = bl.NetClassifier(**QUICK | {"epochs": 5}).fit(X, rare, sample_weight=weights)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-6)


def test_sample_weight_zero_is_no_row_at_all_without_batches():
    """All rows in a step, no dropout, none set aside: then a weight of 0 leaves a row out."""
    exact = QUICK | {"batch_size": None, "dropout": 0, "validation_fraction": 0, "encoding": "plain", "epochs": 30}
    weights = np.ones(N)
    weights[::3] = 0
    extremes = bl.NetRegressor(**exact).fit(X.select("rooms"), y, sample_weight=weights)
    kept = weights > 0
    targets, recipe = pl.DataFrame({"y": y}), extremes._recipe()
    first = prepare(Problem(X.select("rooms"), targets), recipe, 0)
    starts = [
        prepare(problem, recipe, 0, structure=Structure(first.table, first.plan.net))
        for problem in (
            Problem(X.select("rooms"), targets, weights=weights),
            Problem(X.select("rooms").filter(kept), targets.filter(kept)),
        )
    ]
    one, other = (fit(start, show=False).theta for start in starts)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_groups_stay_together(monkeypatch):
    seen = {}
    original = backlit.estimators.split_rows
    monkeypatch.setattr(backlit.estimators, "split_rows", lambda *args: seen.setdefault("split", original(*args)))
    groups = np.repeat(np.arange(N // 4), 4)
    bl.NetRegressor(**QUICK | {"epochs": 1}).fit(X, y, groups=groups)
    split = seen["split"]
    assert not set(groups[split.train]) & set(groups[split.validation])
    assert 0.1 < len(split.validation) / N < 0.3


def test_rows_to_watch_may_be_given():
    model = bl.NetRegressor(**QUICK).fit(X[:180], y[:180], X_val=X[180:], y_val=y[180:])
    best = min(epoch.metric for epoch in model.history_)
    residual = (model.predict(X[180:]) - y[180:]) / model.model_.table.target.scale[0]
    assert best == pytest.approx((residual**2).mean(), rel=1e-4)


def test_metric_by_name():
    model = bl.NetRegressor(metric="mae", **QUICK).fit(X, y, X_val=X, y_val=y)
    assert min(e.metric for e in model.history_) == pytest.approx(np.abs(model.predict(X) - y).mean(), rel=1e-4)
    with pytest.raises(ValueError, match="unknown metric 'mea'; did you mean 'mae'"):
        bl.NetRegressor(metric="mea").fit(X, y)


def test_several_outputs():
    both = np.stack([y, y / 200], axis=1)
    model = bl.NetRegressor(**QUICK).fit(X, both)
    assert model.predict(X).shape == (N, 2)
    assert model.score(X, both) > 0.8


def test_partial_fit_goes_on():
    model = bl.NetRegressor(**QUICK)
    scores = []
    for _ in range(30):
        model.partial_fit(X, y)
        scores.append(model.score(X, y))
    assert scores[-1] > 0.8 > scores[0]
    assert model.state_.step == 30
    labels = bl.NetClassifier(**QUICK).partial_fit(X[:10], kinds[:10], classes=["cheap", "dear", "free"])
    labels.partial_fit(X, kinds)
    assert labels.predict_proba(X).shape == (N, 3)
    with pytest.raises(ValueError, match="the class 'gratis', which was not among those learnt"):
        labels.partial_fit(X[:1], ["gratis"])


def test_warm_start_goes_on_from_the_weights():
    model = bl.NetRegressor(warm_start=True, **QUICK).fit(X, y)
    first = model.history_[0].error
    model.fit(X, y)
    assert model.history_[0].error < 0.5 * first


def test_the_same_random_state_gives_the_same_bits():
    one, other = (bl.NetRegressor(**QUICK | {"epochs": 3}).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    drawn = [bl.NetRegressor(**QUICK | {"epochs": 1, "random_state": None}).fit(X, y) for _ in range(2)]
    assert drawn[0].seed_ != drawn[1].seed_
    again = bl.NetRegressor(**QUICK | {"epochs": 1, "random_state": drawn[0].seed_}).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), drawn[0].predict(X))


def test_pickle_and_clone(regressor):
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
    assert clone(regressor).get_params() == regressor.get_params()


def test_pipeline_grid_search_and_cross_validation():
    array = X.select("size", "rooms").fill_null(0).to_numpy()
    pipeline = make_pipeline(StandardScaler().set_output(transform="polars"), bl.NetRegressor(**QUICK))
    search = GridSearchCV(pipeline, {"netregressor__hidden": [(4,), (16,)]}, cv=2, n_jobs=2).fit(array, y)
    assert search.best_score_ > 0
    assert cross_val_score(bl.NetClassifier(**QUICK | {"epochs": 10}), X.to_pandas(), kinds, cv=3).mean() > 0.6


def test_metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        model = bl.NetRegressor(**QUICK | {"epochs": 2}).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        pipeline.fit(X.select("rooms").to_numpy(), y, sample_weight=np.ones(N))


def test_run_is_a_file_that_predicts(tmp_path):
    path = tmp_path / "houses.backlit"
    model = bl.NetRegressor(run=path, **QUICK).fit(X, y)
    run = bl.open_run(path)
    np.testing.assert_array_equal(run.model().predict(X), model.predict(X))
    row, last = run.timeline().row(), run.at()
    assert row.seed == "0"
    assert row.engine in ENGINES
    assert json.loads(row.arithmetic) == ENGINES[row.engine](None).arithmetic()
    assert len(run.timeline().epochs()) == 40
    assert last.step == model.state_.step
    np.testing.assert_array_equal(last.memory["v"], model.state_.memory["v"])
    encoded, target = run.table.encode(X[:1]), run.table.target.encode(pl.DataFrame({"y": y[:1]}))
    t = bl.trace(run.net, last, encoded, target, run.timeline().settings(), table=run.table)
    assert t.table()["scaling"].min() > 0
    assert t["w2[3, 1]"].chain().update is not None
    with pytest.raises(ValueError, match="exists; name another file"):
        model.fit(X, y)


def test_all_weights_of_both_signatures():
    names = set(bl.NetRegressor().get_params())
    assert names | {"class_weight"} == set(bl.NetClassifier().get_params())
    assert set(inspect.signature(bl.NetRegressor).parameters) == SETTLED
    assert set(inspect.signature(bl.NetClassifier).parameters) == {*SETTLED, "class_weight"}
    assert all(one.kind == one.KEYWORD_ONLY for one in inspect.signature(bl.NetClassifier).parameters.values())


SETTLED = set((  # names that other programs rely on
    "hidden activation encoding bins columns target loss optimizer learning_rate schedule batch_size epochs max_steps "
    "max_seconds dropout weight_decay clip_norm validation_fraction metric patience target_error warm_start run engine "
    "threads random_state progress"
).split())  # fmt: skip


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bl.NetRegressor().fit(X, kinds), ValueError, "holds text, such as '(cheap|dear)'.*NetClassifier"),
        (lambda: bl.NetRegressor().fit(X, y[:-1]), ValueError, "X has 240 rows and y 239"),
        (lambda: bl.NetRegressor().fit(X, np.where(y == y[3], np.nan, y)), ValueError, "y is missing in row 3; leave"),
        (lambda: bl.NetRegressor().fit(X, y, sample_weight=-np.ones(N)), ValueError, "the weight of row 0 is -1"),
        (lambda: bl.NetRegressor().fit(X, y, sample_weight=np.full(N, np.nan)), ValueError, "row 0 is nan"),
        (lambda: bl.NetRegressor().fit(X, y, sample_weight=np.ones(3)), ValueError, r"sample_weight has shape \(3,\)"),
        (lambda: bl.NetRegressor().fit(X, y, groups=[1, 2]), ValueError, "groups has 2 entries"),
        (lambda: bl.NetRegressor().fit(X[:1], y[:1]), ValueError, "1 sample"),
        (lambda: bl.NetRegressor().fit(X, None), ValueError, "requires y"),
        (lambda: bl.NetRegressor(learning_rate=-1).fit(X, y), ValueError, "learning_rate is -1"),
        (lambda: bl.NetRegressor(validation_fraction=1.5).fit(X, y), ValueError, "validation"),
        (lambda: bl.NetRegressor(engine="fast").fit(X, y), ValueError, "unknown engine 'fast'"),
        (lambda: bl.NetRegressor(threads=0).fit(X, y), ValueError, "threads is 0; it must be a whole number, 1 or"),
        (lambda: bl.NetClassifier().fit(X, ["a"] * N), ValueError, "one class only"),
        (lambda: bl.NetClassifier().fit(X, y), ValueError, "Unknown label type"),
        (lambda: bl.NetRegressor().fit(scipy.sparse.csr_array(np.eye(3)), [1, 2, 3]), TypeError, r"pass X.toarray\(\)"),
    ],
)  # fmt: skip
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_class_with_one_row_can_be_learnt():
    odd = kinds.copy().astype(object)
    odd[7] = "castle"
    model = bl.NetClassifier(**QUICK | {"epochs": 3}).fit(X, odd)
    assert model.classes_.tolist() == ["castle", "cheap", "dear"]


def test_unseen_categories_and_missing_columns(regressor):
    other = X.with_columns(town=pl.lit("west"))
    assert np.isfinite(regressor.predict(other)).all()
    with pytest.raises(ValueError, match="town"):
        regressor.predict(X.drop("town"))
