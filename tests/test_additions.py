"""What is added to a registry alone works everywhere."""

import ast
from pathlib import Path

import numpy as np
import pytest
from small import QUICK, X, y

import backlit as bl
from backlit.core.activations import ACTIVATIONS, Activation
from backlit.core.layers import LAYERS
from backlit.core.losses import LOSSES
from backlit.core.optimizers import OPTIMIZERS
from backlit.engines.choice import ENGINES


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


def losses_named(source):
    """The losses that some code names: by its text, or as the class that it imports."""
    classes = {cls.__name__ for cls in LOSSES.values()}
    nodes = list(ast.walk(ast.parse(source)))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    imported = {name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
    return texts & set(LOSSES) | imported & classes


def test_no_other_room_names_a_loss():
    """A loss is asked for what it answers; but for the usual one of a network that is written by hand."""
    package = Path(bl.__file__).parent
    named = {str(path.relative_to(package)): losses_named(path.read_text("utf-8")) for path in package.rglob("*.py")}
    assert named.pop("core/losses.py") == set(LOSSES)
    assert named.pop("core/network.py") == {"SquaredError"}
    assert {file: names for file, names in named.items() if names} == {}
    assert losses_named('from backlit.core.losses import Loss, Quantile\nloss.name == "poisson"') == {
        "Quantile", "poisson",
    }  # fmt: skip


def imported(names):
    """Which files import some of these names, and which of them."""
    package, files = Path(bl.__file__).parent, {}
    for path in package.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        own = {one.name for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names} & set(names)
        files |= {str(path.relative_to(package)): own} if own else {}
    return files


def test_layers_optimizers_and_engines_are_asked_for_by_nobody_who_only_explains_or_draws():
    """Who makes a network names its layers; the fast engine knows which it has; all else asks the pieces."""
    layers = {cls.__name__ for cls in LAYERS.values()}
    assert imported(layers) == {
        "core/network.py": {"Dense", "Dropout"},
        "engines/native.py": {"Dense", "Dropout", "PiecewiseLinear"},
        "fitting.py": {"Dense", "Dropout", "PiecewiseLinear"},
        "lesson.py": {"Dense"},
    }
    assert imported({one.__name__ for one in OPTIMIZERS.values() if isinstance(one, type)}) == {}
    assert imported({"native", *(cls.__name__ for cls in ENGINES.values())}).keys() == {"engines/choice.py"}
