"""Which engine runs what, and what is said where that is the slow one."""

import warnings

import numpy as np
import pytest

import backlit as bl
from backlit.engines import choice, native, protocol
from backlit.engines.choice import ENGINES, choose
from backlit.engines.reference import ReferenceEngine
from backlit.errors import ArgumentError, SlowEngineWarning, UnknownNameError
from backlit.words import Remark

NET = bl.Network.dense(2, [3])
X, Y = np.random.default_rng(0).normal(size=(2, 20, 2)).astype(np.float32)
F32, F64 = X.dtype, np.dtype(np.float64)


def fake(monkeypatch, missing=None, lacks=None):
    """A native engine of which this is said; the reference does its work."""

    class Native(ReferenceEngine):
        name = "native"

        def __init__(self, threads=None):
            self.threads = threads

        def lacks(self, net, optimizer, dtype):
            return missing or (Remark("lacks.dtype", dtype="float64") if dtype != np.float32 else lacks)

    monkeypatch.setattr(native, "missing", lambda: missing)
    monkeypatch.setattr(native, "NativeEngine", Native)
    monkeypatch.setitem(ENGINES, "native", Native)
    choice._warn.cache_clear()


def test_the_native_engine_where_it_can(monkeypatch):
    fake(monkeypatch)
    assert choose("auto", NET, bl.SGD(), F32).name == "native"
    assert choose("auto", NET, bl.SGD(), np.float32).name == "native"
    assert choose("native", NET, bl.SGD(), F32).name == "native"
    assert choose("reference", NET, bl.SGD(), F32).name == "reference"
    assert choose("auto", NET, bl.SGD(), F64).name == "reference"


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_other_libraries_run_on_the_reference(monkeypatch, library):
    fake(monkeypatch)
    assert choose("auto", NET, bl.SGD(), pytest.importorskip(library).float32).name == "reference"


def test_threads(monkeypatch):
    fake(monkeypatch)
    monkeypatch.setattr(protocol, "usable_cores", lambda: 5)
    assert choose("auto", NET, bl.SGD(), F32, 3).threads == 3
    assert choose("auto", NET, bl.SGD(), F32).threads == 5
    for threads in (0, -1, 1.5, "2"):
        with pytest.raises(ArgumentError, match=f"threads is {threads!r}; it must be a whole number, 1 or"):
            choose("auto", NET, bl.SGD(), F32, threads)


COMPILED = Remark("lacks.compiled")


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize(
    ("said", "told", "compiler"),
    [
        ({"missing": COMPILED}, "it was not compiled at install", True),
        ({"missing": Remark("lacks.processor")}, "this processor has no AVX2", False),
        ({"lacks": Remark("lacks.piece", name="LayerNorm")}, "it has no LayerNorm", False),
    ],
)
def test_a_slow_engine_is_told_once_with_its_remedy(monkeypatch, said, told, compiler):
    fake(monkeypatch, **said)
    how = bl.Settings(epochs=1, batch_size=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            *_, stopped = bl.train(bl.Plan(NET, bl.Data(X, Y[:, 0]), how))
        list(bl.train(bl.Plan(NET, bl.Data(X, Y[:, 0]), how, engine="reference")))
        list(bl.train(bl.Plan(NET, bl.Data(X.astype(F64), Y[:, 0]), how)))
    [warning] = caught
    assert warning.category is SlowEngineWarning
    assert warning.filename == __file__
    assert f": {told}. The reference engine runs instead" in str(warning.message)
    assert ("pip install --force-reinstall --no-binary backlit backlit" in str(warning.message)) == compiler
    assert stopped.state.step == 1
    with pytest.raises(ArgumentError, match=f"engine is 'native', which cannot run this: {told}"):
        bl.train(bl.Plan(NET, bl.Data(X, Y[:, 0]), how, engine="native"))


def test_the_native_engine_says_what_it_cannot_compute(monkeypatch):
    fake(monkeypatch)
    with pytest.raises(
        ArgumentError,
        match="cannot run this: it computes in float32, and the data are float64; choose 'auto' or 'reference'",
    ):
        choose("native", NET, bl.SGD(), F64)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown engine 'qqqq'; known: 'auto', 'native' and 'reference'"):
        choose("qqqq", NET, bl.SGD(), F32)


def test_the_installed_engine_keeps_the_contract():
    """Whether it was compiled here or not."""
    engine = ENGINES["native"](1)
    assert engine.name == "native"
    assert engine.lacks(NET, bl.SGD(), F32) == engine.lacks(NET, None, F32) == native.missing()
    assert engine.lacks(NET, bl.SGD(), F64)
    assert all(isinstance(fact, str) for fact in engine.arithmetic().values())


def test_what_the_last_bits_of_the_reference_depend_on():
    assert set(ReferenceEngine().arithmetic()) == {"numpy", "blas", "processor", "threads"}
