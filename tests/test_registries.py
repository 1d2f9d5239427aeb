"""Whatever is registered is tested: the lists that tests run over hold every entry.

Where a test is parametrized over a registry itself, there is nothing to compare. What trainings end with, entry by
entry, is compared in engines/test_stored.py; what the native engine has, in engines/test_native.py.
"""

import numpy as np
from checks import LAYER_STACKS, random_network
from plugins import registered
from recorded import ENGINES as RECORDED

from backlit.core.activations import ACTIVATIONS
from backlit.core.layers import LAYERS
from backlit.core.losses import LOSSES
from backlit.engines.choice import ENGINES
from backlit.engines.native import missing


def untested():
    """The entries of registries that no list of the tests holds."""
    networks = [random_network(np.random.default_rng(seed)) for seed in range(300)]
    layers = [layer for net in networks for layer in net.layers]
    held = [
        (LAYERS, {name for name, make in LAYER_STACKS.items() if name in {layer.name for layer in make()}}),
        (LAYERS, {layer.name for layer in layers}),
        (ACTIVATIONS, {layer.function for layer in layers}),
        (LOSSES, {net.loss.name for net in networks}),
        (ENGINES, {*RECORDED, *(["native"] if missing() else [])}),
    ]
    return [set(registry) - names for registry, names in held]


def test_every_entry_is_tested():
    assert untested() == [set()] * 5


def test_an_entry_that_no_test_holds_is_noticed(monkeypatch):
    with registered():
        monkeypatch.setitem(ACTIVATIONS, "softsign", ACTIVATIONS["tanh"])
        monkeypatch.setitem(ENGINES, "cuda", ENGINES["reference"])
        layers, drawn, _, losses, engines = untested()
    assert layers == drawn == {"embedding", "gain"}
    assert losses == set()
    assert engines == {"cuda"}
