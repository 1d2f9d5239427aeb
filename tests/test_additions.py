"""What is added to a registry alone works everywhere."""

import numpy as np
import pytest
from small import QUICK, X, y

import backlit as bl
from backlit.core.activations import ACTIVATIONS, Activation


def test_an_activation_needs_its_record_alone(monkeypatch, tmp_path):
    softsign = Activation(
        "softsign",
        value=lambda xp, Z: Z / (1 + xp.abs(Z)),
        slope=lambda xp, Z, A: (1 - xp.abs(A)) * (1 - xp.abs(A)),
        latex=r"\frac{z}{1 + |z|}",
    )
    monkeypatch.setitem(ACTIVATIONS, "softsign", softsign)
    settings = {**QUICK, "activation": "softsign", "engine": "reference"}
    model = bl.NetRegressor(**settings, run=tmp_path / "a.backlit").fit(X, y)
    run = bl.open_run(tmp_path / "a.backlit")
    np.testing.assert_array_equal(model.predict(X), run.model().predict(X))
    trace = run.trace(2, [3])
    strongest = next(name for name in trace.blame("matrix")["weight"] if name.startswith("w1["))
    chain = trace[strongest].chain()
    total = sum(path.product for path in chain.paths) + chain.rest
    assert total == pytest.approx(chain.gradient, rel=1e-9)
    assert "the slope of softsign at z = " in chain.text()
