"""Every number that the page is told is the library's own."""

import math
import re
import struct
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest

from backlit.core.layers import Dense, Dropout, LayerNorm
from backlit.core.network import Network
from backlit.engines.native import missing
from backlit.engines.protocol import Data
from backlit.errors import ArgumentError, BacklitError, UnknownNameError
from backlit.explain.verdict_text import sentence
from backlit.explain.what_if import along_step, along_weight
from backlit.fitting import Recipe, Structure, prepare
from backlit.lesson import ANOTHER, HOUSES, MANY, ONE
from backlit.model import Model
from backlit.problem import Problem, Split
from backlit.progress import fit
from backlit.runs.course import judged
from backlit.runs.run import recording
from backlit.studio import messages as ms
from backlit.studio.history import epoch_point
from backlit.studio.layouts import GoneError
from backlit.studio.questions import QUESTIONS
from backlit.studio.shelf import Shelf
from backlit.studio.states import States
from backlit.tables.columns import UNKNOWN
from backlit.tables.datasets import HOUSE_UNITS, load_houses
from backlit.tables.metrics import METRICS
from backlit.tables.target import Target
from backlit.words import Remark, number, to_json

from .conftest import OneRun

N = 80
draw = np.random.default_rng(4)
HTML, LATEX, ODD, NUMBERED = "<img src=x onerror=alert(1)>", r"$\href{javascript:alert(1)}{x}$", "a, b]['\"", "#7"
MIXED = pl.DataFrame(
    {
        HTML: draw.normal(size=N),
        LATEX: draw.normal(size=N),
        ODD: draw.choice([HTML, "Kent", 'say "x"'], N),
        NUMBERED: [None if i % 9 == 0 else float(x) for i, x in enumerate(draw.normal(size=N))],
        "built": pl.Series([f"20{10 + i % 9}-0{1 + i % 9}-11" for i in range(N)]).str.to_date(),
        "sold": [bool(i % 3) for i in range(N)],
        "id": [f"{i:04d}" for i in range(N)],
    }
)
KINDS = dict.fromkeys([HTML, LATEX, NUMBERED], "number") | {ODD: "category", "built": "date", "id": "drop"}
SCORE = MIXED[HTML] + MIXED[LATEX]
TARGETS = {
    "numbers": (pl.DataFrame({"price": 300 * SCORE + 1000}), None),
    "binary": (pl.DataFrame({"kind": ["low" if x < 0 else HTML for x in SCORE]}), "kind"),
    "three": (pl.DataFrame({"kind": ["abc"[int(np.digitize(x, [-0.5, 0.5]))] for x in SCORE]}), "kind"),
}
SPLIT = Split(np.arange(0, 60), np.arange(60, 72), np.arange(72, N))
RECIPE = Recipe(hidden=(6, 5), batch_size=20, epochs=4, bins=4, columns=KINDS, units={"price": "$", HTML: "sqft"})


def desk_of(folder, start, steps, **more):
    path = folder / "run.backlit"
    with recording(path, *start, **more):
        pass
    shelf = Shelf(folder)
    desk = OneRun(shelf, shelf.add_run(path))
    desk.line().train(steps)
    return desk


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The 3-3-1 network, with a fork."""
    desk = OneRun(Shelf(tmp_path_factory.mktemp("small")), "first")
    desk.line().train(250)
    desk.run.fork(20, name="other", learning_rate=0.1, weights={"w2[1, 1]": 0.25}).train(40)
    yield desk
    desk.shelf.close()


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """The default network on all columns, after 30 steps."""
    houses = load_houses()
    split = Split(*np.split(np.arange(houses.height), [14_000, 17_500]))
    recipe = Recipe(units=HOUSE_UNITS)
    start = prepare(Problem(houses.drop("price"), houses.select("price"), split=split), recipe, 0)
    desk = desk_of(tmp_path_factory.mktemp("wide"), start, 30, frame=houses)
    yield desk
    desk.shelf.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """By the kind of target: a table with every kind of column, missing entries, and names that are traps."""
    desks = {}
    for name, (targets, classes) in TARGETS.items():
        described = Target.fit_classes(targets[classes]) if classes else None
        start = prepare(Problem(MIXED, targets, described, SPLIT), RECIPE, 1)
        desks[name] = desk_of(
            tmp_path_factory.mktemp(name), start, 12, frame=pl.concat([MIXED, targets], how="horizontal")
        )
    yield desks
    for desk in desks.values():
        desk.shelf.close()


@pytest.fixture(params=["small", "wide", "numbers", "binary", "three"])
def any_desk(request):
    if request.param in TARGETS:
        return request.getfixturevalue("mixed")[request.param]
    return request.getfixturevalue(request.param)


def ask(desk, name, **more):
    """A question as the page asks it: the query from JSON, the reply to JSON and back."""
    question = QUESTIONS[name]
    kinds = {"moment": ms.DrawnQuery, "weights": ms.DrawnQuery, "layout": ms.LayoutQuery, "unit": ms.UnitQuery,
             "axes": ms.AxesQuery, "maps": ms.MapsQuery, "surface": ms.SurfaceQuery, "landscape": ms.LandscapeQuery,
             "chain": ms.WeightQuery, "pulls": ms.PullsQuery, "paths": ms.WeightQuery, "wishes": ms.WeightQuery,
             "signs": ms.WeightQuery, "wrong_way": ms.MomentQuery, "line": ms.MomentQuery,
             "account": ms.MomentQuery, "step": ms.MomentQuery,
             "row": ms.RowQuery, "worst": ms.RowsQuery, "history": ms.HistoryQuery, "compare": ms.CompareQuery,
             "run": ms.RunQuery, "names": ms.NamesQuery,
             "verdict": ms.VerdictQuery}  # fmt: skip
    kind = kinds[name]
    query = msgspec.json.decode(msgspec.json.encode({"run": desk.key, "timeline": desk.main} | more), type=kind)
    reply = question(desk, query)
    return reply if isinstance(reply, bytes) else received(reply)


def received(reply):
    """A reply as it is after its way through JSON, which has no arrays and no remarks."""
    read = {np.ndarray: np.array, Remark: Remark}
    return msgspec.json.decode(to_json(reply), type=type(reply), dec_hook=lambda kind, value: read[kind](value))


AT = {"step": 9, "row": 17}
BATCH = AT | {"of": "batch"}


def truly(desk, of="row", step=9, row=17, timeline=None):
    return desk.run.trace(step, [row] if of == "row" else None, timeline)


def test_every_question_says_what_it_takes_and_gives():
    assert list(QUESTIONS) == [
        "layout", "names", "moment", "step", "weights", "unit", "axes", "maps", "surface", "landscape", "pulls",
        "paths", "wishes", "wrong_way", "chain", "signs", "line", "account", "row", "worst", "history", "verdict",
        "rates", "compare", "run", "shelf", "table",
    ]  # fmt: skip


def test_names_of_textbooks(small, mixed):
    names = [*small.run.net.weight_names(), "a1[2]", "s[1]", "lat", "w1[nothing, 1]"]
    told = ask(small, "names", names=names)
    assert told.textbook == (
        "w1_11", "w1_12", "w1_13", "w1_21", "w1_22", "w1_23", "w1_31", "w1_32", "w1_33", "b1_1", "b1_2", "b1_3",
        "w2_11", "w2_21", "w2_31", "b2_1", "a1_2", "s_1", "x_3", "w1[nothing, 1]",
    )  # fmt: skip
    own, chain = (ask(small, "chain", **AT, weight="w1[lat, 2]", names=names) for names in ("own", "textbook"))
    assert chain.weight == own.weight == "w1[lat, 2]"  # by which it is known
    assert [link.symbol for link in own.paths[0].factors] == ["∂E/∂s[1]", "w2[2, 1]", "∂a1[2]/∂z1[2]", "lat"]
    assert [link.symbol for link in chain.paths[0].factors] == ["∂E/∂s_1", "w2_21", "∂a1_2/∂z1_2", "x_3"]
    assert [link.value for link in chain.paths[0].factors] == [link.value for link in own.paths[0].factors]
    assert chain.formula[0].startswith(
        r"\frac{\partial E}{\partial w1_{32}} = \frac{\partial E}{\partial s_{1}} \cdot w2_{21}"
    )
    assert chain.formula[1:] == own.formula[1:]
    layout = ask(small, "layout", **AT)
    assert [(column.sum, column.out, column.matrix) for column in layout.columns] == [
        ("", "x", ""), ("z", "a", "W¹"), ("s", "s", "W²"),
    ]  # fmt: skip
    long = next(edge.weight for edge in ask(mixed["numbers"], "layout", **AT, units=50, edges=500).edges)
    assert max(map(len, ask(mixed["numbers"], "chain", **AT, weight=long).formula)) < 500


# --- layout, moment, weights -------------------------------------------------------------------------------------


def test_a_small_network_comes_whole(small):
    layout = ask(small, "layout", **AT)
    assert [column.kind for column in layout.columns] == ["input", "hidden", "output"]
    assert [[unit.name for unit in column.units] for column in layout.columns] == [
        ["sqft_living", "grade", "lat"], ["a1[1]", "a1[2]", "a1[3]"], ["s[1]"],
    ]  # fmt: skip
    names = [name for name in small.run.net.weight_names() if name.startswith("w")]
    assert [edge.weight for edge in layout.edges] == names
    assert [unit.unit for unit in layout.columns[0].units] == ["sqft", "", "°"]
    assert layout.columns[-1].units[0].label == "price"


@pytest.mark.parametrize("of", ["row", "batch"])
@pytest.mark.parametrize("by", ["weight", "pull"])
def test_numbers_of_a_moment(any_desk, of, by):
    desk, t = any_desk, truly(any_desk, of)
    layout = ask(desk, "layout", **AT | {"of": of}, by=by, units=4, edges=7)
    moment = ask(desk, "moment", **AT | {"of": of}, layout=layout.id)
    assert (moment.E, moment.E_after) == (t.E, t.after.E)
    assert moment.rate == t.rate
    assert moment.happened == (of == "batch")
    assert list(moment.rows) == t.rows[:256].tolist()
    assert moment.n == len(t.data)
    np.testing.assert_allclose(moment.prediction, t.prediction.mean(axis=0))
    np.testing.assert_allclose(moment.prediction_after, t.after.prediction.mean(axis=0))
    if not desk.run.table.target.classes:
        D = t.difference if of == "row" else np.abs(t.difference)
        np.testing.assert_allclose(moment.difference, D.mean(axis=0))
        np.testing.assert_allclose(moment.truth, (t.prediction - t.difference).mean(axis=0))
    else:
        shares = np.bincount(t.data.Y[:, 0].astype(int), minlength=t.prediction.shape[1]) / len(t.data)
        np.testing.assert_allclose(moment.truth, shares)
    for column, numbers in zip(layout.columns[1:], moment.columns[1:]):
        layer, at = t.layer(column.layer), [unit.number - 1 for unit in column.units]
        np.testing.assert_allclose(numbers.a, layer.A[:, at].mean(axis=0))
        np.testing.assert_allclose(numbers.z, layer.Z[:, at].mean(axis=0))
        np.testing.assert_allclose(numbers.slope, layer.slope[:, at].mean(axis=0))
        np.testing.assert_allclose(numbers.da, layer.dA[:, at].sum(axis=0))
        np.testing.assert_allclose(numbers.dz, layer.dZ[:, at].sum(axis=0))
        for name, bias, d, step in zip(at, numbers.bias, numbers.dbias, numbers.bias_step):
            w = t[f"b{column.layer}[{name + 1}]"]
            assert (bias, d) == pytest.approx((w.value, w.gradient))
            assert step == pytest.approx(t.update.step[w.positions[0]])
    for unit, a, da in zip(layout.columns[0].units, moment.columns[0].a, moment.columns[0].da):
        i = unit.number - 1
        assert a == pytest.approx(t.data.X[:, i].mean())
        assert da == pytest.approx(t.dX[:, i].sum(), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_wrong_way(any_desk, of):
    at = AT | {"of": of}
    told, layout, t = ask(any_desk, "wrong_way", **at), ask(any_desk, "layout", **at), truly(any_desk, of)
    astray = t.wrong_way()
    off = np.abs(astray.gradient - t.gradient)
    assert [pull.weight for pull in told.pulls] == [t.net.weight_name(i) for i in np.argsort(-off, kind="stable")[:4]]
    for pull in told.pulls:
        at_weight = t.net.positions(pull.weight)
        assert (pull.right, pull.wrong) == (t.gradient[at_weight], astray.gradient[at_weight])
    assert (told.E, told.E_right, told.E_wrong) == (t.E, t.after.E, t.at(astray.update.after).E)
    moment = ask(any_desk, "moment", **at, layout=layout.id, wrong=True)
    assert (moment.E, moment.E_after, moment.text.prediction_after) == (t.E, told.E_wrong, told.wrong)
    assert not moment.happened
    numbers = edge_numbers(any_desk, layout, wrong=True, **at)
    wrong = [astray.gradient[t.net.positions(edge.weight)].sum() for edge in layout.edges]
    np.testing.assert_allclose(numbers[:, 1], wrong, rtol=1e-4, atol=1e-8)


def edge_numbers(desk, layout, **more):
    answer = ask(desk, "weights", layout=layout.id, **more)
    return np.array(struct.unpack(f"<{len(answer) // 4}f", answer)).reshape(-1, 3)


@pytest.mark.parametrize("of", ["row", "batch"])
def test_weights_of_the_edges(any_desk, of):
    layout, t = ask(any_desk, "layout", **AT), truly(any_desk, of)
    numbers = edge_numbers(any_desk, layout, **AT | {"of": of})
    assert len(numbers) == len(layout.edges)
    for edge, (w, d, step) in zip(layout.edges, numbers):
        there = t[edge.weight]
        assert len(there.positions) == max(1, edge.bins)
        assert w == pytest.approx(there.value, rel=1e-5, abs=1e-6)
        assert d == pytest.approx(there.gradient, rel=1e-5, abs=1e-9)
        assert step == pytest.approx(t.update.step[there.positions].sum(), rel=1e-5, abs=1e-9)


def test_bins_are_gathered_unless_their_column_is_opened(wide):
    closed = ask(wide, "layout", **AT, units=500, edges=10)
    assert closed.columns[0].count == len(wide.run.net.inputs) == len(closed.columns[0].units)
    opened = ask(wide, "layout", **AT, opened="sqft_living", units=500, edges=500)
    bins = [unit for unit in opened.columns[0].units if unit.column == "sqft_living"]
    [gathered] = [unit for unit in closed.columns[0].units if unit.column == "sqft_living"]
    assert gathered.bins == len(bins) > 20
    assert bins[6].name == "sqft_living#7"
    assert bins[6].label == wide.run.table.label("sqft_living#7")
    moment, t = ask(wide, "moment", **AT, layout=opened.id), truly(wide)
    first = t.layer(1)
    places = [i for i, unit in enumerate(opened.columns[0].units) if unit.column == "sqft_living"]
    source = [i for i, name in enumerate(t.unit(1, 1).sources) if name.startswith("sqft_living#")]
    np.testing.assert_allclose([moment.columns[0].a[i] for i in places], first.X[0, source])
    np.testing.assert_allclose([moment.columns[0].da[i] for i in places], (first.dZ @ first.W.T)[0, source])
    with pytest.raises(UnknownNameError, match="did you mean 'sqft_living'"):
        ask(wide, "layout", **AT, opened="sqft_livin")


def test_the_strongest_are_drawn(wide):
    t = truly(wide)
    for by, vector in (("weight", t.theta), ("pull", t.gradient)):
        layout = ask(wide, "layout", **AT, by=by, units=5, edges=9)
        assert [len(column.units) for column in layout.columns] == [5, 5, 5, 1]
        assert [sum(edge.layer == n for edge in layout.edges) for n in (1, 2, 3)] == [9, 9, 5]
        W = np.abs(vector[wide.run.net.positions("w2")].reshape(128, 128))
        left, right = ([unit.number - 1 for unit in column.units] for column in layout.columns[1:3])
        assert left == sorted(left)
        drawn = {(left[edge.source], right[edge.unit]) for edge in layout.edges if edge.layer == 2}
        pairs = sorted(((i, j) for i in left for j in right), key=lambda pair: -W[pair])
        assert drawn == set(pairs[:9])
        W3 = np.abs(vector[wide.run.net.positions("w3")].reshape(128, 1))
        own = W.sum(axis=0) + W3.sum(axis=1)
        b2 = np.abs(vector[wide.run.net.positions("b2")])
        pairs = [divmod(int(at), 128) for at in np.argsort(-W.ravel(), kind="stable")[:2]]
        assert set(pairs) <= drawn
        sure = {int(b2.argmax()), *np.argsort(-W3[:, 0])[:2].tolist(), *(j for _, j in pairs)}
        assert sure <= set(right)
        others = [unit for unit in range(128) if unit not in right]
        assert all(own[unit] >= own[others].max() for unit in right if unit not in sure)


def test_a_layout_is_the_same_for_other_moments_and_gone_when_forgotten(wide):
    layout = ask(wide, "layout", **AT, units=6)
    assert ask(wide, "layout", **AT, units=6).id == layout.id
    assert ask(wide, "layout", **AT, units=7).id != layout.id
    ask(wide, "moment", **AT | {"step": 3}, layout=layout.id)
    wide.forget(wide.run, "drawing")
    with pytest.raises(GoneError, match="ask for the layout again"):
        ask(wide, "moment", **AT, layout=layout.id)


def test_a_moment_as_people_read_it(small, mixed):
    layout = ask(small, "layout", **AT)
    told, t = ask(small, "moment", **AT, layout=layout.id).text, truly(small)
    assert told.prediction == number(float(t.prediction[0, 0]), "$")
    assert told.truth == "$485,000"
    assert told.difference.startswith("−$" if t.difference[0, 0] < 0 else "$")
    for name, desk in mixed.items():
        layout = ask(desk, "layout", **AT)
        told = ask(desk, "moment", **AT, layout=layout.id).text
        batch = ask(desk, "moment", **BATCH, layout=layout.id).text
        if name != "numbers":
            assert " for " in told.prediction
            assert told.truth in desk.run.table.target.labels
            assert batch.prediction.endswith("% for the true class")


def test_the_truth_is_that_of_the_table_wherever_the_prediction_went(small, mixed):
    """Where weights ran away, prediction − difference is 0: the truth is too small to be seen in either."""
    for size in (1e9, 1e18, 1e30):
        for desk, column, weight in ((small, "price", "w2[1, 1]"), (mixed["numbers"], "price", "w3[1, 1]")):
            for of in (AT, BATCH):
                far = of | {"weights": {weight: size}}
                moment = ask(desk, "moment", **far, layout=ask(desk, "layout", **far).id)
                assert abs(moment.prediction[0]) > 1e6 or of is AT
                true = desk.run.frame()[column].to_numpy()[list(moment.rows)].mean()
                assert moment.truth == pytest.approx([true], rel=1e-5)
                assert moment.text.truth == number(true, "$") or moment.n > 1


def test_what_is_nearly_certain_is_not_told_as_certain(mixed):
    for name in ("binary", "three"):
        desk = mixed[name]
        bias = f"b3[{desk.run.net.outputs}]"
        for row in range(8):
            for weight in (-12.0, 12.0, 60.0, -800.0):
                far = AT | {"row": row, "weights": {bias: weight}}
                moment = ask(desk, "moment", **far, layout=ask(desk, "layout", **far).id)
                assert "100.0%" not in moment.text.prediction
                assert moment.text.difference[:5] not in ("100.0", "0.0% ")
                assert moment.text.prediction.startswith(">99.9%") == (max(moment.prediction) >= 0.9995)


# --- by hand -----------------------------------------------------------------------------------------------------


def test_features_changed_by_hand(mixed):
    desk, frame = mixed["numbers"], mixed["numbers"].run.frame()
    changes = {HTML: 1.5, LATEX: "-0.25", ODD: "Kent", NUMBERED: None, "built": "2015-02-03", "sold": False}
    layout = ask(desk, "layout", **AT)
    E = ask(desk, "moment", **AT, layout=layout.id, features=changes).E
    row = frame[17:18].with_columns(
        pl.Series(HTML, [1.5]), pl.Series(LATEX, [-0.25]), pl.Series(ODD, ["Kent"]), pl.Series(NUMBERED, [None]),
        pl.Series("built", ["2015-02-03"]).str.to_date(), pl.Series("sold", [False]),
    )  # fmt: skip
    t = truly(desk)
    X = desk.run.table.encode(row, np.float64)
    assert X[0, desk.run.net.inputs.index(f"{NUMBERED} {UNKNOWN}")] == 1
    assert E == t.on(replace_rows(t.data, X)).E != t.E
    with pytest.raises(UnknownNameError, match="column that is learnt from"):
        ask(desk, "layout", **AT, features={"id": "x"})
    for name, wrong in (
        (HTML, "wide"),
        (HTML, True),
        ("built", "soon"),
        ("built", 3.0),
        ("sold", "perhaps"),
        (ODD, 3.0),
    ):
        with pytest.raises(ArgumentError, match="it must be"):
            ask(desk, "layout", **AT, features={name: wrong})
    with pytest.raises(UnknownNameError, match="unknown level"):
        ask(desk, "layout", **AT, features={ODD: "Kint"})
    with pytest.raises(ArgumentError, match="one row only"):
        ask(desk, "layout", **BATCH, features={HTML: 1.0})


def replace_rows(data, X):
    return Data(X, data.Y, data.rows)


def test_the_curves_carry_the_mean_and_a_linear_model(small):
    """Fitted on all training houses; measured on the houses that a timeline watches, or else learns from."""
    run = small.run
    houses, learn = run.frame(), run.timeline().numbers()
    X = np.column_stack([houses["sqft_living"], houses["grade"], houses["lat"], np.ones(houses.height)])
    Y = houses["price"].to_numpy().astype(float)
    linear = X @ np.linalg.lstsq(X[learn], Y[learn], rcond=None)[0]
    for name, rows in ((MANY, run.timeline().numbers("watch")), *((name, [house]) for name, house in HOUSES.items())):
        rmse = [float(np.sqrt(np.mean((guess - Y[rows]) ** 2))) for guess in (Y[learn].mean(), linear[rows])]
        assert ask(small, "history", timeline=name).baselines == pytest.approx(
            {"mean": rmse[0], "linear model": rmse[1]}, rel=1e-6
        )


def test_every_table_has_its_baselines(any_desk):
    told, run = ask(any_desk, "history").baselines, any_desk.run
    assert [*told] == (["class shares", "linear model"] if run.table.target.classes else ["mean", "linear model"])
    assert all(math.isfinite(error) and error > 0 for error in told.values())


def test_the_strongest_weight_is_that_of_the_trace(any_desk):
    layout = ask(any_desk, "layout", **AT)
    for of in ("row", "batch"):
        moment, t = ask(any_desk, "moment", **AT | {"of": of}, layout=layout.id), truly(any_desk, of)
        assert moment.strongest == t.strongest()[0] == t.net.weight_name(int(np.abs(t.gradient).argmax()))


def test_what_a_step_of_many_rows_makes_of_one(any_desk):
    row, own = truly(any_desk), truly(any_desk, "batch")
    told, after = ask(any_desk, "step", **AT), row.at(own.update.after)
    assert told.n == len(own.rows) > 1
    assert (told.E, told.E_after) == (row.E, after.E)
    assert (told.batch_E, told.batch_E_after) == (own.E, own.after.E)
    layout = ask(any_desk, "layout", **AT)
    assert not ask(any_desk, "moment", **AT, layout=layout.id).happened
    target = any_desk.run.table.target
    if not target.classes:
        assert told.prediction_after == number(float(after.prediction[0, 0]), target.unit)


def test_a_step_that_learns_from_one_row_alone_is_what_that_row_announces(tmp_path):
    desk = OneRun(Shelf(tmp_path), "first")
    run = desk.run
    run.train(timeline=ONE)
    for name, house in HOUSES.items():
        line = ask(desk, "run").timelines[[MANY, ONE, ANOTHER].index(name)]
        assert (line.train, line.validation, line.rows, line.steps_an_epoch) == (1, 0, (house,), 1)
        at = {"timeline": name, "step": 3 if name == ONE else 0, "row": house}
        layout = ask(desk, "layout", **at)
        assert ask(desk, "moment", **at, layout=layout.id).happened
        assert ask(desk, "chain", **at, weight="b2[1]").update.happened
        assert ask(desk, "step", **at).n == 1
        batch = ask(desk, "moment", **at | {"of": "batch"}, layout=layout.id)
        assert (batch.rows.tolist(), batch.n) == ([house], 1)
        other = at | {"row": 5}
        assert not ask(desk, "moment", **other, layout=layout.id).happened
        assert not ask(desk, "moment", **at, features={"grade": 9.0}, layout=layout.id).happened
        assert not ask(desk, "moment", **at, weights={"b2[1]": 0.5}, layout=layout.id).happened
    desk.shelf.close()


def test_weights_changed_by_hand_are_those_of_a_fork(small):
    edits = {"w1[lat, 2]": 0.4, "b2[1]": -0.2}
    fork = small.run.fork(9, name="edited", weights=edits)
    layout = ask(small, "layout", **AT)
    for of in ("row", "batch"):
        changed = ask(small, "moment", **AT | {"of": of}, layout=layout.id, weights=edits)
        t = fork.trace(9, [17] if of == "row" else None)
        assert (changed.E, changed.E_after) == (t.E, t.after.E)
        assert not changed.happened
        assert (
            ask(small, "chain", **AT | {"of": of}, weight="w1[lat, 2]", weights=edits).gradient
            == t["w1[lat, 2]"].gradient
        )
    with pytest.raises(ArgumentError, match=r"w1\[lat, 2\].*finite"):
        ask_raw(small, weights={"w1[lat, 2]": math.inf})
    with pytest.raises(ArgumentError, match="change them one by one"):
        ask_raw(small, weights={"w1": 0.0})
    with pytest.raises(UnknownNameError, match="weight"):
        ask_raw(small, weights={"w9[1, 1]": 0.0})


def ask_raw(desk, **more):
    return QUESTIONS["layout"](desk, ms.LayoutQuery(run=desk.key, timeline=desk.main, **AT, **more))


@pytest.mark.parametrize("wrong", [{"timeline": "mein"}, {"step": 10_000}, {"step": -1}, {"row": 10**9}, {"row": -1}])
def test_a_moment_that_is_not_there(small, wrong):
    with pytest.raises(BacklitError):
        ask(small, "layout", **AT | wrong)


def test_steps_of_a_fork_and_of_its_parent(small):
    layout = ask(small, "layout", **AT)
    for step in (5, 20, 30):
        at = {"timeline": "other", "step": step, "row": 17}
        assert ask(small, "moment", **at, layout=layout.id).E == truly(small, step=step, timeline="other").E
        batch = ask(small, "moment", **at, of="batch", layout=layout.id)
        t = truly(small, "batch", step=step, timeline="other")
        assert (batch.E, batch.E_after, batch.rate) == (t.E, t.after.E, t.rate)


# --- unit, chain, line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["row", "batch"])
def test_a_dot_product(any_desk, of):
    t = truly(any_desk, of)
    for layer in (1, 2):
        unit, u = ask(any_desk, "unit", **AT | {"of": of}, layer=layer, unit=2 if layer == 1 else 1, most=4), None
        u = t.unit(layer, unit.unit)
        assert len(unit.terms) == min(4, len(u.sources))
        assert unit.rest_terms == len(u.sources) - len(unit.terms)
        assert sum(term.product for term in unit.terms) + unit.rest + unit.bias == pytest.approx(unit.z)
        assert unit.z == pytest.approx(u.z.mean())
        assert (unit.a, unit.slope, unit.da, unit.dz) == pytest.approx(
            (u.a.mean(), u.slope.mean(), u.da.sum(), u.dz.sum())
        )
        for term in unit.terms:
            assert term.product == pytest.approx(term.input * term.weight)
            assert t[term.weight_name].value == term.weight
            assert term.weight_wish == pytest.approx(-t[term.weight_name].gradient)
            assert term.input_wish == pytest.approx(-term.weight * unit.dz)
        assert (unit.wish, unit.bias_wish) == pytest.approx((-unit.da, -t[unit.bias_name].gradient))
        strongest = np.abs([u.inputs.mean(axis=0) * u.weights, u.wishes.weights, u.wishes.inputs]).argmax(axis=1)
        assert {u.names[i] for i in strongest} <= {term.weight_name for term in unit.terms}
    with pytest.raises(UnknownNameError, match="unit"):
        ask(any_desk, "unit", **AT, layer=1, unit=999)


@pytest.mark.parametrize("of", ["row", "batch"])
def test_a_chain(any_desk, of):
    layout, t = ask(any_desk, "layout", **AT), truly(any_desk, of)
    for edge in (layout.edges[0], layout.edges[-1]):
        told, w = ask(any_desk, "chain", **AT | {"of": of}, weight=edge.weight), t[edge.weight]
        own = w.chain()
        assert (told.value, told.gradient, told.blame) == (w.value, w.gradient, w.blame)
        assert told.single == (len(w.positions) == 1)
        for short, whole in zip(told.formula, own.lines(), strict=True):
            assert short == whole or "…" in short
            assert len(short) <= len(whole)
        assert [path.product for path in told.paths] == [path.product for path in own.paths]
        assert sum(path.product for path in told.paths) + told.rest == pytest.approx(told.gradient, abs=1e-12)
        assert sum(share.part for share in told.by_row) + told.rest_rows == pytest.approx(told.gradient, abs=1e-12)
        assert told.check == own.check
        assert told.engine is None if missing() else re.search("agrees with this to [4-9] digits", told.engine.kind)
        assert told.update == own.update
        reasons = () if own.update is None else own.update.reasons(own.gradient)
        assert [reason.kind for reason in told.reasons] == [*map(str, reasons)]
        curve = along_weight(t, edge.weight, points=len(told.curve.w))
        np.testing.assert_array_equal(told.curve.E, curve.E)
        assert (told.curve.after, told.curve.E_after) == (curve.after, curve.E_after)


def test_a_chain_in_money(small, mixed):
    for desk, name in ((small, "w1[lat, 2]"), (mixed["numbers"], "b1[1]")):
        told, t = ask(desk, "chain", **AT, weight=name), truly(desk)
        of_prediction, of_weight = told.price
        assert of_prediction * of_weight == pytest.approx(told.gradient)
        assert of_prediction == pytest.approx(t.dS[0, 0] / desk.run.table.target.scale[0])
        theta = t.theta.copy()
        theta[t[name].positions] += 1e-6
        assert of_weight == pytest.approx((t.at(theta).prediction - t.prediction)[0, 0] / 1e-6, rel=1e-3, abs=1e-6)
    assert ask(small, "chain", **BATCH, weight="w1[lat, 2]").price is None
    assert ask(mixed["binary"], "chain", **AT, weight="b1[1]").price is None


@pytest.mark.parametrize("name", ["w1", "w2", "b1", "b1[]", "w2[, 1]"])
def test_a_chain_is_of_one_weight(wide, name):
    with pytest.raises(ArgumentError):
        ask(wide, "chain", **AT, weight=name)


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_line_along_a_step(small, mixed, of):
    for desk in (small, mixed["three"]):
        told, t = ask(desk, "line", **AT | {"of": of}), truly(desk, of)
        line = along_step(t)
        np.testing.assert_array_equal(told.E, line.E)
        assert (told.best, told.E_best, told.hurts, told.chosen) == (line.best, line.E_best, line.hurts, line.chosen)
        assert told.chosen == t.rate


def test_the_account_of_a_step_that_was_made(any_desk):
    """Of one row, from the weights that are recorded before it to those after it; also where a batch made the step."""
    told = ask(any_desk, "account", **AT)
    t = truly(any_desk, "row")
    after = t.at(any_desk.at(AT["step"] + 1).theta.astype(np.float64))
    ends = [one.E if told.of == "E" else one.prediction.mean() for one in (t, after)]
    assert [told.before, told.after] == pytest.approx(ends, rel=1e-12)
    assert told.of == ("prediction" if t.net.outputs == 1 and not t.described.target.classes else "E")
    assert told.unit == (t.described.target.unit if told.of == "prediction" else "")
    parts = [one.part for one in told.parts]
    total = sum(parts) + told.rest + told.residual
    assert total == pytest.approx(told.after - told.before, rel=1e-9, abs=1e-12)
    assert abs(told.residual) <= 1e-4 * max(map(abs, parts))
    assert [abs(part) for part in parts] == sorted(map(abs, parts), reverse=True)
    assert len(parts) + told.rest_weights == len(t.theta)
    assert len({one.weight for one in told.parts}) == min(len(t.theta), 60)

    # the largest part, walked in small steps, its slopes by differences
    step = after.theta - t.theta
    at = np.eye(1, len(t.theta), t.net.positions(told.parts[0].weight)[0])[0]

    def value(theta):
        one = t.at(theta)
        return one.E if told.of == "E" else one.prediction.mean()

    middles = (np.arange(100) + 0.5) / 100
    slopes = [(value(t.theta + s * step + 1e-5 * at) - value(t.theta + s * step - 1e-5 * at)) / 2e-5 for s in middles]
    assert parts[0] == pytest.approx(np.mean(slopes) * (step @ at), rel=1e-2)


def test_the_account_of_a_step_that_is_not_made_is_that_of_the_update(small):
    last = small.line().steps()
    t = truly(small)
    moved = t.theta.copy()
    moved[t.net.positions("w2[1, 1]")] = np.float32(0.25)
    wishes = (({"step": last}, truly(small, step=last)), ({"step": 9, "weights": {"w2[1, 1]": 0.25}}, t.at(moved)))
    for wish, t in wishes:
        told, own = ask(small, "account", row=17, **wish), t.account()
        assert (told.before, told.after) == (own.before, own.after)
        assert {one.weight: one.part for one in told.parts} == dict(own.by_weight().iter_rows())


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_line_where_the_rate_is_0(mixed, tmp_path, of):
    for name, (targets, classes) in TARGETS.items():
        described = Target.fit_classes(targets[classes]) if classes else None
        start = prepare(Problem(MIXED, targets, described, SPLIT), RECIPE, 1)
        (tmp_path / name).mkdir()
        frame = pl.concat([MIXED, targets], how="horizontal")
        desk = desk_of(tmp_path / name, start, None, frame=frame)
        at = AT | {"of": of, "step": desk.line().steps()}
        told, t = ask(desk, "line", **at), truly(desk, of, at["step"])
        assert t.rate == told.chosen == 0
        assert told.E_chosen == told.here == told.E[0] == pytest.approx(t.E)
        last = desk.line().curves()["rate"][-1]  # of the last step that was made
        assert 0 < told.rate[-1] == pytest.approx(8 * last)
        direction = replace(t, rate=last).update.step / last
        np.testing.assert_allclose(told.E[-1], t.at(t.theta + told.rate[-1] * direction).E, rtol=1e-9)
        assert told.E_best == min(told.E)
        desk.shelf.close()


@pytest.mark.parametrize("of", ["row", "batch"])
def test_plus_and_minus(any_desk, of):
    """Of the same step both ways: theta ± step fed forward anew."""
    t, layout = truly(any_desk, of), ask(any_desk, "layout", **AT)
    weight = layout.edges[-1].weight
    told = ask(any_desk, "signs", **AT | {"of": of}, weight=weight)
    step = t.update.step
    np.testing.assert_allclose(told.E, [t.E, t.at(t.theta + step).E, t.at(t.theta - step).E], rtol=1e-12)
    assert told.after == pytest.approx(t[weight].value - step[t[weight].positions].sum(), rel=1e-12, abs=1e-15)
    first, *more = told.reasons
    rises = told.E[2] > told.E[0] > told.E[1]
    assert rises == ("up the slope: E rises" in first.kind)
    target = any_desk.run.table.target
    assert len(more) == (of == "row" and len(target.names) == 1 and not target.classes and t.net.outputs == 1)
    if more:
        difference = t.difference[0, 0]
        assert f"{number(-difference, target.unit)}, and not {number(difference, target.unit)}" in more[0].kind


def test_names_that_are_traps(mixed):
    desk = mixed["numbers"]
    layout = ask(desk, "layout", **AT, units=50, edges=500)
    labels = [unit.label for unit in layout.columns[0].units]
    assert HTML in labels
    assert LATEX in labels
    assert f"{ODD} is {HTML}" in labels
    for edge in layout.edges:
        told = ask(desk, "chain", **AT, weight=edge.weight)
        assert told.weight == edge.weight
        formula = "".join(told.formula)
        assert r"\href" not in formula
        assert "<img" not in formula.replace(r"\text{<img", "").replace(r"=<img", "")
    assert ask(desk, "chain", **AT, weight=f"w1[{NUMBERED}, 2]").single is False
    opened = ask(desk, "layout", **AT, opened=NUMBERED, units=50)
    assert f"{NUMBERED}#2" in [unit.name for unit in opened.columns[0].units]


NETWORKS = {
    "linear": ({"hidden": ()}, None),
    "logarithms": ({"target": "log"}, None),
    "quantiles": ({"loss": "quantile"}, None),
    "norms": ({"encoding": "plain"}, lambda d: [Dense(d, 4, "tanh"), LayerNorm(4), Dropout(0.5), Dense(4, 1)]),
}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.filterwarnings("ignore::backlit.errors.RunWarning")
def test_other_networks(kind, tmp_path):
    changes, layers = NETWORKS[kind]
    targets = pl.DataFrame({"price": 50 * SCORE + 1000})
    start = prepare(Problem(MIXED, targets, split=SPLIT), replace(RECIPE, **changes), 1)
    if layers:
        net = Network(layers(len(start.table.names)), inputs=start.table.names)
        start = prepare(Problem(MIXED, targets, split=SPLIT), RECIPE, 1, structure=Structure(start.table, net))
    desk = desk_of(tmp_path, start, 12, frame=MIXED.with_columns(targets))
    for of in ("row", "batch"):
        at, t = AT | {"of": of}, truly(desk, of)
        layout = ask(desk, "layout", **at)
        moment = ask(desk, "moment", **at, layout=layout.id)
        assert [len(n.a) for n in moment.columns] == [len(column.units) for column in layout.columns]
        np.testing.assert_allclose(moment.prediction, t.prediction.mean(axis=0))
        for (w, d, _), edge in zip(edge_numbers(desk, layout, **at), layout.edges):
            assert (w, d) == pytest.approx((t[edge.weight].value, t[edge.weight].gradient), rel=1e-5, abs=1e-6)
        told = ask(desk, "chain", **at, weight=layout.edges[0].weight)
        assert (told.price is not None) == (of == "row" and kind != "quantiles")
        if told.price is not None:
            assert np.prod(told.price) == pytest.approx(told.gradient, abs=1e-12)
        ask(desk, "unit", **at, layer=1, unit=1)
        ask(desk, "line", **at)
    ask(desk, "worst", step=9)
    assert ask(desk, "run").error == ("RMSE" if kind in ("linear", "norms") else "E")
    labels = [unit.label for unit in layout.columns[-1].units]
    assert labels == (["price, 5%", "price, 50%", "price, 95%"] if kind == "quantiles" else ["price"])
    desk.shelf.close()


def test_beyond_the_end_of_a_schedule(mixed):
    desk = mixed["three"]
    layout = ask(desk, "layout", **AT)
    at = AT | {"step": 12}
    before = ask(desk, "moment", **at, layout=layout.id)
    assert before.rate == 0
    with pytest.warns(match="it begins again"):
        desk.run.timeline("main").train(6)
    desk.states = States()
    assert ask(desk, "moment", **at, layout=layout.id).rate == desk.run.trace(12, [17]).rate > 0


# --- rows --------------------------------------------------------------------------------------------------------


def test_a_row(mixed, small):
    row = ask(mixed["numbers"], "row", row=18)
    entries = {feature.column: feature for feature in row.features}
    assert entries[HTML].value == MIXED[HTML][18]
    assert entries[HTML].text.endswith(" sqft")
    assert (entries[NUMBERED].value, entries[NUMBERED].text) == (None, "missing")
    assert entries["built"].value == MIXED["built"][18].isoformat()
    assert (entries["sold"].value, entries["sold"].text) == (False, "no")
    assert [(other.column, other.text) for other in row.others] == [("id", "0018")]
    assert row.part == "train"
    assert [ask(mixed["numbers"], "row", row=i).part for i in (60, 79)] == ["validation", ""]
    assert row.truth.startswith("$")
    assert ask(mixed["binary"], "row", row=18).truth in ("low", HTML)
    row = ask(small, "row", row=0)
    told = {feature.column: feature for feature in (*row.features, *row.others)}
    assert told["sqft_living"].text == "1,180 sqft"
    assert told["yr_built"].text == "1955"
    assert told["id"].text == "7129300520"
    assert ask(small, "row", row=0).truth == "$221,900"
    with pytest.raises(ArgumentError, match="from 0 to 21612"):
        ask(small, "row", row=21613)


def test_a_row_can_be_handed_back(mixed):
    for desk in mixed.values():
        for row in (17, 18):
            features = {f.column: f.value for f in ask(desk, "row", row=row).features}
            at = AT | {"row": row}
            layout = ask(desk, "layout", **at)
            same = ask(desk, "moment", **at, layout=layout.id, features=features)
            assert same.E == truly(desk, row=row).E


@pytest.mark.parametrize("which", ["train", "validation"])
def test_the_worst_rows(wide, mixed, which):
    for desk in (wide, *mixed.values()):
        found = ask(desk, "worst", step=9, which=which, most=5)
        run, line = desk.run, desk.run.timeline()
        data = line.learn() if which == "train" else line.watch()
        S = run.timeline().plan().engine.predict(run.net, run.at(9).theta, data.X)
        P = run.table.target.decode(run.net.loss, S)
        if run.table.target.classes:
            off = -np.log(P[np.arange(len(P)), data.Y[:, 0].astype(int)])
        else:
            off = np.abs(P - run.table.target.decode_targets(data.Y))[:, 0]
        assert found.of == len(data)
        for text, error in ((found.mean_text, off.mean()), (found.median_text, np.median(off))):
            assert text.removeprefix("log-loss ") == number(error, run.table.target.unit)
        assert [row.off for row in found.rows] == pytest.approx(sorted(off, reverse=True)[:5])
        assert found.rows[0].row == data.rows[off.argmax()]
        classes = bool(run.table.target.classes)
        for text in (found.mean_text, found.median_text, found.rows[0].off_text):
            assert text.startswith("log-loss " if classes else "$")
        if desk is wide:
            assert found.rows[0].truth == ask(wide, "row", row=found.rows[0].row).truth
    with pytest.raises(msgspec.ValidationError):
        ask(wide, "worst", step=9, which="test")


# --- history -----------------------------------------------------------------------------------------------------


def test_history(small):
    whole, figures = ask(small, "history"), small.line().curves()
    assert whole.step.tolist() == figures["step"].to_list() == list(range(250))
    np.testing.assert_allclose(whole.E, figures["E"])
    thin = ask(small, "history", points=60)
    assert thin.step.tolist() == list(range(0, 250, 5))
    np.testing.assert_allclose(thin.E, figures["E"].to_numpy().reshape(-1, 5).mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(thin.update_norm, figures["update_norm"].to_numpy().reshape(-1, 5).max(axis=1))
    other = ask(small, "history", timeline="other")
    assert other.step.tolist() == list(range(60))
    assert other.E[:20].tolist() == whole.E[:20].tolist()
    assert other.rate[19:21] == pytest.approx([0.05, 0.1])
    assert [point.epoch for point in whole.epochs] == [1, 2]


def test_epochs_in_the_targets_unit(small, mixed, tmp_path):
    run = small.run
    epoch = run.timeline().epochs()[0]
    point = epoch_point(run, epoch)
    assert point.train == pytest.approx(run.table.target.scale[0] * epoch.error**0.5)
    assert (point.epoch, point.step) == (1, 108)
    told = ask(small, "run")
    assert (told.error, told.error_unit) == ("RMSE", "$")
    told = ask(mixed["three"], "run")
    assert (told.error, told.error_unit) == ("log-loss", "")
    assert (
        epoch_point(mixed["three"].run, (first := mixed["three"].run.timeline().epochs()[0])).validation == first.metric
    )
    targets, kind = TARGETS["binary"]
    recipe = replace(RECIPE, metric=METRICS["accuracy"])
    start = prepare(Problem(MIXED, targets, Target.fit_classes(targets[kind]), SPLIT), recipe, 1)
    desk = desk_of(tmp_path, start, 12)
    [first, *_] = desk.run.timeline().epochs()
    assert epoch_point(desk.run, first).validation == first.metric > 0
    assert epoch_point(desk.run, first).train is None
    assert ask(desk, "run").error == "accuracy"
    desk.shelf.close()


def test_compare(small, mixed):
    found, own = ask(small, "compare", a=MANY, b="other", most=4), small.run.compare(MANY, "other")
    assert found.parted == own.parted == 20
    first = found.changes[0]
    assert (first.what, first.before, first.after) == ("learning_rate", "0.05", "0.1")
    assert "w2[1, 1]" in [change.what for change in found.changes]
    assert [(w.weight, w.a, w.b) for w in found.weights] == own.weights.head(4).select("weight", "a", "b").rows()
    rows = own.rows()
    assert [gap.gain for gap in found.gained] == [gain for gain in rows["gain"].head(4) if gain > 0]
    assert [gap.gain for gap in found.lost] == [gain for gain in rows["gain"].tail(4).reverse() if gain < 0]
    assert found.mean_gain == pytest.approx(rows["gain"].mean())
    desk = mixed["binary"]
    desk.run.fork(6, "main", name="faster", learning_rate=0.05).train(6)
    found = ask(desk, "compare", a="main", b="faster")
    assert all(gap.truth in ("low", HTML) and gap.a.endswith("%") for gap in (*found.gained, *found.lost))
    assert found.mean_gain_text.endswith(" points")


def test_a_comparison_says_at_which_steps_it_is_made(small, mixed):
    def best(desk, name):
        return desk.run.timeline(name).at().best.step

    assert ask(small, "compare", a=MANY, b="other").at == "both at step 60"  # the other watched no row by then
    desk = mixed["three"]
    desk.run.fork(3, "main", name="faster", learning_rate=0.3).train(9)
    ours, theirs = best(desk, "main"), best(desk, "faster")
    assert ours != theirs
    assert ask(desk, "compare", a="main", b="faster").at == f"each at its best: step {ours} and {theirs}"
    desk.run.fork(9, "main", name="same")
    assert ask(desk, "compare", a="main", b="main").at == f"both at step {best(desk, 'main')}"


def test_the_verdict_of_a_timeline(mixed, tmp_path):
    desk = mixed["numbers"]
    opened = desk.run.again()
    found = judged(opened.timeline("main")).to_dict()
    target = opened.table.target
    assert ask(desk, "verdict").text == sentence(found, target.unit, target.names[0])
    with pytest.raises(UnknownNameError, match="timeline"):
        ask(desk, "verdict", timeline="mian")


def test_the_verdict_that_was_recorded_is_told_while_it_holds(tmp_path):
    targets, _ = TARGETS["numbers"]
    start = prepare(Problem(MIXED, targets, split=SPLIT), RECIPE, 1)
    desk = desk_of(tmp_path, start, 12, frame=pl.concat([MIXED, targets], how="horizontal"))
    own = ask(desk, "verdict").text
    fall = {"kind": "still_falling", "beaten_by": None, "numbers": {"fall": 0.42, "share": 0.5}, "remedy": {}}
    desk.run.note(verdict=fall, judged_at=12)
    told = ask(desk, "verdict").text
    assert told.startswith("The error was still falling at the last epoch: by 42% over")
    desk.run.note(judged_at=11)
    assert ask(desk, "verdict").text == own != told
    desk.shelf.close()


def test_no_verdict_without_rows(tmp_path):
    targets, _ = TARGETS["numbers"]
    start = prepare(Problem(MIXED, targets, split=SPLIT), RECIPE, 1)
    frame = pl.concat([MIXED, targets], how="horizontal")
    with recording(tmp_path / "bare.backlit", *start, frame=frame, rows=False) as recorder:
        fit(start, recorder=recorder)
    shelf = Shelf(tmp_path)
    desk = OneRun(shelf, shelf.add_run(tmp_path / "bare.backlit"))
    assert ask(desk, "verdict").text == ""
    desk.shelf.close()


def test_the_run(wide, mixed, small):
    run = ask(wide, "run")
    assert (run.target, run.unit, run.classes) == ("price", "$", ())
    assert (run.rows, run.opens) == (21_613, "")
    dense = [layer for layer in wide.run.net.layers if isinstance(layer, Dense)]
    assert (run.sources, run.layers) == (dense[0].d_in, tuple(layer.d_out for layer in dense))
    [main] = run.timelines
    assert (main.train, main.validation, main.rows) == (14_000, 3_500, ())
    assert (main.steps, main.steps_an_epoch, main.planned) == (30, 55, 60 * 55)
    assert (main.settings["batch_size"], main.settings["dropout"]) == ("256", "0.15")
    living = next(column for column in run.columns if column.name == "sqft_living")
    values = load_houses()["sqft_living"][:14_000]
    assert (living.low, living.high) == pytest.approx((values.min(), values.max()))
    run = ask(mixed["binary"], "run")
    columns = {column.name: column for column in run.columns}
    assert columns[ODD].levels == tuple(sorted(set(MIXED[ODD])))
    assert columns["sold"].levels == ("false", "true")
    assert run.classes == (HTML, "low")
    run = ask(small, "run")
    other = next(timeline for timeline in run.timelines if timeline.name == "other")
    assert (other.parent, other.start, other.steps) == (MANY, 20, 60)
    low = next(column.low for column in run.columns if column.name == "grade")
    assert low == small.run.frame()["grade"][small.run.timeline().learn().rows].min()


# --- maps --------------------------------------------------------------------------------------------------------


def predicted(desk, step, rows):
    """What a model of that step, in the engine's own arithmetic, makes of rows of the table: (n, outputs)."""
    line = desk.line()
    P = Model(desk.run.table, line.net, desk.at(step).theta).decode(rows)
    return P[:, P.shape[1] - line.net.outputs :]


def varied(desk, row, **columns):
    frame = desk.run.frame()
    n = len(next(iter(columns.values())))
    return pl.concat([frame[row : row + 1]] * n).with_columns(pl.Series(name, own) for name, own in columns.items())


@pytest.mark.parametrize("name", ["small", "wide", *TARGETS])
def test_maps_are_what_the_model_makes_of_such_rows(request, mixed, name):
    desk = mixed[name] if name in TARGETS else request.getfixturevalue(name)
    layout = ask(desk, "layout", **AT, units=4)
    axes = ask(desk, "axes", **AT)
    x, y = axes.x, axes.y
    assert (x.name, y.name) == {"small": ("sqft_living", "lat"), "wide": ("long", "lat")}.get(name, (x.name, y.name))
    answer = ask(desk, "maps", **AT, layout=layout.id, x=x.name, y=y.name, points=6)
    drawn = [unit for column in layout.columns[1:] for unit in column.units]
    values = np.frombuffer(answer, "<f4").reshape(len(drawn), 6, 6)
    across, up = np.meshgrid(np.linspace(*x.values, 6), np.linspace(*y.values, 6))
    rows = varied(desk, 17, **{x.name: across.ravel(), y.name: up.ravel()})
    outputs = layout.columns[-1].units
    P = predicted(desk, 9, rows)[:, [unit.number - 1 for unit in outputs]]
    np.testing.assert_allclose(values[-len(outputs) :].reshape(len(outputs), -1).T, P, rtol=2e-4)
    X = desk.run.table.encode(rows, np.float64)
    t = truly(desk).on(Data(X, np.repeat(truly(desk).data.Y, len(X), axis=0)))
    hidden = [t.layer(column.layer).A[:, [u.number - 1 for u in column.units]] for column in layout.columns[1:-1]]
    units = len(drawn) - len(outputs)
    np.testing.assert_allclose(values[:units].reshape(units, -1).T, np.hstack(hidden), rtol=1e-4, atol=1e-6)


def test_the_axes_of_maps(small):
    axes = ask(small, "axes", **AT)
    frame = small.run.frame()
    assert axes.columns == ("sqft_living", "grade", "lat")
    assert [axes.x.here, axes.y.here] == pytest.approx([frame[name][17] for name in ("sqft_living", "lat")])
    assert axes.held == ("grade 7",)
    rows = list(axes.rows)
    assert 150 < len(rows) <= 241
    assert set(rows) <= set(small.line().learn().rows)
    for name, values in (("sqft_living", axes.row_x), ("lat", axes.row_y), ("price", axes.truth)):
        np.testing.assert_allclose(values, frame[name].to_numpy()[rows], rtol=1e-5)
    learnt = frame["price"].to_numpy()[small.line().learn().rows]
    assert axes.middle == pytest.approx(learnt.mean())
    assert np.mean(np.abs(learnt - axes.middle) <= axes.reach) == pytest.approx(0.9, abs=0.001)
    chosen = ask(small, "axes", **AT, x="grade", y="lat")
    assert (chosen.x.name, chosen.y.name, chosen.held) == ("grade", "lat", ("sqft_living 1,600 sqft",))
    assert ask(small, "axes", **AT, x="lat").y is None


def test_axes_and_colours_are_the_same_whichever_timeline_is_looked_at(small):
    """Also where it learns from one house only."""
    here, alone = (ask(small, "axes", timeline=name, step=0, row=17) for name in ("128 houses", "one house"))
    assert small.run.timeline("one house").learn().rows.tolist() == [0]
    assert (alone.middle, alone.reach, alone.held) == (here.middle, here.reach, here.held)
    assert alone.x.values.tolist() == here.x.values.tolist()
    assert alone.rows.tolist() == here.rows.tolist()


def test_a_feature_that_is_changed_by_hand_moves_the_maps(small):
    query = AT | {"features": {"grade": 11}}
    own = ask(small, "surface", **query, layer=2, unit=1, points=5)
    across, up = np.meshgrid(own.x.values, own.y.values)
    rows = varied(small, 17, sqft_living=across.ravel(), lat=up.ravel(), grade=[11.0] * 25)
    np.testing.assert_allclose(own.values, predicted(small, 9, rows)[:, 0], rtol=1e-5)
    assert ask(small, "axes", **query).held == ("grade 11",)


def test_contours_of_the_price_lie_where_the_model_says_so(small):
    own = ask(small, "surface", **AT, layer=2, unit=1)
    assert (own.of, own.unit, len(own.values)) == ("price", "$", 1600)
    assert own.here == pytest.approx(truly(small).prediction[0, 0])
    assert len(own.contours) > 2
    for contour in own.contours:
        ends = contour.lines.reshape(-1, 2)
        told = predicted(small, 9, varied(small, 17, sqft_living=ends[:, 0], lat=ends[:, 1]))[:, 0]
        np.testing.assert_allclose(told, contour.level, rtol=3e-3)


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_landscape_and_the_way_on_it(small, of):
    names = ("b2[1]", "w2[2, 1]")
    query = AT | {"of": of}
    own, t = ask(small, "landscape", **query, x=names[0], y=names[1], points=5, last=4), truly(small, of)
    places = [int(t.net.positions(name)[0]) for name in names]
    assert own.here == t.E
    E = own.values.reshape(5, 5)
    for j, i in np.ndindex(5, 5):
        theta = t.theta.copy()
        theta[places] = own.x.values[i], own.y.values[j]
        assert E[j, i] == pytest.approx(t.at(theta).E)
    way = [small.run.at(step).theta[places] for step in range(5, 10)]
    np.testing.assert_allclose(own.path.reshape(-1, 2), way, rtol=1e-6)
    np.testing.assert_allclose(own.after, t.update.after[places])
    first = ask(small, "landscape", **query | {"step": 0}, points=3)
    assert len(first.path) == 2


def test_the_landscape_of_a_fork_has_the_way_of_its_parent(small):
    own = ask(small, "landscape", timeline="other", step=22, x="b2[1]", y="b1[1]", last=5, points=2)
    places = [int(small.run.net.positions(name)[0]) for name in ("b2[1]", "b1[1]")]
    way = [small.run.at(step, timeline="other").theta[places] for step in range(17, 23)]
    np.testing.assert_allclose(own.path.reshape(-1, 2), way, rtol=1e-6)


def test_maps_that_cannot_be_drawn(small, mixed):
    layout = ask(small, "layout", **AT)
    with pytest.raises(UnknownNameError, match="column of numbers"):
        ask(small, "axes", **AT, x="price")
    with pytest.raises(UnknownNameError, match="column of numbers"):
        ask(mixed["numbers"], "axes", **AT, x="sold")
    with pytest.raises(ArgumentError, match="points is 400"):
        ask(small, "maps", **AT, layout=layout.id, points=400)
    with pytest.raises(ArgumentError, match="which is 3 weights"):
        ask(small, "landscape", **AT, x="w2")
