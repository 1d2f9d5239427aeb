"""What is predicted: encoded, decoded, and refused."""

import datetime
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.core.losses import LOSSES
from backlit.errors import ArgumentError, DataError
from backlit.tables.fields import level_texts
from backlit.tables.target import Target, guess_task, target_numbers

SQUARED, BINARY, CROSS = (LOSSES[name]() for name in ("squared_error", "binary_cross_entropy", "cross_entropy"))


def frame(*values, name="price", dtype=None):
    return pl.DataFrame({name: pl.Series(values, dtype=dtype)})


def test_numbers_are_standardised():
    target = Target.fit_numbers(frame(1.0, 2.0, 6.0), unit="$")
    Y = target.encode(frame(1.0, 2.0, 6.0))
    assert (target.centre, target.scale) == ((3.0,), (pytest.approx(np.sqrt(14 / 3)),))
    assert Y.mean() == pytest.approx(0)
    assert Y.std() == pytest.approx(1)
    np.testing.assert_allclose(target.decode(SQUARED, Y)[:, 0], [1, 2, 6])
    assert (target.goals, target.unit, target.labels) == (("numbers", "counts"), "$", ())


@given(
    st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=20),
    st.sampled_from(["standard", "log", "raw"]),
    st.integers(1, 3),
)
def test_decoding_undoes_encoding(values, scaling, times):
    targets = pl.DataFrame({f"y{i}": np.roll(values, i) for i in range(times)})
    target = Target.fit_numbers(targets, scaling)
    again = target.decode(SQUARED, target.encode(targets))
    np.testing.assert_allclose(again, targets.to_numpy(), rtol=1e-9, atol=1e-12 * max(values))
    assert len(SQUARED.outputs(target.names)) == times


def test_too_small_numbers_are_refused():
    tiny = [1.5e-198, 1.8e-198, 1.2e-198]
    with pytest.raises(DataError, match=r"target 'price' is too small to tell apart from 0, such as 1.5e−198; mult"):
        Target.fit_numbers(frame(*tiny))
    assert Target.fit_numbers(frame(*tiny), "log").scale[0] == pytest.approx(np.std(np.log(tiny)))
    assert Target.fit_numbers(frame(*(1e60 * v for v in tiny))).scale[0] == pytest.approx(1e60 * np.std(tiny), rel=1e-6)


def test_weights_move_centre_and_scale():
    y, w = np.array([1.0, 2.0, 6.0]), np.array([2.0, 1.0, 3.0])
    often = Target.fit_numbers(frame(*np.repeat(y, w.astype(int))))
    weighted = Target.fit_numbers(frame(*y), weights=w)
    np.testing.assert_allclose([weighted.centre, weighted.scale], [often.centre, often.scale])


def test_a_constant_has_scale_one():
    assert Target.fit_numbers(frame(5, 5)).scale == (1.0,)


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (["b", "a"], ("a", "b")),
        ([3, 1, 2], ("1", "2", "3")),
        ([2.0, 1.0], ("1", "2")),
        ([1.5, 1.0], ("1", "1.5")),
        ([True, False], ("false", "true")),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ("a", "b")),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])), ("a", "b")),
        (['"x", [bold]', "\x1b\n\u202e"], ("\x1b\n\u202e", '"x", [bold]')),
    ],
)
def test_classes(labels, texts):
    series = pl.Series("kind", labels)
    target = Target.fit_classes(series)
    assert target.labels == texts
    assert [texts[int(place)] for place in target.encode(series.to_frame())[:, 0]] == level_texts(series).to_list()
    assert tuple(json.loads(json.dumps(target.classes))) == target.classes


def test_probabilities_of_every_class():
    two, three = (Target.fit_classes(pl.Series("kind", list(classes))) for classes in ("ab", "abc"))
    assert BINARY.outputs(two.names, two.labels) == ("b",)
    assert CROSS.outputs(three.names, three.labels) == ("a", "b", "c")
    np.testing.assert_allclose(two.decode(BINARY, np.array([[0.0], [100.0]])), [[0.5, 0.5], [0, 1]], atol=1e-9)
    np.testing.assert_allclose(three.decode(CROSS, np.zeros((1, 3))), [[1 / 3] * 3])


def classes(*labels):
    return Target.fit_classes(pl.Series("kind", labels))


def prices(*values, scaling="standard"):
    return Target.fit_numbers(frame(*values), scaling)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classes("a", "a", None), "target 'kind' has one class only, 'a'; give two or more"),
        (lambda: classes(1, 2).encode(frame(1, 3, name="kind")), "target 'kind' is '3' in row 1, a class that was not"),
        (lambda: classes("a", "b").encode(frame("a", None, name="kind")), "target 'kind' is None in row 1"),
        (lambda: prices(1.0, None), "target 'price' is missing in row 1; leave such rows out"),
        (lambda: prices(1.0, np.inf), "target 'price' is inf in row 1; leave such rows out"),
        (
            lambda: prices("1", "dear"),
            "target 'price' is 'dear' in row 1, which is no number; write it as in 1234.5",
        ),
        (lambda: prices(2, 0, scaling="log"), "target 'price' is 0 in row 1; its log needs numbers above 0"),
        (lambda: prices(2, 1, scaling="log").encode(frame(-3)), "target 'price' is −3 in row 0; its log needs"),
        (lambda: prices(1e308, -1e308), "target 'price' is too large to be scaled; divide it"),
        (lambda: prices(1, scaling="minmax"), "target is 'minmax'; it must be 'standard', 'log' or 'raw'"),
        (lambda: guess_task(pl.Series("price", [datetime.date(2014, 5, 31)])), "target 'price' holds Date; it must be"),
    ],
)
def test_refused(call, message):
    with pytest.raises((DataError, ArgumentError), match=message):
        call()


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([1.0, 2.5, 3.0], "regression"),
        ([0, 1, None], "classification"),
        (["0", "1"], "classification"),
        (["a", "b", "c"], "classification"),
        ([True, None], "classification"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "classification"),
    ],
)
def test_the_task_is_guessed(values, task):
    assert guess_task(pl.Series("y", values)) == task


def test_numbers_written_as_text():
    np.testing.assert_array_equal(target_numbers(pl.Series("y", ["1,200", " 3.5"])), [1200, 3.5])
