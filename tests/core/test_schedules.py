import math

import numpy as np
import pytest

from backlit.core.schedules import SCHEDULES, Constant, Cosine, Exponential, StepDecay, power
from backlit.errors import ArgumentError


def test_constant():
    assert Constant().factor(17, 100) == 1


def test_step():
    schedule = StepDecay(every=10, decay=0.5)
    assert [schedule.factor(step, 100) for step in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]


def test_exponential():
    assert Exponential(0.9).factor(7, 100) == pytest.approx(0.9**7, rel=1e-14)


def test_cosine_is_half_a_cosine():
    for step in range(101):
        assert Cosine().factor(step, 100) == pytest.approx(0.5 * (1 + math.cos(math.pi * step / 100)), abs=1e-14)
    assert Cosine().factor(150, 100) == 0


def test_warm_up_rises_in_a_straight_line_to_the_full_rate():
    factors = [Cosine(warmup=0.1).factor(step, 100) for step in range(100)]
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert factors[10] == 1
    assert factors[10:] == sorted(factors[10:], reverse=True)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_factor_is_between_0_and_1(name):
    entry = SCHEDULES[name]
    schedule = entry() if isinstance(entry, type) else entry
    for planned in (1, 2, 37):
        assert all(0 <= schedule.factor(step, planned) <= 1 for step in range(2 * planned))


@pytest.mark.parametrize("planned", [1, 2, 37, 4000, 10**15])
@pytest.mark.parametrize(
    "schedule",
    [Constant(), StepDecay(3, 0.7), Exponential(0.9), Exponential(0.9999), Cosine(), Cosine(0.05), Cosine(0.9)],
    ids=repr,
)
def test_an_array_of_steps_has_the_bits_of_each_step_alone(schedule, planned):
    some = np.random.default_rng(0).integers(0, 2 * planned, 500)
    for steps in (np.arange(3000), some, some[:0]):
        factors = schedule.factor(steps, planned)
        alone = [schedule.factor(int(step), planned) for step in steps]
        assert factors.dtype == np.float64
        assert factors.tolist() == alone
        assert all(type(factor) is float for factor in alone)  # NumPy's own would turn float32 weights into float64


def test_power():
    for n in (0, 1, 2, 3, 10, 1000):
        assert power(0.999, n) == pytest.approx(0.999**n, rel=1e-13)
    assert power(0.5, np.arange(3)).tolist() == [1, 0.5, 0.25]


@pytest.mark.parametrize("make", [lambda: StepDecay(every=0), lambda: Exponential(0), lambda: Cosine(warmup=1)])
def test_settings_out_of_range(make):
    with pytest.raises(ArgumentError, match="it must be"):
        make()
