"""Published worked examples, to 1e-12.

The numbers are copied from the sources named with each; those that a source does not print are their float64 values.
"""

import math

import numpy as np
import pytest

import backlit as bl
from backlit.core.backprop import backward, forward
from backlit.training import begin


def network(activations, shapes, *, scale, reduction="sum", biases_trained=True):
    layers = [bl.Dense(*shape, f, bias_rate=float(biases_trained)) for shape, f in zip(shapes, activations)]
    return bl.Network(layers, bl.SquaredError(scale=scale, reduction=reduction))


def train(net, theta, X, T, *, rate, steps):
    """Full-batch gradient descent; theta after each number of `steps`."""
    data = bl.Data(np.array(X), np.array(T))
    settings = bl.Settings(optimizer="sgd", learning_rate=rate, batch_size=None, epochs=max(steps))
    plan = bl.Plan(net, data, settings, engine="reference")
    events = bl.train(plan, begin(plan, theta=theta), stretch=1)
    return {event.state.step: event.state.theta for event in events if event.state.step in steps}


def error(net, theta, X, T):
    S, _ = forward(net, net.split(theta), np.array(X))
    return float(net.loss.value(S, np.array(T)))


def near(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


# Matt Mazur, "A Step by Step Backpropagation Example" (2015)
MAZUR_X, MAZUR_T = [[0.05, 0.1]], [[0.01, 0.99]]
MAZUR_WEIGHTS = {
    "w1": [[0.15, 0.25], [0.2, 0.3]],
    "b1": [0.35, 0.35],
    "w2": [[0.4, 0.5], [0.45, 0.55]],
    "b2": [0.6, 0.6],
}


@pytest.fixture
def mazur():
    net = network(["sigmoid"] * 2, [(2, 2), (2, 2)], scale=0.5, biases_trained=False)
    return net, net.start(weights=MAZUR_WEIGHTS, dtype=np.float64)


def test_mazur_one_pass(mazur):
    net, theta = mazur
    p = net.split(theta)
    S, (hidden, output) = forward(net, p, np.array(MAZUR_X))
    near(hidden.Z, [[0.3775, 0.39249999999999996]])
    near(hidden.A, [[0.5932699921071872, 0.596884378259767]])
    near(output.Z, [[1.10590596705977, 1.2249214040964653]])
    near(S, [[0.7513650695523157, 0.7729284653214625]])
    E, dS = net.loss.value_and_grad(S, np.array(MAZUR_T))
    near(E, 0.2983711087600027)
    (dW1, db1), (dW2, db2) = net.split(backward(net, p, [hidden, output], dS).gradient)
    near(dW1, [[0.00043856773447434685, 0.0004977127352608601], [0.0008771354689486937, 0.0009954254705217202]])
    near(db1, [0.008771354689486937, 0.009954254705217202])
    near(dW2, [[0.08216704056423078, -0.022602540477475067], [0.08266762784753326, -0.02274024221597822]])
    near(db2, [0.13849856162855698, -0.03809823651655623])


def test_mazur_ten_thousand_steps(mazur):
    net, theta = mazur
    after = train(net, theta, MAZUR_X, MAZUR_T, rate=0.5, steps=(1, 100, 9999, 10_000))
    (W1, b1), (W2, b2) = net.split(after[1])
    near(W1, [[0.1497807161327628, 0.24975114363236958], [0.19956143226552567, 0.29950228726473915]])
    near(W2, [[0.35891647971788465, 0.5113012702387375], [0.4086661860762334, 0.5613701211079891]])
    near(b1, [0.35, 0.35])
    near(b2, [0.6, 0.6])
    expected = {
        1: (0.29102777369359933, [0.7420881111907824, 0.7752849682944595]),
        100: (0.0200468282494252, [0.175807141715637, 0.8777429367258297]),
        9999: (3.510854812251261e-05, [0.015914185034957177, 0.9840637123033571]),  # the post prints 0.0000351085
        10_000: (3.510187782978859e-05, [0.01591362044355068, 0.9840642735146238]),
    }
    for step, (E, outputs) in expected.items():
        near(error(net, after[step], MAZUR_X, MAZUR_T), E)
        near(forward(net, net.split(after[step]), np.array(MAZUR_X))[0][0], outputs)


def test_hidden_deltas_use_the_weights_of_the_feed_forward(mazur):
    """The well-known bug: hidden deltas from already updated output weights. The post has it."""
    net, theta = mazur
    X, T = np.array(MAZUR_X), np.array(MAZUR_T)
    p = net.split(theta)
    S, caches = forward(net, p, X)
    _, dS = net.loss.value_and_grad(S, T)
    _, (dW2, db2) = net.split(backward(net, p, caches, dS).gradient)
    updated = [p[0], (p[1][0] - 0.5 * dW2, p[1][1])]
    dW1, _ = net.split(backward(net, updated, caches, dS).gradient)[0]
    buggy = net.join([(p[0][0] - 0.5 * dW1, p[0][1]), updated[1]])
    near(error(net, buggy, X, T), 0.29102792390544197)

    ours = train(net, theta, X, T, rate=0.5, steps=(1,))[1]
    near(error(net, ours, X, T), 0.29102777369359933)


def test_mazur_with_biases():
    net = network(["sigmoid"] * 2, [(2, 2), (2, 2)], scale=0.5)
    theta = net.start(weights=MAZUR_WEIGHTS, dtype=np.float64)
    after = train(net, theta, MAZUR_X, MAZUR_T, rate=0.5, steps=(1,))[1]
    (_, b1), (_, b2) = net.split(after)
    near(b1, [0.3456143226552565, 0.3450228726473914])
    near(b2, [0.5307507191857215, 0.6190491182582781])
    near(error(net, after, MAZUR_X, MAZUR_T), 0.28047144679143016)


def test_house_price():
    """internetknowledgehub.com: 2-2-1, sigmoid hidden, linear output."""
    net = network(["sigmoid", "identity"], [(2, 2), (2, 1)], scale=0.5)
    X, T = [[-0.32, -0.66]], [[-0.54]]
    weights = {"w1": [[0.2, 0.5], [0.15, 0.6]], "b1": [0.1, 0.25], "w2": [[0.3], [0.2]], "b2": [0.4]}
    theta = net.start(weights=weights, dtype=np.float64)
    p = net.split(theta)
    S, caches = forward(net, p, np.array(X))
    near(caches[0].Z, [[-0.063, -0.30600000000000005]])
    near(caches[0].A, [[0.48425520724575394, 0.42409139255332623]])
    near(S, [[0.6300948406843915]])  # printed as 0.63
    E, dS = net.loss.value_and_grad(S, np.array(T))
    near(E, 0.684560968098116)
    (dW1, db1), (dW2, db2) = net.split(backward(net, p, caches, dS).gradient)
    near(dW1, [[-0.028054429959988973, -0.018290015178697657], [-0.05786226179247726, -0.037723156306063925]])
    near(db1, [0.08767009362496554, 0.05715629743343018])
    near(dW2, [[0.5666245195728075], [0.496227150405306]])
    near(db2, [1.1700948406843916])
    after = train(net, theta, X, T, rate=0.1, steps=(1,))[1]
    (W1, b1), (W2, b2) = net.split(after)
    near(W1, [[0.2028054429959989, 0.5018290015178698], [0.15578622617924773, 0.6037723156306064]])
    near(b1, [0.09123299063750345, 0.24428437025665697])
    near(W2, [[0.24333754804271923], [0.1503772849594694]])
    near(b2, [0.2829905159315609])
    near(error(net, after, X, T), 0.5034657737437829)


def test_schiendorfer():
    """Schiendorfer: two rows, gradients summed, no biases."""
    net = network(["sigmoid"] * 2, [(2, 2), (2, 2)], scale=1.0, biases_trained=False)
    X, T = [[3.0, 1.0], [-1.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]
    theta = net.start(weights={"w1": [[6, -3], [-2, 5]], "w2": [[1, -2], [0.25, 2]]}, dtype=np.float64)
    p = net.split(theta)
    S, caches = forward(net, p, np.array(X))
    near(caches[1].Z, [[1.0044964399553609, -1.9640273550054927], [0.25000083150237296, 1.999998336738707]])
    E, dS = net.loss.value_and_grad(S, np.array(T))
    near(E, 0.4172441091113719)
    (dW1, _), (dW2, _) = net.split(backward(net, p, caches, dS).gradient)
    near(dW1, [[-3.251845849611891e-07, 0.00142014367004575], [1.0691730302564499e-06, 0.00047338123185227673]])
    near(dW2, [[-0.10518746036979919, 0.02654902489815658], [0.2748497387695007, -0.024553635958714033]])
    after = train(net, theta, X, T, rate=0.5, steps=(1,))[1]
    (W1, _), (W2, _) = net.split(after)
    near(W1, [[6.0000001625922925, -3.000710071835023], [-2.000000534586515, 4.999763309384074]])
    near(W2, [[1.0525937301848995, -2.0132745124490783], [0.11257513061524965, 2.012276817979357]])
    near(error(net, after, X, T), 0.37434126366473935)


@pytest.mark.parametrize(
    ("w", "b", "start", "after_300"),
    [(0.6, 0.9, 0.8175744761936437, 0.09395569486364724), (2.0, 2.0, 0.9820137900379085, 0.2028484242677765)],
)
def test_nielsen_single_neuron(w, b, start, after_300):
    """Nielsen, "Neural Networks and Deep Learning", ch. 3: prints 0.82 → 0.09 and 0.98 → 0.20."""
    net = network(["sigmoid"], [(1, 1)], scale=0.5)
    theta = net.start(weights={"w1": [[w]], "b1": [b]}, dtype=np.float64)
    after = train(net, theta, [[1.0]], [[0.0]], rate=0.15, steps=(300,))[300]
    for weights, output in ((theta, start), (after, after_300)):
        near(forward(net, net.split(weights), np.array([[1.0]]))[0], [[output]])


def output_derivatives(activation, w, b, x):
    """f, df/dw, df/db and df/dx of one neuron."""
    net = bl.Network([bl.Dense(len(x), 1, activation)])
    theta = net.start(weights={"w1": np.array(w)[:, None], "b1": [b]}, dtype=np.float64)
    p = net.split(theta)
    S, caches = forward(net, p, np.array([x]))
    back = backward(net, p, caches, np.ones((1, 1)), to_input=True)
    return S[0, 0], back.gradient[:-1], back.gradient[-1], back.dX[0]


def test_cs231n_sigmoid_neuron():
    """CS231n, backpropagation notes: prints 0.73, dw = (−0.20, −0.39, 0.20), dx = (0.39, −0.59)."""
    f, dw, db, dx = output_derivatives("sigmoid", [2.0, -3.0], -3.0, [-1.0, -2.0])
    near(f, 0.7310585786300049)
    near([*dw, db], [-0.19661193324148185, -0.3932238664829637, 0.19661193324148185])
    near(dx, [0.3932238664829637, -0.5898357997244456])


def test_micrograd_neuron():
    """Karpathy, the micrograd lecture: o = 0.7071, dx = (−1.5, 0.5), dw = (1, 0)."""
    o, dw, _, dx = output_derivatives("tanh", [-3.0, 1.0], 6.881373587019543, [2.0, 0.0])
    near(o, 1 / math.sqrt(2))
    near(dw, [1.0, 0.0])
    near(dx, [-1.5, 0.5])
