"""Maps: each point is the network fed with that row; contours lie where the map has their value."""

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.core.backprop import value_and_grad
from backlit.errors import ArgumentError, UnknownNameError
from backlit.explain.maps import contour, extents, grid, landscape, levels, surface, usual_axes
from backlit.fitting import Recipe, prepare
from backlit.lesson import first_network, house_rows, houses_problem
from backlit.model import Model
from backlit.problem import Problem, Split
from backlit.tables.columns import Number
from backlit.training import begin

HOUSE = 17


@pytest.fixture(scope="module")
def house():
    net, theta, table, how = first_network()
    return bl.trace(net, theta, *house_rows(table, HOUSE), how, rows=[HOUSE], table=table)


@pytest.fixture(scope="module")
def ends(house):
    problem = houses_problem()
    return extents(house, house.described.encode(problem.frame[problem.split.train], np.float64))


def like(house, **columns):
    """Copies of a house's row of the table in which some columns are other."""
    one = bl.datasets.load_houses()[HOUSE : HOUSE + 1]
    n = len(next(iter(columns.values())))
    return pl.concat([one] * n).with_columns(pl.Series(name, values) for name, values in columns.items())


def test_an_axis_ends_where_hardly_any_row_is_farther_out(ends):
    problem = houses_problem()
    for name in ("sqft_living", "grade", "lat"):
        values = problem.frame[problem.split.train][name]
        assert ends[name] == pytest.approx((values.quantile(0.01, "linear"), values.quantile(0.99, "linear")), rel=1e-6)


def test_the_price_surface_is_what_the_model_predicts_for_such_houses(house, ends):
    own = surface(house, grid(house, ends, points=9), 2, 1)
    assert (own.of, own.unit, own.x.name, own.x.unit, own.y.name) == ("price", "$", "sqft_living", "sqft", "lat")
    assert own.values.shape == (9, 9)
    across, up = np.meshgrid(own.x.values, own.y.values)
    rows = like(house, sqft_living=across.ravel(), lat=up.ravel())
    told = Model(house.described, house.net, house.theta).predict(rows)
    np.testing.assert_allclose(own.values.ravel(), told, rtol=1e-5)
    assert own.here == house.prediction[0, 0]
    assert (own.x.here, own.y.here) == pytest.approx((1600.0, 47.6648))
    assert grid(house, ends, points=9).held == ("grade 7",)


def test_a_units_map_is_its_activation(house, ends):
    points = grid(house, ends, "grade", "sqft_living", 5)
    for unit in (1, 2, 3):
        own = surface(house, points, 1, unit)
        assert own.of == f"a1[{unit}]"
        for j, i in ((0, 0), (3, 1), (4, 4)):
            row = like(house, grade=[own.x.values[i]], sqft_living=[own.y.values[j]])
            x = house.described.encode(row, np.float64)[0]
            z = house["w1[sqft_living, 1]"].trace.layer(1)
            assert own.values[j, i] == pytest.approx(np.tanh(x @ z.W[:, unit - 1] + z.b[unit - 1]))
        assert own.here == house.unit(1, unit).a[0]


def test_the_axes_reach_out_to_the_rows_own_value(house, ends):
    narrow = ends | {"lat": (47.7, 47.75)}
    assert grid(house, narrow).y.values[[0, -1]] == pytest.approx([47.6648, 47.75])


def test_one_column_makes_a_curve(house, ends):
    for points in (grid(house, ends, "lat"), grid(house, ends, "lat", "lat")):
        own = surface(house, points, 2, 1)
        assert (own.y, own.contours, own.values.shape) == (None, (), (24,))
        told = Model(house.described, house.net, house.theta).predict(like(house, lat=own.x.values))
        np.testing.assert_allclose(own.values, told, rtol=1e-5)


def test_columns_that_are_read_together_come_first():
    """Longitude and latitude before area and latitude; else blame decides, and without a second number there is one."""
    draw = np.random.default_rng(0)

    def usual(*names, levels=0):
        frame = pl.DataFrame({name: draw.normal(size=40) for name in names} | {"kind": ["a", "b"] * 20})
        target = frame.select((sum((pl.col(n) * (i + 1) for i, n in enumerate(names)), pl.lit(0.0))).alias("y"))
        split = Split(np.arange(30), np.arange(30, 40), np.empty(0, int))
        start = prepare(Problem(frame, target, split=split), Recipe(hidden=(4,), encoding="plain"), 0)
        state = begin(start.plan, seed=0)
        rows = start.plan.learn
        t = bl.trace(start.plan.net, state, rows.X, rows.Y, rows=rows.rows, table=start.table)
        return t, usual_axes(t)

    assert usual("lat", "sqft_living", "long")[1] == ["long", "lat"]
    assert usual("lat", "sqft_living", "c")[1] == ["sqft_living", "lat"]
    t, two = usual("a", "b", "c")
    blamed = [name for name in t.blame("column")["column"].to_list() if name != "kind"]
    assert two == blamed[:2]
    t, one = usual("a")
    assert one == ["a"]
    assert grid(t, extents(t, t.data.X)).y is None
    assert grid(t, extents(t, t.data.X)).held == ("kind",)


def test_what_is_not_a_column_of_numbers_is_refused(house, ends):
    with pytest.raises(UnknownNameError, match="did you mean 'grade'"):
        grid(house, ends, "grad", "lat")
    with pytest.raises(UnknownNameError, match="unit"):
        surface(house, grid(house, ends), 1, 4)
    with pytest.raises(ArgumentError, match="points is 1"):
        grid(house, ends, points=1)


def test_a_number_that_was_held_back_is_decoded_to_what_it_was():
    values = np.array([-40.0, 0.0, 3.0, 5.0, 900.0])
    column = Number("a", 2.0, 4.0, smooth=True)
    out = np.empty((5, 1))
    column.encode(pl.Series("a", values), out)
    np.testing.assert_allclose(column.decode(out[:, 0]), values, rtol=1e-9, atol=1e-12)


# --- contours ------------------------------------------------------------------------------------------------------


def test_levels_are_round():
    assert levels(223_109, 885_102).tolist() == [300_000, 400_000, 500_000, 600_000, 700_000, 800_000]
    assert levels(-1, 1, 4) == pytest.approx([-0.5, 0, 0.5])
    assert len(levels(1, 1)) == len(levels(0, np.inf)) == 0
    for low, high in ((0, 1), (-3e-9, 2e-9), (17, 1e9), (0.1, 0.7)):
        own = levels(low, high)
        assert 3 <= len(own) <= 8
        assert low < own[0]
        assert own[-1] < high


def test_a_contour_of_a_plane_is_straight_and_whole():
    """On x + 2y = 3 within the square from 0 to 2: from (2, 0.5) to (0, 1.5)."""
    x, y = np.linspace(0, 2, 6), np.linspace(0, 2, 9)
    lines = contour(x, y, x[None] + 2 * y[:, None], 3.0)
    ends = lines.reshape(-1, 2)
    np.testing.assert_allclose(ends @ [1, 2], 3.0)
    assert np.hypot(*(lines[:, 2:] - lines[:, :2]).T).sum() == pytest.approx(np.hypot(2, 1))


def test_a_contour_of_a_bowl_is_its_circle():
    x = np.linspace(-2, 2, 81)
    lines = contour(x, x, x[None] ** 2 + x[:, None] ** 2, 1.0)
    assert np.hypot(*lines.reshape(-1, 2).T) == pytest.approx(np.ones(2 * len(lines)), abs=1e-3)
    assert np.hypot(*(lines[:, 2:] - lines[:, :2]).T).sum() == pytest.approx(2 * np.pi, rel=1e-3)
    # it is closed: an even number of pieces end at each point, also where it goes through a point of the grid
    _, counts = np.unique(lines.reshape(-1, 2).round(9), axis=0, return_counts=True)
    assert not (counts % 2).any()


def test_where_a_map_is_not_finite_there_is_no_contour():
    x = np.arange(3.0)
    holed = np.array([[0, 1, 2], [0, np.nan, 2], [0, 1, 2]])
    lines = contour(x, x, holed, 0.5).reshape(-1, 2)
    assert np.isfinite(lines).all()
    assert len(contour(x, x, np.full((3, 3), np.inf), 0.5)) == 0


# --- the landscape -------------------------------------------------------------------------------------------------


def test_the_landscape_is_E_at_each_point(house):
    own = landscape(house, "b2[1]", "w2[2, 1]", points=7)
    places = [int(house.net.positions(name)[0]) for name in ("b2[1]", "w2[2, 1]")]
    for j, i in np.ndindex(7, 7):
        theta = house.theta.copy()
        theta[places] = own.x.values[i], own.y.values[j]
        assert own.values[j, i] == pytest.approx(value_and_grad(house.net, theta, house.data.X, house.data.Y)[0])
    assert own.values[3, 3] == pytest.approx(house.E)
    assert (own.x.here, own.y.here) == tuple(house.theta[places])
    assert own.after == pytest.approx(house.theta[places] - house.rate * house.gradient[places])
    assert own.path.tolist() == [house.theta[places].tolist()]
    assert [c.level for c in own.contours] == sorted(c.level for c in own.contours)
    assert own.values.min() < own.contours[0].level
    assert own.contours[-1].level < own.values.max()


def test_the_way_and_the_update_are_on_the_landscape(house):
    way = house.theta + np.linspace(3, 0, 5)[:-1, None] * np.sign(house.gradient)
    own = landscape(house, "w1[lat, 1]", "b1[2]", way, points=3)
    for axis, k in ((own.x, 0), (own.y, 1)):
        assert axis.values[0] < min(own.path[:, k].min(), own.after[k])
        assert axis.values[-1] > max(own.path[:, k].max(), own.after[k])
        place = int(house.net.positions(axis.name)[0])
        assert own.path[:, k].tolist() == [*way[:, place], house.theta[place]]
    assert np.ptp(own.x.values) == pytest.approx(np.ptp(own.y.values))  # so the gradient crosses contours upright


def test_a_landscape_is_over_the_two_most_to_blame_unless_others_are_named(house):
    own = landscape(house, points=2)
    assert [own.x.name, own.y.name] == house.blame(most=2)["weight"].to_list()
    assert landscape(house, own.y.name, points=2).y.name == own.x.name
    with pytest.raises(ArgumentError, match="'w1', which is 9 weights"):
        landscape(house, "w1", "b2[1]")


def test_without_a_table_axes_are_what_comes_in():
    net = bl.Network([bl.Dense(2, 2, "tanh"), bl.Dense(2, 1)], inputs=["u", "v"])
    theta = net.start(1, dtype=np.float64)
    X = np.random.default_rng(0).normal(size=(30, 2))
    t = bl.trace(net, theta, X[:1], X[:1, :1] * 0)
    own = surface(t, grid(t, extents(t, X), "v", "u", 4), 2, 1)
    rows = np.stack(np.meshgrid(own.x.values, own.y.values)[::-1], axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(own.values.ravel(), bl.forward(net, net.split(theta), rows)[0][:, 0])
