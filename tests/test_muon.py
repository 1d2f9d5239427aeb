"""An optimizer that only this test knows is trained, traced, printed, recorded and drawn like any other."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from commands import backlit
from plugin_muon import Muon, Whitening, registered  # noqa: F401
from recorded import every_state, planned, recorded, same

import backlit as bl
from backlit.explain import what_if
from backlit.words import to_json

OURS = [Muon(weight_decay=0.1), Whitening(note="ours"), Muon(clip_norm=0.01)]


def trained(optimizer):
    draw = np.random.default_rng(0)
    net = bl.Network.dense(["size", "age"], [4, 3], activation="tanh")
    data = bl.Data(draw.normal(size=(20, 2)), draw.normal(size=20))
    how = bl.Settings(optimizer, learning_rate=0.05, batch_size=None, epochs=6, schedule="cosine")
    plan = bl.Plan(net, data, how)
    states = [event.state for event in bl.train(plan, stretch=1) if isinstance(event, bl.StepsDone)]
    return net, data, how, states


def test_matrices_are_orthogonalised_and_vectors_are_not():
    net, data, how, states = trained(Muon())
    t = bl.trace(net, replace(states[2], epoch=3, used=0), data.X, data.Y, how, masks=True)
    frame = t.table()
    assert frame.columns == ["weight", "value", "gradient", "blame", "rate", "orthogonalised", "step", "after"]
    v = 0.9 * states[2].memory["v"] + t.gradient
    for slot in net.layout():
        M = v[slot.start : slot.stop].reshape(slot.shape)
        if len(slot.shape) == 2:
            U, _, Vt = np.linalg.svd(M, full_matrices=False)
            M = U @ Vt
        np.testing.assert_allclose(frame["orthogonalised"][slot.start : slot.stop], M.ravel(), atol=1e-6)


@pytest.mark.parametrize("optimizer", OURS)
def test_the_traced_update_is_the_one_that_training_made(optimizer):
    net, data, how, states = trained(optimizer)
    t = bl.trace(net, replace(states[2], epoch=3, used=0), data.X, data.Y, how, masks=True)
    np.testing.assert_allclose(t.update.after, states[3].theta, rtol=1e-12, atol=1e-14)
    assert states[-1].memory.keys() == optimizer.init(t.theta, net.layout()).keys()
    assert what_if.along_step(t).E_chosen == pytest.approx(t.after.E)


def test_a_chain_prints_the_terms_as_they_come():
    net, data, how, states = trained(OURS[0])
    chain = bl.trace(net, states[2], data.X[:1], data.Y[:1], how)["w2[3, 1]"].chain()
    text = str(chain).replace("−", "-")
    assert "would be w - α · orthogonalised - decay\n" in text
    before, rate, direction, decay, after = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", text.split("decay\n")[1])[:5])
    assert before - rate * direction - decay == pytest.approx(after, rel=1e-4)
    assert "average" not in text
    update = json.loads(to_json(chain))["update"]
    assert [term["kind"] for term in update["terms"]] == ["rate", "orthogonalised", "decay"]
    assert "orthogonalised" in chain._repr_html_()


@pytest.mark.parametrize("optimizer", OURS)
def test_a_run_is_recorded_rewound_and_resumed_to_the_bit(optimizer, tmp_path):
    start = planned(optimizer=optimizer, engine="auto", learning_rate=0.01)
    assert start.plan.engine.name == "reference"
    states, _, _ = every_state(start.plan, start.state)
    run = recorded(start, tmp_path / "ours.backlit", steps=25)
    assert run.timeline().settings().optimizer == optimizer
    assert f"learns by {optimizer.name}" in " ".join(backlit("show", run.path).out.split())
    for step in (0, 1, 13, 25):
        assert same(run.at(step), states[step])
    run.timeline().train(35)
    run = bl.open_run(run.path)
    assert same(run.at(), states[60])
    assert run.verify(deep=True).sound
    fork = run.fork(20, optimizer="adam")
    assert fork.at(20).memory["t"] == 0
    assert run.fork(20, learning_rate=0.002).at(20).memory.keys() == states[20].memory.keys()
    text = str(run.trace(13)["w2[3, 1]"].chain())
    assert ("whitened / longest" if optimizer.name == "whitening" else "orthogonalised") in text
