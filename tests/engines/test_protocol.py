"""What engines are handed, and how many cores they may use."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from backlit.engines.protocol import Batches, usable_cores


@pytest.mark.parametrize(("rows", "size"), [(7, 3), (6, 3), (2, 3), (3, 1)])
def test_batches_are_the_positions_cut_into_steps(rows, size):
    positions = np.arange(rows)[::-1]
    batches = Batches(positions, size)
    expected = [positions[i : i + size].tolist() for i in range(0, rows, size)]
    assert [batch.tolist() for batch in batches] == expected
    assert len(batches) == len(expected)
    assert batches[-1].tolist() == expected[-1]
    with pytest.raises(IndexError):
        batches[len(expected)]


def test_usable_cores():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    with ProcessPoolExecutor(1, get_context("spawn")) as workers:
        assert workers.submit(usable_cores).result() == 1
