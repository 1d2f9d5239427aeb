"""What trainings ended with when stored.json was written; no change may change it unnoticed.

The native engine's bits are the same on every processor, so a checksum of each training's theta, memory and figures is
stored. The reference's last digits depend on the machine's BLAS, so its numbers themselves are. Every field of every
record is written out, so that no other default changes what is trained here.

Where a piece is new, or other bits are meant, write the file again and look at what git says has changed:

    PYTHONPATH=tests python tests/engines/test_stored.py
"""

import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from checks import need_native

import backlit as bl
from backlit.core.activations import ACTIVATIONS
from backlit.core.initializers import INITIALIZERS
from backlit.core.layers import LAYERS
from backlit.core.losses import LOSSES
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.schedules import SCHEDULES
from backlit.engines.choice import choose
from backlit.fitting import prepare
from backlit.lesson import first_network
from backlit.problem import Problem, split_rows
from backlit.training import begin

FILE = Path(__file__).with_name("stored.json")
FIGURES = ("E", "gradient_norm", "update_norm", "layer_gradient_norm", "stuck")


def written(kind, **fields):
    """A record of which no field is left to its default."""
    left = {field.name for field in dataclasses.fields(kind)} - fields.keys()
    assert not left, f"{kind.__name__}: write {', '.join(sorted(left))} out, with the value that changes nothing"
    return kind(**fields)


# --- the pieces, each twice: as it is mostly used, and with every number another ---------------------------------

PLAIN, OTHER = "plain", "other numbers"

OPTIMIZER = {
    PLAIN: {
        "sgd": written(bl.SGD, weight_decay=0.0, clip_norm=None),
        "momentum": written(bl.Momentum, weight_decay=0.0, clip_norm=None, momentum=0.9),
        "nesterov": written(bl.Nesterov, weight_decay=0.0, clip_norm=None, momentum=0.9),
        "rmsprop": written(bl.RMSprop, weight_decay=0.0, clip_norm=None, rho=0.9, epsilon=1e-8),
        "adam": written(bl.Adam, weight_decay=0.0, clip_norm=None, beta1=0.9, beta2=0.999, epsilon=1e-8),
    },
    OTHER: {
        "sgd": written(bl.SGD, weight_decay=0.02, clip_norm=0.5),
        "momentum": written(bl.Momentum, weight_decay=0.02, clip_norm=0.5, momentum=0.7),
        "nesterov": written(bl.Nesterov, weight_decay=0.02, clip_norm=0.5, momentum=0.7),
        "rmsprop": written(bl.RMSprop, weight_decay=0.02, clip_norm=0.5, rho=0.8, epsilon=1e-5),
        "adam": written(bl.Adam, weight_decay=0.02, clip_norm=0.5, beta1=0.8, beta2=0.95, epsilon=1e-5),
    },
}

AVERAGED, SUMMED = {"scale": 1.0, "reduction": "mean"}, {"scale": 0.5, "reduction": "sum"}
LOSS = {
    PLAIN: {
        "squared_error": written(bl.SquaredError, **AVERAGED),
        "absolute_error": written(bl.AbsoluteError, **AVERAGED),
        "huber": written(bl.Huber, **AVERAGED, delta=1.0),
        "poisson": written(bl.Poisson, **AVERAGED),
        "quantile": written(bl.Quantile, **AVERAGED, levels=(0.05, 0.5, 0.95)),
        "binary_cross_entropy": written(bl.BinaryCrossEntropy, **AVERAGED, label_smoothing=0.0),
        "cross_entropy": written(bl.CrossEntropy, **AVERAGED, label_smoothing=0.0),
    },
    OTHER: {
        "squared_error": written(bl.SquaredError, **SUMMED),
        "absolute_error": written(bl.AbsoluteError, **SUMMED),
        "huber": written(bl.Huber, **SUMMED, delta=0.3),
        "poisson": written(bl.Poisson, **SUMMED),
        "quantile": written(bl.Quantile, **SUMMED, levels=(0.2, 0.4, 0.9)),
        "binary_cross_entropy": written(bl.BinaryCrossEntropy, **SUMMED, label_smoothing=0.1),
        "cross_entropy": written(bl.CrossEntropy, **SUMMED, label_smoothing=0.1),
    },
}

SCHEDULE = {
    "constant": written(bl.Constant),
    "step": written(bl.StepDecay, every=30, decay=0.5),
    "exponential": written(bl.Exponential, decay=0.99),
    "cosine": written(bl.Cosine, warmup=0.0),
    "cosine after a warmup": written(bl.Cosine, warmup=0.1),
}

INPUTS, OUTPUTS, ROWS, BATCH = 6, 3, 60, 8
EDGES = (-1.5, -0.75, -0.1, 0.3, 1.25)


def dense(d_in, d_out, activation="identity", weights="fan_in_uniform", bias_rate=1.0, bias_decay=1.0):
    return written(
        bl.Dense,
        d_in=d_in,
        d_out=d_out,
        activation=activation,
        weights=weights,
        bias_rate=bias_rate,
        bias_decay=bias_decay,
    )


def dropout(rate):
    return written(bl.Dropout, rate=rate)


def layer_norm(d, epsilon=1e-5):
    return written(bl.LayerNorm, d=d, epsilon=epsilon)


@functools.cache
def stacks(h):
    """Every layer, and every activation of Dense, between INPUTS inputs and OUTPUTS scores; h units."""
    binned = written(bl.PiecewiseLinear, edges=(EDGES, EDGES, (), EDGES, (), EDGES))
    bins = 4 * 4 + 2
    out = dense(h, OUTPUTS)
    return {
        **{f"dense {name}": (dense(INPUTS, h, name, "he_uniform"), out) for name in ACTIVATIONS},
        "dense, biases at other rates": (
            dense(INPUTS, h, "tanh", "glorot_normal", 0.3, 0.0),
            dense(h, OUTPUTS, bias_rate=0.0, bias_decay=2.0),
        ),
        "piecewise_linear": (binned, dense(bins, OUTPUTS)),
        "layer_norm": (dense(INPUTS, h, "relu"), layer_norm(h), out),
        "layer_norm of the inputs": (layer_norm(INPUTS, 0.01), dense(INPUTS, h, "tanh"), out),
        "dropout": (dense(INPUTS, h, "relu"), dropout(0.3), out),
        "dropout twice": (dropout(0.1), dense(INPUTS, h, "sigmoid"), dropout(0.3), dropout(0.2), out),
        "all together": (binned, dense(bins, h, "gelu"), layer_norm(h), dropout(0.2), dense(h, h, "selu"), out),
    }


def rows(loss, weighted, dtype):
    """Made-up rows in whole numbers, divided by powers of two: the same in every library. The last inputs are rare."""
    i, j = np.arange(ROWS)[:, None], np.arange(INPUTS)
    X = ((37 * i + 101 * j + i * i * (j + 3)) % 97 - 48) / 32
    X[:, 4:] *= (i % 3 == 0) & (j[4:] % 2 == i % 2)
    k = 1 if loss.name in ("quantile", "cross_entropy") else OUTPUTS
    Y = (5 * i + 3 * np.arange(k) + i * i) % 17
    Y = {"cross_entropy": Y % OUTPUTS, "binary_cross_entropy": Y % 2, "poisson": Y % 5}.get(loss.name, (Y - 8) / 8)
    weights = (1 + np.arange(ROWS) % 4) / 2 if weighted else None
    return bl.Rows(bl.Data(X.astype(dtype), Y.astype(dtype), rows=3 * np.arange(ROWS) + 2), weights=weights)


def settings(optimizer, steps, schedule=SCHEDULE["constant"], batch_size=BATCH, **limits):
    limits = {"epochs": None, "patience": None, "target_error": None, "greater_is_better": False} | limits
    return written(
        bl.Settings,
        optimizer=optimizer,
        learning_rate=1 / 128,
        schedule=schedule,
        batch_size=batch_size,
        max_steps=steps,
        max_seconds=None,
        **limits,
    )


# --- a training, in short ----------------------------------------------------------------------------------------


def trained(net, data, how, engine="native", theta=None, seed=5, **watched):
    """The last state, and the figures of all steps."""
    engine = choose(engine, net, how.optimizer, bl.Rows.of(data).X.dtype, 1)
    state = begin(bl.Plan(net, data, how), theta=theta, seed=seed)
    *events, end = bl.train(bl.Plan(net, data, how, engine=engine, **watched), state)
    figures = [event.figures for event in events if isinstance(event, bl.StepsDone)]
    return end, {name: np.concatenate([getattr(part, name) for part in figures]) for name in FIGURES}


def checksum(*arrays):
    """Eight digits for the bytes of some arrays."""
    digest = hashlib.blake2b(digest_size=4)
    for array in arrays:
        array = np.asarray(array)
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def checksums(end, figures):
    """Of theta, memory and figures."""
    memory = [np.asarray(value, np.float32) for _, value in sorted(end.state.memory.items())]
    parts = checksum(end.state.theta), checksum(*memory), checksum(*(np.float32(figures[name]) for name in FIGURES))
    return " ".join(parts)


def numbers(end, figures):
    """theta, memory and the last step's figures, to 14 digits."""
    parts = {"theta": end.state.theta, **end.state.memory, **{name: figure[-1] for name, figure in figures.items()}}
    return {name: [float(f"{x:.14g}") for x in np.ravel(part)] for name, part in parts.items()}


# --- what is trained: each a function without arguments, by name -------------------------------------------------


def of_native(layer):
    """A layer with every optimizer and loss, as they mostly are and with other numbers, with row weights or not."""

    def run(variant, optimizer, loss, weighted):
        loss, optimizer = LOSS[variant][loss], OPTIMIZER[variant][optimizer]
        net = bl.Network(stacks(19)[layer], loss)
        return checksums(*trained(net, rows(loss, weighted, np.float32), settings(optimizer, 100)))

    return {
        f"{optimizer}, {variant}, {'weighted' if weighted else 'alike'}": {
            loss: run(variant, optimizer, loss, weighted) for loss in LOSS[PLAIN]
        }
        for optimizer in OPTIMIZER[PLAIN]
        for variant in (PLAIN, OTHER)
        for weighted in (False, True)
    }


def of_one_change():
    """One change alone: a number of an optimizer or of a loss, the schedule, the batch, where the weights start."""
    plain = OPTIMIZER[PLAIN]["adam"]
    squared = LOSS[PLAIN]["squared_error"]
    usual = stacks(19)["dense tanh"]

    def run(optimizer=plain, loss=squared, layers=usual, seed=5, **how):
        net, data = bl.Network(layers, loss), rows(loss, False, np.float32)
        return checksums(*trained(net, data, settings(optimizer, 100, **how), seed=seed))

    runs = {}
    for pieces, piece in ((OPTIMIZER, "optimizer"), (LOSS, "loss")):
        for name, record in pieces[PLAIN].items():
            other = vars(pieces[OTHER][name])
            for field in [field for field in vars(record) if vars(record)[field] != other[field]]:
                changed = dataclasses.replace(record, **{field: other[field]})
                runs[f"{name}: {field}"] = run(**{piece: changed})
    for name, schedule in SCHEDULE.items():
        runs[f"schedule {name}"] = run(schedule=schedule)
    for size in (1, 7, 32, None):
        runs[f"batches of {size}"] = run(batch_size=size)
    for name in INITIALIZERS:
        runs[f"weights {name}"] = run(layers=(dense(INPUTS, 19, "tanh", name), usual[1]))
    for seed in (0, 2**40 + 1):
        runs[f"seed {seed}"] = run(seed=seed)
    return runs


def of_reference():
    """Every layer, optimizer and loss, each in several company, in float64."""
    runs, layers = {}, stacks(3)
    pairs = [(optimizer, loss) for optimizer in OPTIMIZER[PLAIN] for loss in LOSS[PLAIN]]
    for i, (optimizer, loss) in enumerate(pairs):
        layer, other = [*layers][i % len(layers)], i >= len(layers)
        variant = OTHER if other else PLAIN
        net = bl.Network(layers[layer], LOSS[variant][loss])
        data, how = rows(net.loss, other, np.float64), settings(OPTIMIZER[variant][optimizer], 20)
        runs[f"{layer}; {optimizer}; {loss}; {variant}"] = numbers(*trained(net, data, how, "reference"))
    return runs


# --- the demo ----------------------------------------------------------------------------------------------------

KINDS = {
    "id": "drop",
    "date": "date",
    **dict.fromkeys(("bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors"), "number"),
    "waterfront": "boolean",
    **dict.fromkeys(("view", "condition", "grade", "sqft_above", "sqft_basement", "yr_built"), "number"),
    **dict.fromkeys(("yr_renovated", "zipcode", "lat", "long", "sqft_living15", "sqft_lot15"), "number"),
}
#: act 1: each column with its mean and its deviation over the houses that are learnt from
CENTRED = {
    "sqft_living": (2077.406175081729, 917.542202138044),
    "grade": (7.654413367235743, 1.1838311472092748),
    "lat": (47.5582825063567, 0.13928414709064585),
    "price": (538947.0430802761, 366029.5614266084),
}


@functools.cache
def houses():
    """The table, and which houses are learnt from, watched and tested on."""
    table = bl.datasets.load_houses()
    return table, split_rows(table["id"].to_numpy(), seed=0, validation=0.16, test=0.2)


def act1(dtype):
    """Its network, weights, rows and settings."""
    table, split = houses()
    columns = [(table[name].to_numpy() - centre) / scale for name, (centre, scale) in CENTRED.items()]
    X, Y = np.column_stack(columns[:3])[split.train].astype(dtype), columns[3][split.train].astype(dtype)
    loss = LOSS[PLAIN]["squared_error"]
    net = bl.Network([dense(3, 3, "tanh", "glorot_uniform"), dense(3, 1)], loss, [*CENTRED][:3])
    W1 = [[0.2662, -0.8142, 0.2156], [-0.8706, -0.6532, 0.661], [-0.395, -0.6672, 0.1209]]
    theta = net.start(3, {"w1": W1, "b1": 0, "w2": [[0.4876], [-0.1647], [0.3151]], "b2": 0}, np.float64)
    how = settings(OPTIMIZER[PLAIN]["sgd"], None, batch_size=128, epochs=30, target_error=0.3)
    return net, theta, bl.Data(X, Y, rows=split.train), dataclasses.replace(how, learning_rate=0.05)


def train_act1(engine):
    net, theta, data, how = act1(np.float32 if engine == "native" else np.float64)
    end, figures = trained(net, data, how, engine, theta=theta, seed=3)
    in_short = checksums if engine == "native" else numbers
    return {"steps": end.state.step, "epochs": end.state.epoch, "end": in_short(end, figures)}


def act2(kinds):
    """Its encoded rows, as `prepare` makes them with every setting written out."""
    table, split = houses()
    units = {"price": "$", "lat": "°", "long": "°"} | {name: "sqft" for name in table.columns if "sqft" in name}
    recipe = written(
        bl.Recipe,
        hidden=(128, 128),
        activation="relu",
        encoding="piecewise",
        bins=48,
        columns=kinds,
        target="standard",
        loss=LOSS[PLAIN]["squared_error"],
        optimizer=ACT2_OPTIMIZER,
        learning_rate=1e-3,
        schedule=ACT2_SCHEDULE,
        batch_size=256,
        epochs=60,
        max_steps=None,
        max_seconds=None,
        dropout=0.15,
        weight_decay=0.03,
        clip_norm=None,
        metric=None,
        patience=None,
        target_error=None,
        engine="native",
        threads=1,
        units=units,
    )
    return prepare(Problem(table.drop("price"), table.select("price"), split=split), recipe, 3)


ACT2_OPTIMIZER = written(bl.Adam, weight_decay=0.03, clip_norm=None, beta1=0.9, beta2=0.95, epsilon=1e-8)
ACT2_SCHEDULE = written(bl.Cosine, warmup=0.05)


def encoded(start):
    """Checksums of what is learnt from and of what is watched; the bins are constants of the network."""
    parts = {"train": start.plan.learn, "validation": start.plan.watch}
    sums = {name: f"{checksum(part.X)} {checksum(part.Y)} {checksum(part.rows)}" for name, part in parts.items()}
    return {"shape": list(start.plan.learn.X.shape), **sums, "edges": checksum(*map(np.float64, start.table.edges))}


def train_act2():
    start = act2(KINDS)
    bins = sum(max(1, len(edges) - 1) for edges in start.table.edges)
    layers = [
        written(bl.PiecewiseLinear, edges=start.table.edges),
        dense(bins, 128, "relu", "fan_in_uniform"),
        dropout(0.15),
        dense(128, 128, "relu", "fan_in_uniform"),
        dropout(0.15),
        dense(128, 1, "identity", "fan_in_uniform"),
    ]
    net = bl.Network(layers, LOSS[PLAIN]["squared_error"], start.table.names)
    how = settings(ACT2_OPTIMIZER, None, ACT2_SCHEDULE, batch_size=256, epochs=60)
    how = dataclasses.replace(how, learning_rate=1e-3)
    end, figures = trained(net, start.plan.learn, how, seed=3, watch=start.plan.watch)
    best = {"best step": end.state.best.step, "best theta": checksum(end.theta)}
    return {"steps": end.state.step, "end": checksums(end, figures), **best}


# --- the comparison ----------------------------------------------------------------------------------------------

WHAT = {  # name in stored.json -> what makes it
    **{layer: functools.partial(of_native, layer) for layer in stacks(19)},
    "one change": of_one_change,
    "act 1": lambda: train_act1("native"),
    "act 2": train_act2,
    "act 2, encoded": lambda: encoded(act2(KINDS)),
    "reference": of_reference,
    "reference, act 1": lambda: train_act1("reference"),
}


def stored(name):
    return json.loads(FILE.read_text(encoding="utf-8"))[name]


@pytest.mark.parametrize("name", [name for name in WHAT if not name.startswith("reference")])
def test_the_same_bits(name):
    need_native()
    assert WHAT[name]() == stored(name)


@pytest.mark.parametrize("name", [name for name in WHAT if name.startswith("reference")])
def test_the_same_numbers(name):
    made, before = WHAT[name](), stored(name)
    assert made.keys() == before.keys()
    for run in made:
        if not isinstance(made[run], dict):
            assert made[run] == before[run], run
            continue
        assert made[run].keys() == before[run].keys()
        for part, values in made[run].items():
            size = np.abs(before[run][part]).max()  # what is near 0 is a difference of numbers that are not
            np.testing.assert_allclose(values, before[run][part], rtol=0, atol=1e-12 * size, err_msg=f"{run}: {part}")


def test_the_kinds_of_the_houses_columns_are_seen():
    need_native()
    assert encoded(act2(None)) == stored("act 2, encoded")


def test_act_1_is_the_lesson_s():
    """Its table encodes as the numbers above do; its network starts with the weights above."""
    net, theta, table, _ = first_network(rate=0.05, hidden=3, seed=3)
    _, own, data, _ = act1(np.float64)
    frame, split = houses()
    np.testing.assert_array_equal(theta, own)
    np.testing.assert_array_equal(table.encode(frame[split.train], np.float64), data.X)
    np.testing.assert_array_equal(table.target.encode(frame.select("price")[split.train]), data.Y)


def test_every_piece_is_stored():
    """A new activation, layer, loss, optimizer, schedule or start must be added above, and stored."""
    layers = {layer.name for stack in stacks(19).values() for layer in stack}
    assert layers == LAYERS.keys()
    assert {layer.activation for (layer, *_) in stacks(19).values() if layer.name == "dense"} >= ACTIVATIONS.keys()
    for variant in (PLAIN, OTHER):
        assert LOSS[variant].keys() == LOSSES.keys()
        assert OPTIMIZER[variant].keys() == {record.name for record in OPTIMIZERS.values()}
        for name, record in (LOSS[variant] | OPTIMIZER[variant]).items():
            assert record.name == name
    assert {record.name for record in SCHEDULE.values()} == {record.name for record in SCHEDULES.values()}
    assert {f"weights {name}" for name in INITIALIZERS} <= stored("one change").keys()
    assert json.loads(FILE.read_text(encoding="utf-8")).keys() == WHAT.keys()


def store():
    """Write the file again: one line for each of a layer's optimizers, or for each training."""

    def lines(entries):
        return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in entries.items()) + "\n}"

    made = {name: make() for name, make in WHAT.items()}
    made = {name: lines({key: json.dumps(value) for key, value in entries.items()}) for name, entries in made.items()}
    FILE.write_text(lines(made) + "\n", encoding="utf-8")


if __name__ == "__main__":
    store()
