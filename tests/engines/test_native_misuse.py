"""What must not bring the native engine down: the wrong memory, networks it lacks, overflow, exits and forks."""

import os
import subprocess
import sys

import numpy as np
import pytest
from checks import need_native

import backlit as bl
from backlit.engines.native import NativeEngine
from backlit.engines.protocol import Batches
from backlit.engines.reference import ReferenceEngine
from backlit.errors import ArgumentError, DataError, ShapeError
from backlit.training import begin

need_native()

DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(16, 3)).astype(np.float32), DRAW.normal(size=(16, 1)).astype(np.float32)
NET, DATA = bl.Network.dense(3, [20], activation="tanh"), bl.Rows(bl.Data(X, Y))
BATCHES, RATES = Batches(np.arange(16), 4), np.full(4, 0.1)


def start(net=NET, data=DATA, optimizer=bl.SGD()):
    return begin(bl.Plan(net, data, bl.Settings(optimizer, batch_size=4)))


def test_the_memory_of_another_optimizer():
    for made_by, run_by in ((bl.SGD(), bl.Adam()), (bl.Adam(), bl.Momentum()), (bl.Adam(), bl.SGD())):
        with pytest.raises(ArgumentError, match=f"not that of {run_by.name}; use the optimizer that made it"):
            NativeEngine(1).run(NET, run_by, start(optimizer=made_by), DATA, BATCHES, RATES)


def test_networks_that_it_lacks():
    late = bl.Network([bl.Dense(5, 3), bl.PiecewiseLinear(((), (0.0, 1.0), ())), bl.Dense(3, 1)])
    many = bl.Network([bl.Dense(3, 3), *[bl.Dropout(0.5)] * 40, bl.Dense(3, 1)])
    for net in (late, many):
        with pytest.raises(ArgumentError, match="the native engine cannot run this: it "):
            NativeEngine(1).predict(net, net.start(), np.ones((2, len(net.inputs)), np.float32))
    with pytest.raises(ArgumentError, match="the native engine cannot run this: it "):
        NativeEngine(1).run(many, bl.SGD(), start(many), DATA, BATCHES, RATES)
    lacks = NativeEngine(1).lacks(NET, bl.Adam(epsilon=1e-50), np.float32)
    assert str(lacks) == "in float32 its epsilon of 1e−50 is 0"


def test_arguments():
    with pytest.raises(ArgumentError, match="threads is -3"):
        NativeEngine(-3)
    with pytest.raises(ShapeError, match="Y has 2 columns, but the network has 1 outputs"):
        NativeEngine(1).run(NET, bl.SGD(), start(), bl.Rows(bl.Data(X, np.hstack([Y, Y]))), BATCHES, RATES)
    with pytest.raises(DataError, match="rows holds float64"):
        bl.Data(X, Y, rows=np.arange(16) + 0.5)


def test_an_infinite_rate_spoils_nothing_for_later():
    engine, fresh = NativeEngine(1), NativeEngine(1)
    engine.run(NET, bl.SGD(), start(), DATA, Batches(np.arange(16), 16), np.array([1e39]))
    after, figures = engine.run(NET, bl.SGD(), start(), DATA, BATCHES, RATES)
    expected, _ = fresh.run(NET, bl.SGD(), start(), DATA, BATCHES, RATES)
    assert np.isfinite(figures.E).all()
    assert after.theta.tobytes() == expected.theta.tobytes()


def test_large_numbers_stay_out_of_the_padding():
    net = bl.Network([bl.LayerNorm(2), bl.Dense(2, 1)])
    theta = net.start()
    huge = np.full((3, 2), 1e37, np.float32)
    np.testing.assert_array_equal(
        NativeEngine(1).predict(net, theta, huge), ReferenceEngine().predict(net, theta, huge)
    )


TRAINING = """
import os, signal, threading, time
import numpy as np, backlit as bl
from backlit.engines.native import NativeEngine
draw = np.random.default_rng(0)
data = bl.Data(draw.normal(size=(4000, 8)).astype(np.float32), draw.normal(size=(4000, 1)).astype(np.float32))
engine, net = NativeEngine(2), bl.Network.dense(8, [200, 200], activation="tanh")
def train(epochs):
    for _ in bl.train(bl.Plan(net, data, bl.Settings(batch_size=100, epochs=epochs), engine=engine)):
        pass
threading.Thread(target=train, args=(10**6,), daemon=True).start()
time.sleep(0.5)
"""


def test_the_program_ends_while_a_daemon_thread_trains():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_trains():
    forked = TRAINING + (
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(60)\n"
        "    train(1)\n"
        "    os._exit(0)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert status == 0, status\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", forked], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
