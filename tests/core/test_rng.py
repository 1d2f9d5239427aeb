"""The draws depend on their counters alone, and look random."""

import numpy as np

from backlit.core import rng

ROWS = np.arange(2000)


def masks(seed=0, step=0, rows=ROWS, units=64, rate=0.5, layer=0):
    return rng.keep(rng.step_keys(seed, step, rows, len(rows))[0].at(layer), units, rate)


def correlation(a, b):
    return abs(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_share_kept():
    for rate in (0.0, 0.1, 0.5, 0.9):
        share = masks(rate=rate).mean()
        assert abs(share - (1 - rate)) < 4 * np.sqrt(rate * (1 - rate) / (2000 * 64)) + 1e-12


def test_masks_of_other_counters_are_unrelated():
    base = masks()
    for other in (masks(seed=1), masks(step=1), masks(layer=1), masks(rows=ROWS + 2000)):
        assert correlation(base, other) < 4 / np.sqrt(base.size)


def test_units_and_rows_are_unrelated():
    kept = masks(rows=np.arange(20_000), units=128).astype(float)
    between_units = np.corrcoef(kept.T) - np.eye(128)
    assert np.abs(between_units).max() < 5.5 / np.sqrt(20_000)
    between_rows = np.corrcoef(masks(rows=np.arange(300), units=20_000).astype(float)) - np.eye(300)
    assert np.abs(between_rows).max() < 5.5 / np.sqrt(20_000)


def test_number_kept_per_row_is_binomial():
    counts = masks(rows=np.arange(50_000), units=64, rate=0.25).sum(axis=1)
    assert abs(counts.var() - 64 * 0.25 * 0.75) < 0.25


def test_a_row_keeps_its_mask_wherever_it_stands():
    whole = masks(step=5)
    some = np.array([1234, 7, 77])
    np.testing.assert_array_equal(masks(step=5, rows=some), whole[some])


def test_keys_of_a_stretch_are_those_of_its_steps():
    rows = np.array([3, 1, 9, 4, 5])
    together = rng.step_keys(7, 40, rows, 2)
    assert [len(key.rows) for key in together] == [2, 2, 1]
    for i, key in enumerate(together):
        [alone] = rng.step_keys(7, 40 + i, rows[2 * i : 2 * i + 2], 2)
        np.testing.assert_array_equal(key.rows, alone.rows)


def test_order_is_a_permutation_that_depends_on_seed_epoch_and_rows():
    rows = np.arange(1000)
    order = rng.order(0, 0, rows)
    np.testing.assert_array_equal(np.sort(order), rows)
    assert not np.array_equal(order, rng.order(0, 1, rows))
    assert not np.array_equal(order, rng.order(1, 0, rows))
    np.testing.assert_array_equal(rows[::-1][rng.order(0, 0, rows[::-1])], rows[order])
    assert abs(np.corrcoef(order, rows)[0, 1]) < 0.12


def test_order_is_that_of_the_draws(monkeypatch):
    for n in (1, 2, 3, 1000, 70_000):
        draws = rng._mix64(np.arange(n, dtype=np.uint64) + np.uint64(rng._fold(5, rng.ORDER, 7)))
        np.testing.assert_array_equal(rng.order(5, 7, np.arange(n)), np.argsort(draws))
    monkeypatch.setattr(rng, "_mix64", lambda x: x - x.min())  # draws that differ in their lowest bits alone
    np.testing.assert_array_equal(rng.order(0, 0, np.array([7, 3, 9, 1])), [3, 1, 0, 2])


def test_uniform_and_normal():
    u = rng.uniform(0, rng.START, 0, size=100_000)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005
    assert abs(u.var() - 1 / 12) < 0.002
    z = rng.normal(0, rng.START, 0, size=100_000)
    assert abs(z.mean()) < 0.015
    assert abs(z.var() - 1) < 0.02
    assert correlation(z[:-1], z[1:]) < 0.015


def test_the_bits_stay_the_same():
    """A run replays only while these stay as they are: another numerics version would have to say so."""
    assert [hex(rng._fold(1, 2, 3)), hex(rng._fold(0))] == FOLDS
    assert rng.order(3, 1, np.arange(8)).tolist() == ORDER
    assert np.packbits(masks(seed=5, step=6, rows=np.arange(4), units=16, rate=0.3)).tolist() == MASKS
    assert rng.uniform(0, 1, 2, size=2).tolist() == UNIFORM


FOLDS = ["0xd0734750fde362b3", "0xe220a8397b1dcdaf"]
ORDER = [6, 3, 5, 1, 4, 2, 0, 7]
MASKS = [119, 213, 231, 251, 227, 253, 85, 115]
UNIFORM = [0.9115993064604949, 0.8203869974952381]
