"""Feed forward, backpropagation and forward mode through a whole network: the reference, written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from backlit.core import rng
from backlit.core.arrays import Array, Weights
from backlit.core.network import Network


def forward(
    net: Network, p: Sequence[Weights], X: Array, key: rng.Key | None = None
) -> tuple[Array, list[tuple[Any, ...]]]:
    """The scores S, (n, k), and each layer's cache; see `outputs`."""
    A, caches = outputs(net, p, X, key)
    return A[-1], caches


def outputs(
    net: Network, p: Sequence[Weights], X: Array, key: rng.Key | None = None
) -> tuple[list[Array], list[tuple[Any, ...]]]:
    """Each layer's outputs, the last of them the scores S, (n, k), and each layer's cache.

    Parameters
    ----------
    p : each layer's weights, `net.split(theta)`
    X : (n, d) encoded inputs
    key : the counters of this step's dropout masks; None leaves dropout out
    """
    A, caches = [X], []
    for i, layer in enumerate(net.layers):
        Y, cache = layer.forward(p[i], A[-1], key.at(i) if key and layer.random else None)
        A.append(Y)
        caches.append(cache)
    return A[1:], caches


class Backward(NamedTuple):
    """What backpropagation yields.

    gradient : (p,) ∂E/∂theta
    dY : ∂E/∂ each layer's output, from the first that has weights (or with to_input from the first) to the last
    dX : (n, d) ∂E/∂X; None unless asked for
    """

    gradient: Array
    dY: list[Array]
    dX: Array | None


def backward(
    net: Network, p: Sequence[Weights], caches: Sequence[tuple[Any, ...]], dS: Array, to_input: bool = False
) -> Backward:
    """Carry ∂E/∂S back through every layer; all of it with the weights as they were in the feed forward."""
    lowest = 0 if to_input else net.first_weights
    dA, dY, gradients = dS, [], []
    for i in range(len(net.layers) - 1, lowest - 1, -1):
        dY.append(dA)
        dA, dp = net.layers[i].backward(p[i], caches[i], dA, to_input or i > lowest)
        gradients.append(dp)
    return Backward(net.join(gradients[::-1]), dY[::-1], dA)


def tangent(
    net: Network,
    p: Sequence[Weights],
    tp: Sequence[Weights],
    caches: Sequence[tuple[Any, ...]],
    tX: Array | None = None,
) -> Array:
    """The rate at which S changes when the weights move along `tp` and X along `tX`, (n, k): forward mode.

    tX : None: X stands still
    """
    tA = tX
    for layer, p_, tp_, cache in zip(net.layers, p, tp, caches):
        tA = layer.tangent(p_, tp_, cache, tA)
    return tA


def row_products(
    net: Network,
    p: Sequence[Weights],
    caches: Sequence[tuple[Any, ...]],
    dY: Sequence[Array],
    direction: Sequence[Weights],
) -> Array:
    """(n,) each row's inner product of its own gradient with a direction of all weights, ∇e·U.

    Parameters
    ----------
    dY : as `backward` yields it, down to the first layer with weights or farther
    direction : each layer's part, `net.split(vector)`
    """
    lowest = len(net.layers) - len(dY)
    return sum(
        stage.layer.row_products(p[i], caches[i], dY[i - lowest], direction[i])
        for i, stage in enumerate(net.stages)
        if stage.slots
    )


def value_and_grad(
    net: Network, theta: Array, X: Array, Y: Array, weights: Array | None = None, key: rng.Key | None = None
) -> tuple[Array, Array]:
    """E, a scalar array, and its gradient, (p,), over the rows of X and Y.

    Parameters
    ----------
    theta : (p,) all weights
    weights : (n,) each row's weight in E, of mean 1 over the training rows
    """
    p = net.split(theta)
    S, caches = forward(net, p, X, key)
    E, dS = net.loss.value_and_grad(S, Y, weights)
    return E, backward(net, p, caches, dS).gradient
