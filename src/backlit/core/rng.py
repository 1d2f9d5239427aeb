"""Randomness from counters: every draw is a pure function of (seed, purpose, layer, step, table row, unit).

Nothing is consumed in order, so any step of a run can be replayed alone, a batch can be split among threads, and a row
keeps its draws wherever in the batch it stands. All of it is whole-number arithmetic, the same on every machine and in
the native engine. The 64-bit mixer is the finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), the 32-bit one
Ettinger's "lowbias32" (hash-prospector, 2018).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

START, ORDER, DROPOUT, SPLIT = 1, 2, 3, 4  #: purposes: starting weights, order of rows, dropout masks, split

_MASK = (1 << 64) - 1
_GOLDEN, _SPLITMIX_1, _SPLITMIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_LOWBIAS_1, _LOWBIAS_2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_15 = np.uint32(15)


class Key(NamedTuple):
    """What the dropout masks of one layer at one step depend on.

    seed : of the run
    rows : (n, 1) the draws of the batch's table rows at this step, 32 bits each
    layer : position in the network, from 0
    """

    seed: int
    rows: np.ndarray
    layer: int = 0

    def at(self, layer: int) -> Key:
        """The same step's key for another layer."""
        return Key(self.seed, self.rows, layer)


def step_keys(seed: int, step: int, rows: np.ndarray, size: int) -> list[Key]:
    """The keys of `step` and the steps after it, for their table rows one step after the other, `size` rows a step."""
    starts = range(0, len(rows), size)
    steps = np.arange(step, step + len(starts), dtype=np.uint64)
    of_step = _mix64((steps ^ np.uint64(_fold(seed, DROPOUT))) + np.uint64(_GOLDEN))
    draws = _mix64(np.repeat(of_step, size)[: len(rows)] + rows.astype(np.uint64)).astype(np.uint32)[:, None]
    return [Key(seed, draws[start : start + size]) for start in starts]


def keep(key: Key, units: int, rate: float) -> np.ndarray:
    """Dropout's decision, (n, units): True where a unit of a row is kept, with probability 1 − rate."""
    x = key.rows ^ _unit_draws(key.seed, key.layer, units)  # both are well mixed: lowbias32 without its outer shifts
    x *= _LOWBIAS_1
    x ^= x >> _15
    x *= _LOWBIAS_2
    return x >= np.uint32(round(rate * 2**32))


@lru_cache(maxsize=256)
def _unit_draws(seed: int, layer: int, units: int) -> np.ndarray:
    return _mix64(np.arange(units, dtype=np.uint64) + np.uint64(_fold(seed, DROPOUT, layer, units))).astype(np.uint32)


def order(seed: int, epoch: int, rows: np.ndarray) -> np.ndarray:
    """The order in which an epoch visits its rows: a permutation of 0..n−1, by each table row's own draw.

    The mixer is one to one, so different rows never draw the same number and any sort gives the same order. Sorting
    numbers is several times as fast as sorting positions, so each position takes the place of its draw's lowest bits;
    should two draws be alike in the others, positions are sorted after all.
    """
    draws = _mix64(rows.astype(np.uint64) + np.uint64(_fold(seed, ORDER, epoch)))
    bits = np.uint64(len(rows).bit_length())
    packed = np.sort(draws >> bits << bits | np.arange(len(rows), dtype=np.uint64))
    high = packed >> bits
    if np.any(high[1:] == high[:-1]):
        return np.argsort(draws)
    return (packed ^ high << bits).astype(np.int64)


def of_groups(seed: int, groups: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each entry of `groups`, (n,): the same for the same group, in any table."""
    if groups.dtype.kind not in "iub":
        names, place = np.unique(groups.astype(str), return_inverse=True)
        hashed = [int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) for name in names.tolist()]
        groups = np.array(hashed, dtype=np.uint64)[place]
    draws = _mix64(groups.astype(np.uint64) + np.uint64(_fold(seed, SPLIT)))
    return (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53


def uniform(seed: int, *counters: int, size: int) -> np.ndarray:
    """`size` numbers in [0, 1), 53 bits each, for the purpose and counters given."""
    return (_draws(seed, *counters, size=size) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(seed: int, *counters: int, size: int) -> np.ndarray:
    """`size` numbers of mean 0 and variance 1: sums of twelve uniform ones less 6 (Irwin-Hall).

    Close to the normal distribution up to 3 standard deviations and never beyond 6; chosen because it is exact
    arithmetic, where the usual methods take a logarithm whose last digit differs between machines.
    """
    twelve = (_draws(seed, *counters, size=12 * size) >> np.uint64(11)).reshape(size, 12)
    return twelve.sum(axis=1).astype(np.float64) * 2.0**-53 - 6


def _draws(seed: int, *counters: int, size: int) -> np.ndarray:
    return _mix64(np.arange(size, dtype=np.uint64) + np.uint64(_fold(seed, *counters)))


def _fold(*words: int) -> int:
    """One 64-bit number from several, each mixed in after the other."""
    state = 0
    for word in words:
        state = _mix64_int((state ^ (word & _MASK)) + _GOLDEN)
    return state


def _mix64_int(x: int) -> int:
    x &= _MASK
    x = ((x ^ (x >> 30)) * _SPLITMIX_1) & _MASK
    x = ((x ^ (x >> 27)) * _SPLITMIX_2) & _MASK
    return x ^ (x >> 31)


def _mix64(x: np.ndarray) -> np.ndarray:
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(_SPLITMIX_1)
    x ^= x >> np.uint64(27)
    x *= np.uint64(_SPLITMIX_2)
    x ^= x >> np.uint64(31)
    return x
