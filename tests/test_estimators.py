"""The estimators: scikit-learn's own checks, and what users compose them with."""

from sklearn.utils.estimator_checks import parametrize_with_checks

import backlit as bl

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
