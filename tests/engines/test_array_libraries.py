"""The reference runs unchanged on any library of the array API standard, in any float type."""

import numpy as np
import pytest
from checks import Draw, random_network

import backlit as bl
from backlit.core import rng
from backlit.core.arrays import array_namespace
from backlit.core.backprop import tangent, value_and_grad
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import resolve


def strict(values, dtype):
    xp = pytest.importorskip("array_api_strict")
    return xp.asarray(values, dtype=getattr(xp, dtype))


def torch(values, dtype):
    library = pytest.importorskip("torch")
    return library.asarray(np.array(values), dtype=getattr(library, dtype))


def numpy(values, dtype):
    return np.asarray(values, dtype=dtype)


LIBRARIES = [(numpy, "float32"), (strict, "float64"), (strict, "float32"), (torch, "float64"), (torch, "float32")]


@pytest.fixture(params=LIBRARIES, ids=lambda pair: f"{pair[0].__name__}-{pair[1]}")
def as_array(request):
    make, dtype = request.param

    def convert(values):
        return make(values, dtype)

    convert.tolerance = 1e-12 if dtype == "float64" else 3e-4
    return convert


@pytest.mark.parametrize("seed", range(12))
def test_gradient_and_tangent(as_array, seed):
    draw = Draw(seed)
    net, (theta, X, Y, weights) = draw.net, map(as_array, (draw.theta, draw.X, draw.Y, draw.weights))
    E, gradient = value_and_grad(net, theta, X, Y, weights, draw.key)
    assert gradient.dtype == theta.dtype
    assert float(E) == pytest.approx(float(draw.E), rel=as_array.tolerance, abs=as_array.tolerance)
    error = np.linalg.norm(
        np.array(gradient.tolist() if hasattr(gradient, "tolist") else gradient) - draw.back.gradient
    )
    assert error <= as_array.tolerance * (1 + np.linalg.norm(draw.back.gradient))

    direction = draw.draw.normal(size=net.size)
    S, caches = bl.forward(net, net.split(theta), X, draw.key)
    tS = tangent(net, net.split(theta), net.split(as_array(direction)), caches, array_namespace(X).zeros_like(X))
    assert tS.dtype == S.dtype


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_ends_where_numpy_does(as_array, optimizer):
    draw = np.random.default_rng(0)
    X, Y = draw.normal(size=(20, 3)), draw.normal(size=(20, 1))
    net = bl.Network.dense(3, [4], activation="tanh", dropout=0.2)
    chosen = resolve("optimizer", OPTIMIZERS, optimizer)
    settings = bl.Settings(optimizer=chosen, learning_rate=0.01, batch_size=7, epochs=3)

    def last(X, Y):
        *events, stopped = bl.train(bl.Plan(net, bl.Data(X, Y), settings, watch=bl.Data(X, Y)), stretch=2)
        figures = [np.ravel(figure) for event in events if isinstance(event, bl.StepsDone) for figure in event.figures]
        return np.concatenate([[float(w) for w in stopped.state.theta], *figures])

    np.testing.assert_allclose(last(as_array(X), as_array(Y)), last(X, Y), atol=10 * as_array.tolerance)


@pytest.mark.parametrize("seed", range(12))
def test_gradient_is_that_of_pytorchs_autograd(seed):
    """PyTorch differentiates our forward pass; we differentiate by hand; every slot must agree."""
    library = pytest.importorskip("torch")
    net = random_network(np.random.default_rng(seed))
    draw = Draw(seed, net)
    theta = torch(draw.theta, "float64").requires_grad_()
    X, Y, weights = (torch(part, "float64") for part in (draw.X, draw.Y, draw.weights))
    S, _ = bl.forward(net, net.split(theta), X, draw.key)
    net.loss.value(S, Y, weights).backward()
    assert theta.grad is not None
    for slot in net.layout():
        at = slice(slot.start, slot.stop)
        np.testing.assert_allclose(
            draw.back.gradient[at], theta.grad[at].numpy(), rtol=1e-9, atol=1e-12, err_msg=slot.name
        )
    assert library.is_tensor(theta.grad)


def test_longdouble_runs_too():
    theta = np.asarray(Draw(3).theta, np.longdouble)
    net = Draw(3).net
    S, _ = bl.forward(net, net.split(theta), np.asarray(Draw(3).X, np.longdouble), None)
    assert S.dtype == np.longdouble


def test_masks_do_not_depend_on_the_library():
    key = rng.step_keys(0, 3, np.arange(4), 4)[0]
    layer = bl.Dropout(0.5)
    ones = np.ones((4, 8), np.float32)
    Y, _ = layer.forward((), ones, key)
    strictly, _ = layer.forward((), strict(ones, "float32"), key)
    np.testing.assert_array_equal(Y, np.array(strictly.tolist() if hasattr(strictly, "tolist") else strictly))
