"""The lesson's run: one house again and again, another house, 128 houses a step; each begins with the same weights."""

from itertools import pairwise

import numpy as np
import pytest
from commands import backlit

import backlit as bl
from backlit.lesson import ANOTHER, HOUSES, MANY, ONE, STEPS, first_network, first_run
from backlit.tables.datasets import load_houses
from backlit.words import number

#: a hand-made descent in float64 from the printed weights, by the formulas of the tutorials
PRICES = {ONE: [483_199, 411_201, 358_886, 320_866], ANOTHER: [487_715]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "houses.backlit"
    first_run(path, "test")
    run = bl.open_run(path)
    run.train(timeline=ONE)
    run.train(timeline=ANOTHER)
    run.train(30, timeline=MANY)
    return run


def descent(house, steps):
    """Prices and weights by gradient descent on one house, as a reader would write it."""
    _, theta, table, settings = first_network()
    row = load_houses()[house : house + 1]
    x, y = table.encode(row, np.float64)[0], float(table.target.encode(row)[0, 0])
    w1, b1, w2, b2 = theta[:9].reshape(3, 3), theta[9:12], theta[12:15], theta[15]
    prices = []
    for _ in range(steps + 1):
        a = np.tanh(x @ w1 + b1)
        s = a @ w2 + b2
        prices.append(float(table.target.centre[0] + table.target.scale[0] * s))
        ds = 2 * (s - y)
        dz = ds * w2 * (1 - a**2)
        rate = settings.learning_rate
        w1, b1, w2, b2 = w1 - rate * np.outer(x, dz), b1 - rate * dz, w2 - rate * ds * a, b2 - rate * ds
    return prices


def test_it_has_three_first_timelines_which_begin_alike(run):
    lines = run.timelines()
    assert [line.name for line in lines] == [MANY, ONE, ANOTHER]
    assert all(line.parent is None for line in lines)
    theta = first_network()[1]
    for line in lines:
        np.testing.assert_array_equal(line.at(0).theta, theta.astype(np.float32))
    assert [line.numbers().tolist() for line in lines[1:]] == [[0], [17]]
    assert [line.rows_in_words() for line in lines] == ["13,765 rows", "row 0", "row 17"]
    assert [len(line.numbers("watch")) for line in lines] == [3511, 0, 0]
    assert run.timeline(MANY).numbers().tolist() == run.timeline(MANY).learn().rows.tolist()
    assert (run.timeline().name, run.about()["opens"]) == (MANY, ONE)
    assert run.verify(deep=True).sound


@pytest.mark.parametrize("name", [ONE, ANOTHER])
def test_a_house_alone_is_learnt_as_by_hand_and_each_step_helps(run, name):
    line, house = run.timeline(name), HOUSES[name]
    assert (line.steps(), line.reason()) == (STEPS, "max_steps")
    traces = [line.trace(step, [house]) for step in range(STEPS + 1)]
    prices = [float(t.prediction[0, 0]) for t in traces]
    assert prices == pytest.approx(descent(house, STEPS), rel=1e-5)
    assert np.round(prices[: len(PRICES[name])]).tolist() == PRICES[name]
    E = [t.E for t in traces]
    assert all(after < before for before, after in pairwise(E))


@pytest.mark.parametrize("name", [ONE, ANOTHER])
def test_what_is_announced_of_a_house_is_what_is_made_to_the_digits_shown(run, name):
    line, house = run.timeline(name), HOUSES[name]
    for step in range(STEPS):
        t, own, after = line.trace(step, [house]), line.trace(step), line.trace(step + 1, [house])
        assert own.rows.tolist() == [house]
        assert own.E == pytest.approx(t.E, rel=1e-4)  # its inputs are in float32
        announced, made = (number(float(one.prediction[0, 0]), "$") for one in (t.after, after))
        assert announced == made
        assert number(t.after.E) == number(after.E), step
        for before, then in zip(t.update.after, after.theta):
            assert before == pytest.approx(float(then), abs=2e-7)


def test_what_is_announced_of_128_houses_is_what_is_made(run):
    line = run.timeline(MANY)
    for step in range(12):
        t, own, after = line.trace(step, [0]), line.trace(step), line.trace(step + 1, [0])
        assert len(own.rows) == 128
        announced = t.at(own.update.after)
        assert number(float(announced.prediction[0, 0]), "$") == number(float(after.prediction[0, 0]), "$")
        assert number(float(announced.prediction[0, 0]), "$") != number(float(t.after.prediction[0, 0]), "$")


def test_the_strongest_weight_is_one_in_terminal_figure_and_page(run):
    """Biases count: b2[1] has 21% of all the pull, which is |∂E/∂w| over the sum of all, no share of E."""
    t = run.trace(0, [0], ONE)
    size = np.abs(t.gradient)
    assert t.strongest() == ["b2[1]", "w2[2, 1]", "w1[sqft_living, 1]"]
    assert t.net.weight_name(int(size.argmax())) == t.strongest()[0] == t.blame()["weight"][0]
    assert t["b2[1]"].blame == pytest.approx(size.max() / size.sum())
    assert f"{t['b2[1]'].blame:.0%}" == "21%"
    demo, explained = (backlit(*line.split()).out for line in ("demo --act 1", "explain --demo"))
    for text in (demo, explained):
        assert "of all" in text
        assert "blame 2" not in text
    assert "b2[1]                 ∂E/∂w = 1.4277    21% of all pull" in demo
    for step in (1, 5, 13):
        t = run.trace(step, [0], ONE)
        assert t.strongest()[0] == t.net.weight_name(int(np.abs(t.gradient).argmax()))


def test_one_house_makes_another_worse(run):
    before, after = (run.trace(step, [17], ONE) for step in (0, STEPS))
    assert [round(float(t.prediction[0, 0])) for t in (before, after)] == [487_715, 308_636]
    assert abs(after.difference[0, 0]) - abs(before.difference[0, 0]) > 100_000
    assert float(after.truth[0, 0]) == pytest.approx(485_000)


def test_what_the_tour_says_of_the_first_step(run):
    """Its second to sixth stop: one house, from the starting weights."""
    t = run.trace(0, [0], ONE)
    price, truth, after = (float(one[0, 0]) for one in (t.prediction, t.truth, run.trace(1, [0], ONE).prediction))
    assert (round(price), round(truth), round(price - truth), round(price - after)) == (
        483_199,
        221_900,
        261_299,
        71_998,
    )
    account = run.trace(1, [0], ONE).account()
    assert account.net.weight_name(int(np.abs(account.parts).argmax())) == "b2[1]"
    assert next(one for one in t.strongest() if one.startswith("w1")) == "w1[sqft_living, 1]"
    chain = t["w1[sqft_living, 1]"].chain()
    assert np.prod([one.value for one in chain.paths[0].factors]) == pytest.approx(t["w1[sqft_living, 1]"].gradient)
    assert [one.symbol for one in chain.paths[0].factors][1] == "w2[1, 1]"  # by way of the second layer
    then = run.trace(1, [0], ONE)
    assert t["w2[2, 1]"].gradient > 0  # positive: the weight shrinks
    assert then["w2[2, 1]"].value < t["w2[2, 1]"].value
    assert then.E < t.E


def test_what_the_tour_says_of_another_house_and_of_many(run):
    """Its eighth stop. House 17 is guessed right, so it wishes for hardly any change; house 0 for a large one."""
    own, other = (run.trace(0, [row], name) for row, name in ((0, ONE), (17, ANOTHER)))
    assert [round(float(one[0, 0])) for one in (other.prediction, other.truth)] == [487_715, 485_000]
    assert np.linalg.norm(other.gradient) < np.linalg.norm(own.gradient) / 50
    many = run.timeline(MANY)
    t = many.trace(0)
    wishes = [many.trace(0, [int(row)]).gradient for row in t.rows]
    np.testing.assert_allclose(np.mean(wishes, axis=0), t.gradient, rtol=1e-5, atol=1e-7)  # the mean of their wishes
    assert many.trace(1, [17]).E > many.trace(0, [17]).E  # of one house it may rise
    rows = many.numbers()
    assert many.trace(1, rows).E < many.trace(0, rows).E  # while that of all falls


def test_what_the_tour_says_of_the_validation_houses(tmp_path):
    """Its last stops: past the mean, past a linear model, and where more steps bring nothing."""
    path = tmp_path / "long.backlit"
    first_run(path, "test")
    run = bl.open_run(path)
    run.train(2700, timeline=MANY)
    many, houses = run.timeline(MANY), load_houses()
    learn, watch = houses[many.numbers()], houses[many.numbers("watch")]
    truth = watch["price"].to_numpy().astype(float)

    def rmse(prediction):
        return float(np.sqrt(np.mean((prediction - truth) ** 2)))

    columns = [np.asarray(part[list(run.table.names)].to_numpy(), dtype=float) for part in (learn, watch)]
    ones = [np.column_stack([np.ones(len(one)), one]) for one in columns]
    weights = np.linalg.lstsq(ones[0], learn["price"].to_numpy().astype(float), rcond=None)[0]
    mean, linear = rmse(learn["price"].mean()), rmse(ones[1] @ weights)
    errors = {epoch.step: run.measure(epoch.metric) for epoch in many.epochs()}
    assert (round(mean), round(linear)) == (388_397, 250_630)
    assert many.numbers("watch").size == 3511
    assert next(step for step, error in errors.items() if error < mean) == 108
    assert next(step for step, error in errors.items() if error < linear) == 864
    assert [round(errors[step]) for step in (108, 864)] == [287_605, 247_369]
    lowest = np.minimum.accumulate(list(errors.values()))
    flat = [i for i in range(6, len(lowest)) if lowest[i] > 0.975 * lowest[i - 6]]
    assert [list(errors)[i] for i in flat[:1]] == [2592]


def test_two_first_timelines_are_compared_by_what_they_learn_from(run):
    found = run.compare(ONE, ANOTHER)
    assert found.parted is None
    assert found.changes == {ANOTHER: {"learns from": ["row 0", "row 17"]}}
    assert found.rows()["row"].to_list() == [17, 0]  # each is better at its own
    assert (found.rows()["gain"] > 0).to_list() == [True, False]
    changes = run.compare(ONE, MANY).changes[MANY]
    assert changes["learns from"] == ["row 0", "13,765 rows"]
    assert (changes["watches"], changes["batch_size"]) == (["0 rows", "3,511 rows"], [None, 128])
    assert len(run.compare(ONE, MANY).rows()) == 3511
    fork = run.fork(3, ONE, name="slower", learning_rate=0.01)
    assert run.compare(ANOTHER, "slower").changes == {
        "slower": fork.changes, ONE: {"learns from": ["row 17", "row 0"]},
    }  # fmt: skip
    assert run.compare(ONE, "slower").parted == 3
    run.drop("slower")


def test_the_command_line_says_which_rows_a_timeline_learns_from(run, tmp_path):
    shown, tree = backlit("show", run.path).out, backlit("history", run.path).out
    assert "one house (learns from row 0), another house (learns from row 17)" in " ".join(shown.split())
    assert "learns from row 0" in tree
    assert "learns from row 17" in tree
    assert "13,765" not in tree
    parts = [line["rows"] for line in backlit("history", run.path, "--json").json]
    assert parts == [{"learn": 13765, "watch": 3511}, *[{"learn": 1, "watch": 0}] * 2]
    told = " ".join(backlit("diff", run.path, ONE, ANOTHER).out.split())
    assert "another house: learns from row 0 → row 17" in told
    assert "as before" not in told
    assert backlit("diff", run.path, ONE, ANOTHER, "--json").json["parted"] is None
    copy = tmp_path / "copy.backlit"
    backlit("export", run.path, "--without-rows", copy)
    assert "learns from row 17" in backlit("history", copy).out  # its rows are not there
