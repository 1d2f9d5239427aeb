"""Pulls, paths and wishes, as the page is told them: those of NumPy, and of the library."""

import numpy as np
import pytest

from backlit.lesson import MANY
from backlit.studio import messages as ms
from backlit.studio.questions import QUESTIONS

STEP = 4


@pytest.fixture
def many(desk):
    """The 3-3-1 network, some steps of 128 houses on."""
    desk.line(MANY).train(STEP)
    return desk


def ask(desk, name, kind, **more):
    return QUESTIONS[name](desk, kind(run=desk.key, timeline=MANY, step=STEP, **more))


def gradients(desk, rows=None):
    """(n, p) each row's own ∂E/∂theta, by the chain rule in NumPy, in the order of theta: w1, b1, w2, b2."""
    t = desk.run.trace(STEP, rows, MANY)
    W1, b1, w2, b2 = t.theta[:9].reshape(3, 3), t.theta[9:12], t.theta[12:15], t.theta[15]
    A = np.tanh(t.data.X @ W1 + b1)
    ds = 2 * (A @ w2 + b2 - t.data.Y[:, 0])  # of the squared error
    dz = ds[:, None] * w2 * (1 - A**2)
    first = (t.data.X[:, :, None] * dz[:, None, :]).reshape(len(ds), 9)
    return np.hstack([first, dz, ds[:, None] * A, ds[:, None]])


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_list_is_the_ranking_of_numpy(many, of):
    own = gradients(many, [17] if of == "row" else None).mean(axis=0)
    net = many.run.net
    order = np.argsort(-np.abs(own))
    told = ask(many, "pulls", ms.PullsQuery, of=of, row=17)
    assert [one.weight for one in told.weights] == [net.weight_name(i) for i in order]
    assert [one.gradient for one in told.weights] == pytest.approx(own[order], rel=1e-9)
    assert [one.share for one in told.weights] == pytest.approx(np.abs(own[order]) / np.abs(own).sum(), rel=1e-9)
    assert (told.rest, told.rest_weights) == (0, 0)
    t = many.run.trace(STEP, [17] if of == "row" else None, MANY)
    assert told.weights[0].weight == t.strongest()[0] == t.blame(most=1)["weight"][0]


def test_what_is_not_listed_is_summed(many):
    whole = ask(many, "pulls", ms.PullsQuery, row=3)
    few = ask(many, "pulls", ms.PullsQuery, row=3, most=5)
    assert few.weights == whole.weights[:5]
    assert few.rest_weights == 11
    assert few.rest == pytest.approx(sum(one.share for one in whole.weights[5:]))
    with pytest.raises(Exception, match="most is -1"):
        ask(many, "pulls", ms.PullsQuery, most=-1)


def test_paths_say_where_they_are(many):
    told = ask(many, "paths", ms.WeightQuery, row=3, weight="w1[grade,2]")
    assert (told.weight, told.layer, told.unit, told.source) == ("w1[grade, 2]", 1, 2, 2)
    [path] = told.paths
    assert path.product == pytest.approx(gradients(many, [3])[0, 4], rel=1e-9)  # second input, second unit
    places = [(one.kind, one.layer, one.unit, one.source) for one in path.factors]
    assert places == [
        ("link.score", 2, 1, 0), ("link.weight", 2, 1, 2), ("link.slope", 1, 2, 2), ("link.input", 1, 2, 2),
    ]  # fmt: skip
    bias = ask(many, "paths", ms.WeightQuery, row=3, weight="b1[3]")
    assert (bias.layer, bias.unit, bias.source) == (1, 3, 0)


@pytest.mark.parametrize(("weight", "at"), [("w1[lat, 3]", 8), ("b1[2]", 10), ("w2[2, 1]", 13), ("b2[1]", 15)])
def test_the_mean_of_the_wishes_is_the_step(many, weight, at):
    run, rate = many.run, many.line(MANY).settings().learning_rate
    t = run.trace(STEP, None, MANY)
    own = dict(zip(t.rows.tolist(), -rate * gradients(many)[:, at]))
    told = ask(many, "wishes", ms.WeightQuery, weight=weight, row=0)
    assert told.n == len(told.rows) == 128
    assert [own[row] for row in told.rows.tolist()] == pytest.approx(told.wishes, rel=1e-9, abs=1e-15)
    assert (np.diff(told.wishes) >= 0).all()
    assert told.wish == pytest.approx(np.mean([*own.values()]), rel=1e-9)
    assert told.step == pytest.approx(told.wish, rel=1e-9)
    assert (told.together, told.weighted, told.terms, told.happened) == ("mean", False, (), True)
    assert told.raised == sum(wish > 0 for wish in own.values())
    assert told.lowered == 128 - told.raised


def test_the_row_that_is_looked_at_wishes_too(many):
    rows = many.run.trace(STEP, None, MANY).rows.tolist()
    other = next(row for row in range(1000) if row not in rows)
    own = {rows[5]: gradients(many)[5, 12], other: gradients(many, [other])[0, 12]}
    for row, gradient in own.items():
        told = ask(many, "wishes", ms.WeightQuery, weight="w2[1, 1]", row=row)
        assert told.among == (row in rows)
        assert told.own == pytest.approx(-0.05 * gradient, rel=1e-9)


def test_of_many_rows_some_wishes_are_drawn(desk, monkeypatch):
    monkeypatch.setattr("backlit.studio.pulls.MOST_WISHES", 10)
    told = QUESTIONS["wishes"](desk, ms.WeightQuery(run=desk.key, timeline=MANY, step=0, weight="b2[1]"))
    whole = np.sort(desk.run.trace(0, None, MANY)["b2[1]"].wishes.wishes)
    assert (told.n, len(told.rows)) == (128, 10)
    assert (told.wishes[0], told.wishes[-1]) == (whole[0], whole[-1])
    assert told.raised + told.lowered == 128
