"""Figures: what is drawn is what was computed; nothing overlaps; names from tables stay names; files repeat."""

import io
import sys
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.core.layers import Dense
from backlit.core.losses import Measure
from backlit.errors import ArgumentError, UnknownNameError
from backlit.explain import what_if
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem
from backlit.tables.columns import Number
from backlit.tables.table import Table
from backlit.tables.target import Target
from backlit.training import Epoch
from backlit.words import fixed

pytest.importorskip("matplotlib", reason="figures are an extra: pip install backlit[figures]")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from backlit import figures

HOSTILE = ("$x_1^2$", "<img src=x>&", "a name\nthat goes on\x1b[31m and on and on and on")
SETTINGS = bl.Settings(optimizer="sgd", learning_rate=0.05)


def a_trace(layers, inputs=None, loss="squared_error", n=1, table=None, seed=0):
    net = bl.Network(layers, loss, inputs)
    draw = np.random.default_rng(seed)
    Y = draw.normal(size=(n, net.outputs)) if loss == "squared_error" else draw.integers(0, 2, (n, 1)).astype(float)
    X = draw.normal(size=(n, len(net.inputs)))
    return bl.trace(net, net.start(seed, dtype=np.float64), X, Y, SETTINGS, table=table)


@pytest.fixture
def little():
    columns = (Number("size", 2000.0, 900.0, "sqft"), Number("grade", 7.5, 1.2), Number("lat", 47.5, 0.14, "°"))
    table = Table(columns, Target(("price",), "standard", (540_000.0,), (370_000.0,), unit="$"))
    return a_trace([Dense(3, 3, "tanh"), Dense(3, 1)], table.names, table=table)


@pytest.fixture(scope="module")
def begun():
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"size": draw.integers(500, 4000, 200), "lat": draw.normal(47.5, 0.1, 200)})
    frame = frame.with_columns(kind=pl.Series(draw.choice(["house", "flat"], 200)))
    target = pl.DataFrame({"price": draw.normal(5e5, 1e5, 200)})
    recipe = Recipe(hidden=(8,), bins=12, units={"price": "$", "size": "sqft", "lat": "°"})
    return frame, prepare(Problem(frame, target), recipe, 1)


def texts(figure):
    """Everything written, laid out."""
    FigureCanvasAgg(figure).draw()
    beyond = set()  # matplotlib keeps labels for ticks outside the picture, and does not draw them
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        beyond |= {label for tick in ticks if not low <= tick.get_loc() <= high for label in (tick.label1, tick.label2)}
    found = dict.fromkeys(figure.findobj(Text))  # it finds those of a key twice
    return [text for text in found if text.get_text().strip() and text.get_visible() and text not in beyond]


def said(figure):
    return [text.get_text() for text in texts(figure)]


def require_tidy(figure):
    """No text lies on another one or beyond the edge."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for (first, a), (second, b) in combinations(boxes, 2):
        width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width <= 1 or height <= 1, f"{first!r} lies on {second!r}"
    for told, box in boxes:
        assert min(box.x0, box.y0) >= -1, told
        assert box.x1 <= figure.bbox.width + 1, told
        assert box.y1 <= figure.bbox.height + 1, told


def svg(figure, tmp_path, name="a.svg"):
    figures.save(figure, tmp_path / name)
    return (tmp_path / name).read_text(encoding="utf-8")


def edges(figure):
    return {line.get_gid(): line for line in figure.axes[0].lines if line.get_gid()}


def by_label(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_network_draws_every_weight(little):
    figure = figures.network(little)
    drawn = edges(figure)
    weights = [name for name in little.net.weight_names() if name.startswith("w")]
    assert sorted(drawn) == sorted(weights)
    for matrix in ("w1", "w2"):
        widest = np.abs(little[matrix].trace.theta[little[matrix].positions]).max()
        for name in (name for name in weights if name.startswith(matrix)):
            value = little[name].value
            assert drawn[name].get_color() == figures.COLOUR[value >= 0]
            assert drawn[name].get_linewidth() == pytest.approx(max(0.3, 3 * abs(value) / widest))
    assert drawn["w1[size, 1]"].get_xdata()[1] < drawn["w2[1, 1]"].get_xdata()[0]
    assert drawn["w1[size, 2]"].get_ydata()[0] == drawn["w1[size, 3]"].get_ydata()[0]


def test_network_writes_the_numbers(little):
    told = said(figures.network(little))
    for name in little.net.weight_names():
        before = f"{name} = " if name.startswith("b") else ""
        assert before + fixed(little[name].value) in told
        assert fixed(little[name].gradient) in told
    for unit in (1, 2, 3):
        assert f"a1[{unit}]\n{fixed(little.unit(1, unit).a[0])}" in told
    assert {"w1", "w2", "hidden\ntanh"} <= set(told)
    x = little.data.X[0]
    assert f"size\n{2000 + 900 * x[0]:,.0f} sqft" in told
    assert f"prediction\n${little.prediction[0, 0]:,.0f}" in "".join(told)
    assert f"truth ${little.prediction[0, 0] - little.difference[0, 0]:,.0f}" in "".join(told)
    assert f"E = {little.E:.4g}" in "".join(told)


def test_network_with_the_names_of_textbooks(little):
    figure = figures.network(little, names="textbook")
    told = said(figure)
    require_tidy(figure)
    for name in little.net.weight_names():
        assert f"{little.net.textbook(name)} = {fixed(little[name].value)}" in told
    for i in (1, 2, 3):
        assert f"x_{i}\n{fixed(little.data.X[0, i - 1])}" in told
        assert f"a1_{i}\n{fixed(little.unit(1, i).a[0])}" in told
    assert {"W¹", "W²", f"s_1\n{fixed(little.S[0, 0])}"} <= set(told)
    assert sorted(edges(figure)) == sorted(edges(figures.network(little)))  # a gid stays a weight's own name
    with pytest.raises(ArgumentError, match="'latin'; it must be one of own, textbook"):
        figures.network(little, names="latin")
    curve = what_if.along_weight(little, "w2[3, 1]")
    assert "w2_31" in said(figures.along_weight(curve, little.net.textbook(curve.weight)))


def test_wide_network_shows_who_is_to_blame():
    t = a_trace([Dense(5, 40, "tanh"), Dense(40, 1)], n=7)
    figure = figures.network(t, most_units=4)
    told = said(figure)
    assert "+ 36 more" in told
    assert "+ 1 more" in told
    assert any("means of 7 rows" in line for line in told)
    blame = t.blame("unit").filter(pl.col("unit").str.starts_with("1, "))["unit"][:4].to_list()
    shown = {line.split(":")[0] for line in told if line[0].isdigit() and ": " in line}
    assert {unit.removeprefix("1, ") for unit in blame} <= shown
    assert len([name for name in edges(figure) if name.startswith("w1")]) == 16
    assert not any(line.startswith("b1[") for line in told)


def test_wide_matrix_shows_its_strongest_weights():
    t = a_trace([Dense(8, 9, "tanh"), Dense(9, 1)])
    drawn = edges(figures.network(t))
    strongest = sorted(np.abs(t.layer(1).W).ravel())[-figures.MOST_EDGES :]
    values = sorted(abs(t[name].value) for name in drawn if name.startswith("w1"))
    np.testing.assert_allclose(values, strongest)


def test_bins_of_an_input_are_summed(begun):
    frame, start = begun
    X = start.table.encode(frame[:1], np.float64)
    t = bl.trace(start.plan.net, start.plan.net.start(0, dtype=np.float64), X, [[0.3]], table=start.table)
    figure = figures.network(t)
    told = said(figure)
    assert any(line.startswith("size\n") and line.endswith("sqft") for line in told)
    line = edges(figure)["w1[size, 1]"]
    assert line.get_color() == figures.COLOUR[t["w1[size, 1]"].value >= 0]
    assert any("bins of an input summed" in line for line in told)


@pytest.mark.parametrize(
    "t",
    [
        a_trace([Dense(2, 2, "sigmoid"), Dense(2, 2, "sigmoid"), Dense(2, 1)], n=3),
        a_trace([Dense(4, 3, "relu"), Dense(3, 3)], loss="cross_entropy"),
        a_trace([Dense(3, 4, "tanh"), Dense(4, 1)], HOSTILE),
        a_trace([Dense(5, 4, "tanh"), Dense(4, 1)]),
        a_trace([Dense(1, 1)]),
        a_trace([Dense(12, 2)]),
        a_trace([Dense(3, 20, "tanh"), Dense(20, 12)], n=5),
        a_trace([Dense(4, 6, "tanh"), bl.LayerNorm(6), Dense(6, 2)]),
        a_trace([Dense(3, 2, "tanh"), bl.Dropout(0.5), Dense(2, 1)], loss="binary_cross_entropy", n=2),
        a_trace([Dense(200, 128, "relu"), Dense(128, 128, "relu"), Dense(128, 1)]),
    ],
    ids=lambda t: "-".join(str(slot.shape[0]) for slot in t.net.layout() if slot.name.startswith("w")),
)
def test_network_is_tidy(t):
    for names in figures.NAMES:
        require_tidy(figures.network(t, names=names))


def test_classes_have_probabilities():
    table = Table(
        (Number("x1", 0.0, 1.0), Number("x2", 0.0, 1.0)), Target(("kind",), "classes", classes=("a", "b", "c"))
    )
    t = a_trace([Dense(2, 3)], table.names, "cross_entropy", table=table)
    told = said(figures.network(t))
    truth = int(t.data.Y[0, 0])
    for j, name in enumerate("abc"):
        [line] = [line for line in told if line.startswith(f"{name} ")]
        assert float(line.split()[1]) == pytest.approx(t.prediction[0, j], rel=1e-3)
        assert f"truth {int(j == truth)}" in line


def test_along_weight_draws_the_curve(little):
    curve = what_if.along_weight(little, "w1[lat, 2]")
    figure = figures.along_weight(curve)
    drawn = by_label(figure)
    np.testing.assert_array_equal(drawn["E, by feeding forward"].get_xydata(), np.stack([curve.w, curve.E], axis=1))
    tangent = drawn[f"tangent: ∂E/∂w = {fixed(curve.gradient)}"]
    np.testing.assert_array_equal(tangent.get_ydata(), curve.tangent)
    assert tangent.get_color() == figures.COLOUR[curve.gradient >= 0]
    assert drawn[f"now: {fixed(curve.value)}"].get_xydata().tolist() == [[curve.value, curve.here]]
    assert drawn[f"after the step: {fixed(curve.after)}"].get_xydata().tolist() == [[curve.after, curve.E_after]]
    low, high = figure.axes[0].get_ylim()
    assert low <= curve.E.min()
    assert curve.E.max() <= high < curve.E.max() + 0.2 * np.ptp(curve.E)
    require_tidy(figure)


def test_along_step_draws_the_line(little):
    line = what_if.along_step(little)
    figure = figures.along_step(line)
    drawn = by_label(figure)
    np.testing.assert_array_equal(drawn["E, by feeding forward"].get_xydata(), np.stack([line.rate, line.E], axis=1))
    np.testing.assert_array_equal(drawn["its tangent before the step"].get_ydata(), line.tangent)
    assert drawn[f"chosen: {line.chosen:.3g}"].get_xydata().tolist() == [[line.chosen, line.E_chosen]]
    assert drawn[f"best here: {line.best:.3g}"].get_xydata().tolist() == [[line.best, line.E_best]]
    near = figures.along_step(what_if.along_step(little, times=1.01))
    assert not any(told.startswith("best here") for told in said(near))  # E falls on beyond the picture
    far = figures.along_step(what_if.along_step(little, times=200))
    assert any(told.startswith("hurts from") for told in said(far))
    assert far.axes[0].get_ylim()[1] <= 2 * line.here  # however high E shoots, the valley stays in sight
    require_tidy(figure)
    require_tidy(far)


def test_errors_draws_the_epochs():
    epochs = [Epoch(1, 10, 0.9, 0.8, True), Epoch(2, 20, None, 0.4, True), Epoch(3, 30, 0.3, 0.5, False)]
    figure = figures.errors(epochs, Measure("RMSE", "$", True, 1000, 2))
    drawn = by_label(figure)
    np.testing.assert_allclose(drawn["while learning"].get_xydata(), [[1, 1000 * 0.9**0.5], [3, 1000 * 0.3**0.5]])
    np.testing.assert_allclose(drawn["on watched rows"].get_ydata(), 1000 * np.sqrt([0.8, 0.4, 0.5]))
    assert drawn["best: epoch 2, $632.46"].get_xdata() == [2]
    assert figure.axes[0].get_ylabel() == "RMSE"
    assert any(told.startswith("$") for told in said(figure))
    require_tidy(figure)
    assert figures.errors([Epoch(1, 10, 0.9, None, False)]).axes[0].get_ylabel() == "E"


@pytest.mark.parametrize("truth", [np.array([1e5, 2e5, 9e6]), np.array([-1.0, 0.0, 2.0]), np.array([3.0])])
def test_predicted_draws_the_rows(truth):
    figure = figures.predicted(truth * 1.1, truth, "$")
    points, diagonal = figure.axes[0].lines
    np.testing.assert_array_equal(points.get_xydata(), np.stack([truth, truth * 1.1], axis=1))
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert figure.axes[0].get_xscale() == ("log" if truth.max() == 9e6 else "linear")
    require_tidy(figure)


def test_predicted_needs_as_many_of_both():
    with pytest.raises(
        ArgumentError, match=r"truth is \(2,\); it must be numbers for as many rows as prediction, \(3,\)"
    ):
        figures.predicted(np.ones(3), np.ones(2))


def test_response_is_the_models(begun):
    frame, start = begun
    model = start.model(start.plan.net.start(3))
    figure = figures.response(model, frame[5:6], ("size", "lat"))
    require_tidy(figure)
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("size (sqft)", "lat (°)", "price")
    [row] = axes.lines
    assert row.get_xydata().tolist() == [list(frame[5].select("size", "lat").row(0))]
    assert row.get_label() == f"the row: ${model.predict(frame[5:6])[0]:,.0f}"
    at = frame[5:6].with_columns(size=pl.lit(2000.0), lat=pl.lit(47.5))
    assert bar.get_ylim()[0] <= model.predict(at)[0] <= bar.get_ylim()[1]


def test_response_of_a_flat_model(begun):
    frame, start = begun
    require_tidy(figures.response(start.model(np.zeros(start.plan.net.size)), frame[:1], ("size", "lat")))


def test_response_says_what_it_needs(begun):
    frame, start = begun
    model = start.model(start.plan.net.start(3))
    with pytest.raises(UnknownNameError, match="unknown column of numbers 'kind'"):
        figures.response(model, frame[:1], ("size", "kind"))
    with pytest.raises(ArgumentError, match="frame_row is 2; it must be one row"):
        figures.response(model, frame[:2], ("size", "lat"))
    with pytest.raises(ArgumentError, match="two different columns"):
        figures.response(model, frame[:1], ("size", "size"))


def test_svg_is_xml_with_its_text_and_repeats(little, tmp_path):
    first, second = (svg(figures.network(little), tmp_path) for _ in range(2))
    assert first == second
    root = ElementTree.fromstring(first)
    told = ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"w1", "w2", "size", "grade", "b1[2] = 0.0000"} <= set(told)
    assert "<dc:date>" not in first


@pytest.mark.parametrize("suffix", ["pdf", "PNG"])
def test_other_files_repeat_too(little, tmp_path, suffix):
    for name in "ab":
        figures.save(figures.along_weight(what_if.along_weight(little, "w2[1, 1]")), tmp_path / f"{name}.{suffix}")
    a, b = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    assert a == b
    assert len(a) > 1000


def test_names_from_a_table_are_only_names(tmp_path):
    t = a_trace([Dense(3, 2, "tanh"), Dense(2, 1)], HOSTILE)
    written = svg(figures.network(t), tmp_path)
    told = "".join(ElementTree.fromstring(written).itertext())
    assert "$x_1^2$" in told
    assert "<img src=x>&" in told
    assert "a name\\nthat goes…" in told
    for name in HOSTILE:
        figure = figures.along_weight(what_if.along_weight(t, f"w1[{name}, 1]"))
        require_tidy(figure)
        ElementTree.fromstring(svg(figure, tmp_path))


def test_the_users_own_settings_change_nothing(little, tmp_path):
    import matplotlib as mpl

    plain = svg(figures.network(little), tmp_path)
    with mpl.rc_context({"font.size": 30, "text.usetex": True, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert svg(figures.network(little), tmp_path) == plain
        assert mpl.rcParams["font.size"] == 30
    assert "matplotlib.pyplot" not in sys.modules or mpl.pyplot.get_fignums() == []


def test_an_unknown_kind_of_file(little, tmp_path):
    figure = figures.network(little)
    for name in ("a.gif", "a", ".svg"):
        with pytest.raises(ArgumentError, match=r"it must be a name that ends in \.svg, \.pdf, \.png"):
            figures.save(figure, tmp_path / name)
    with pytest.raises(ArgumentError, match="most_units is 0; it must be 1 or more"):
        figures.network(little, most_units=0)


def test_without_matplotlib(little, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ArgumentError, match=r"matplotlib, which is not installed; pip install 'backlit\[figures\]'"):
        figures.network(little)


def test_figures_show_in_a_notebook(little):
    file = io.BytesIO()
    figures.network(little).savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
