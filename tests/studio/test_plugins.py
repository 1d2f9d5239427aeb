"""The studio's answers about a run whose layers only tests know; over HTTP, as the page asks."""

import struct

import numpy as np
import plugin_loss
import pytest
from plugin_muon import Muon
from plugins import plugged, registered
from recorded import planned, recorded

from backlit.core.optimizers import OPTIMIZERS
from backlit.studio.desk import Desk
from backlit.studio.shelf import Shelf

from .conftest import serving

RUN = "plugged.backlit"
AT = {"run": RUN, "timeline": "main", "step": 9, "row": 17}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with registered():
        yield recorded(plugged(), tmp_path_factory.mktemp("runs") / RUN)


@pytest.fixture(scope="module")
def client(run, tmp_path_factory):
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    assert shelf.add_run(run.path) == RUN
    with serving(Desk(shelf)) as client:
        yield client


def ask(client, name, **more):
    answer = client.ask(name, more)
    assert answer.status == 200, answer.body
    return answer.json if answer.headers["content-type"] == "application/json" else answer.body


def test_its_layers(client, run):
    reply, layout = ask(client, "run", run=RUN), ask(client, "layout", **AT)
    stages = run.net.numbered
    assert reply["sources"] == len(stages[0].sources)
    assert reply["layers"] == [len(stage.units) for stage in stages]
    columns = [(column["layer"], column["count"], column["activation"]) for column in layout["columns"][1:]]
    assert columns == [(stage.number, len(stage.units), stage.layer.function) for stage in stages]


@pytest.mark.parametrize("of", ["row", "batch"])
@pytest.mark.parametrize("by", ["weight", "pull"])
def test_what_is_drawn(client, run, of, by):
    t, at = run.trace(9, [17] if of == "row" else None), AT | {"of": of}
    layout = ask(client, "layout", **at, by=by)
    assert [column["kind"] for column in layout["columns"]] == ["input", "hidden", "hidden", "hidden", "output"]
    units = [[unit["name"] for unit in column["units"]] for column in layout["columns"]]
    assert units[1] == [f"a1[{name}.{k}]" for name in run.net.inputs for k in (1, 2)]
    assert units[-1] == ["s[1]"]
    edges = [edge["weight"] for edge in layout["edges"]]
    assert sorted(edge for edge in edges if edge.startswith("w1")) == sorted(
        f"w1[{name}, {k}]" for name in run.net.inputs for k in (1, 2)
    )
    for edge in layout["edges"]:
        if edge["layer"] == 1:  # it leads from its own input to its own unit
            source, unit = units[0][edge["source"]], units[1][edge["unit"]]
            assert edge["weight"] == f"w1[{source}, {unit[-2]}]"
            assert unit.startswith(f"a1[{source}.")

    numbers = ask(client, "weights", **at, layout=layout["id"])
    shown = np.array(struct.unpack(f"<{len(numbers) // 4}f", numbers)).reshape(-1, 3)
    for name, (w, d, step) in zip(edges, shown):
        there = t[name]
        assert (w, d) == (pytest.approx(there.value, rel=1e-5), pytest.approx(there.gradient, rel=1e-5, abs=1e-9))
        assert step == pytest.approx(t.update.step[there.positions[0]], rel=1e-5, abs=1e-9)

    moment = ask(client, "moment", **at, layout=layout["id"])
    assert moment["E"] == t.E
    for stage, column, numbers in zip(run.net.numbered, layout["columns"][1:], moment["columns"][1:]):
        places = [unit["number"] - 1 for unit in column["units"]]
        np.testing.assert_allclose(numbers["a"], t.outputs[stage.position][:, places].mean(axis=0))
        np.testing.assert_allclose(numbers["da"], t.back.dY[stage.position][:, places].sum(axis=0))
    first = moment["columns"][1]
    names = [f"b1[{name}, {k}]" for name in run.net.inputs for k in (1, 2)]
    assert [unit["bias"] for unit in layout["columns"][1]["units"]] == names
    assert {unit["bias"] for unit in layout["columns"][2]["units"]} == {""}  # a gain has none
    np.testing.assert_allclose(first["bias"], [t[name].value for name in names])
    np.testing.assert_allclose(first["dbias"], [t[name].gradient for name in names], rtol=1e-9, atol=1e-15)


def test_every_weight_has_its_chain(client, run):
    t = run.trace(9, [17])
    for name in run.net.weight_names():
        reply = ask(client, "chain", **AT, weight=name)
        listed = sum(path["product"] for path in reply["paths"])
        assert reply["gradient"] == t[name].gradient == pytest.approx(listed + reply["rest"], rel=1e-9, abs=1e-15)
        assert sum(part["part"] for part in reply["by_row"]) + reply["rest_rows"] == pytest.approx(reply["gradient"])
        assert reply["reasons"]
        assert all(sentence.endswith(".") for sentence in reply["reasons"])
        assert reply["formula"][0].startswith(r"\frac{\partial E}")
        assert reply["check"]["digits"] >= 5 or reply["check"]["kink"]
    said = ask(client, "chain", **AT, weight="w1[size, 1]")
    factors = {factor["symbol"]: factor["meaning"] for factor in said["paths"][0]["factors"]}
    assert factors["∂a1[size.1]/∂w1[size, 1]"] == "embedding"


def test_every_unit_adds_up(client, run):
    for stage in run.net.numbered:
        for unit in range(1, len(stage.units) + 1):
            for most in (24, 1):
                reply = ask(client, "unit", **AT, layer=stage.number, unit=unit, most=most)
                total = sum(term["product"] for term in reply["terms"]) + reply["rest"] + reply["bias"]
                assert total == pytest.approx(reply["z"], rel=1e-9, abs=1e-12)
                assert len(reply["terms"]) <= most
    unit = ask(client, "unit", **AT, layer=1, unit=3)
    [term] = unit["terms"]
    assert (term["weight_name"], term["name"]) == (f"w1[{run.net.inputs[1]}, 1]", run.net.inputs[1])
    assert unit["bias_name"] == f"b1[{run.net.inputs[1]}, 1]"


def test_a_weight_changed_by_hand(client, run):
    layout = ask(client, "layout", **AT)
    t = run.trace(9, [17])
    theta = t.theta.copy()
    theta[t["w1[rooms, 2]"].positions] = 0.75
    changed = ask(client, "moment", **AT, layout=layout["id"], weights={"w1[rooms, 2]": 0.75})
    assert changed["E"] == pytest.approx(t.at(theta).E, rel=1e-6)


def test_history_and_errors(client):
    assert len(ask(client, "history", run=RUN, timeline="main")["E"]) == 60
    answer = client.ask("chain", AT | {"weight": "w1[size]"})
    assert (answer.status, "weights; name one" in answer.json["error"] or "unknown" in answer.json["error"]) == (
        400,
        True,
    )


def test_an_optimizer_that_only_tests_know(tmp_path, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "muon", Muon)
    run = recorded(planned(optimizer=Muon(weight_decay=0.1), engine="auto"), tmp_path / "ours.backlit", steps=25)
    shelf = Shelf(tmp_path / "shelf")
    at = {"run": shelf.add_run(run.path), "timeline": "main", "step": 9, "row": 17}
    with serving(Desk(shelf)) as client:
        update = ask(client, "chain", **at, weight="w2[3, 1]")["update"]
    own = run.trace(9, [17])["w2[3, 1]"].chain().update
    assert own is not None
    assert [(term["kind"], term["value"]) for term in update["terms"]] == [
        ("rate", own.terms[0].value), ("orthogonalised", own.terms[1].value), ("decay", own.terms[2].value),
    ]  # fmt: skip
    assert update["after"] == own.after


LOSSES = {"log_cosh": ("E", ""), "quartic": ("fourth root", "$"), "gamma": ("E", ""), "expectile": ("E", "")}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_that_only_tests_know(loss, tmp_path):
    with plugin_loss.registered():
        start = planned(loss=loss, engine="auto", units={"price": "$"})
        run = recorded(start, tmp_path / "ours.backlit")
        shelf = Shelf(tmp_path / "shelf")
        key = shelf.add_run(run.path)
        with serving(Desk(shelf)) as client:
            about = ask(client, "run", run=key)
            assert (about["error"], about["error_unit"]) == LOSSES[loss]
            epochs, shown = run.timeline().epochs(), ask(client, "history", run=key, timeline="main")["epochs"]
            scale = start.table.target.scale[0]
            in_unit = lambda E: E**0.25 * scale if loss == "quartic" else E
            for epoch, point in zip(epochs, shown, strict=True):
                figures = pytest.approx((in_unit(epoch.error), in_unit(epoch.metric)))
                assert (point["train"], point["validation"]) == figures
            for of in ("row", "batch"):
                at = {"run": key, "timeline": "main", "step": 9, "row": 17, "of": of}
                t = run.trace(9, [17] if of == "row" else None)
                layout = ask(client, "layout", **at)
                labels = [unit["label"] for unit in layout["columns"][-1]["units"]]
                assert labels == (["price at 0.2", "price at 0.8"] if loss == "expectile" else ["price"])
                moment = ask(client, "moment", **at, layout=layout["id"])
                assert moment["E"] == t.E
                assert moment["prediction"] == pytest.approx(t.prediction.mean(axis=0))
                reply = ask(client, "chain", **at, weight="w3[2, 1]")
                listed = sum(path["product"] for path in reply["paths"])
                assert reply["gradient"] == pytest.approx(listed + reply["rest"], rel=1e-9, abs=1e-15)
                if of == "batch" or loss == "expectile":
                    assert reply["price"] is None
                    continue
                theta = t.theta.copy()
                theta[t["w3[2, 1]"].positions] += 1e-6
                moved = (t.at(theta).prediction - t.prediction)[0, 0] / 1e-6
                assert reply["price"][1] == pytest.approx(moved, rel=1e-3)
                assert np.prod(reply["price"]) == pytest.approx(reply["gradient"], rel=1e-9)
            assert len(ask(client, "worst", run=key, timeline="main", step=9)["rows"]) > 0
