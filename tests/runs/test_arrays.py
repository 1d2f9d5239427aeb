"""Arrays as bytes: what is packed is unpacked to the bit; anything else is damage, told before its memory is taken."""

import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backlit.runs.arrays import DTYPES, pack, unpack
from backlit.runs.schema import LARGEST, DamageError

SHAPES = [(0,), (1,), (3, 0, 2), (2, 3), (5000,), ()]
ODD = {
    "float32": [0x7FC00001, 0xFF800001, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001, 0x807FFFFF],
    "float64": [0x7FF8000000000001, 0xFFF0000000000001, 0x7FF0000000000000, 0x8000000000000000, 1, 0x800FFFFFFFFFFFFF],
    "int64": [0x8000000000000000, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0],
}  # NaNs with payloads, infinities, −0, denormals; the least and the greatest whole numbers


def again(array):
    return unpack(pack(array), array.dtype.name, array.shape)


def require_same(a, b):
    assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def plane(content, size=None):
    """A plane as it is stored, behind its length."""
    return struct.pack("<Q", len(content) if size is None else size) + content


# --- there and back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_zeros_and_random_bits_come_back(dtype, shape):
    kind, draw = np.dtype(dtype), np.random.default_rng(0)
    count = int(np.prod(shape))
    for raw in (bytes(count * kind.itemsize), draw.bytes(count * kind.itemsize)):
        array = np.frombuffer(raw, kind).reshape(shape)
        require_same(again(array), array)


@pytest.mark.parametrize("dtype", ODD)
def test_odd_numbers_come_back_to_the_bit(dtype):
    kind = np.dtype(dtype)
    array = np.array(ODD[dtype], f"u{kind.itemsize}").view(kind)
    for times in (1, 1000):
        require_same(again(np.tile(array, times)), np.tile(array, times))


@settings(deadline=None)
@given(st.sampled_from(list(DTYPES)), st.binary(max_size=400), st.integers(1, 300))
@example("float32", b"\0\0\x80\x7f", 300)
def test_any_bits_come_back(dtype, raw, times):
    kind = np.dtype(dtype)
    array = np.frombuffer((raw * times)[: len(raw) * times // kind.itemsize * kind.itemsize], kind)
    require_same(again(array), array)


def test_how_an_array_lies_in_memory_does_not_matter():
    array = np.arange(60, dtype=np.float32).reshape(6, 10)
    for view in (array.T, array[::2], array[:, ::-3], np.asfortranarray(array), array.astype(">f4")):
        found = again(view)
        np.testing.assert_array_equal(found, view)
        assert found.dtype == np.float32


def test_zeros_take_little_room():
    assert len(pack(np.zeros(100_000, np.float32))) < 2000
    noise = np.random.default_rng(0).integers(-(2**62), 2**62, 1000)
    assert len(pack(noise)) <= noise.nbytes + 8 * noise.itemsize


# --- what is not as it was written -------------------------------------------------------------------------------


def sound(data, dtype, shape):
    """Whether bytes are taken for an array; if so, it must be of exactly the type and the shape they claim."""
    try:
        array = unpack(data, dtype, shape)
    except DamageError:
        return False
    assert array.dtype == np.dtype(dtype)
    assert array.shape == shape
    return True


def test_cut_anywhere():
    for array in (np.zeros(2000, np.float32), np.random.default_rng(0).normal(size=50)):
        data = pack(array)
        for length in range(len(data)):
            assert not sound(data[:length], array.dtype.name, array.shape)


def test_made_longer():
    array = np.zeros(2000, np.float32)
    data = pack(array)
    for more in (b"\0", bytes(8), data):
        assert not sound(data + more, "float32", (2000,))
        assert not sound(more + data, "float32", (2000,))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(list(DTYPES)), st.lists(st.integers(0, 9), max_size=3))
def test_any_bytes_are_damage_or_an_array_of_the_shape_they_claim(data, dtype, shape):
    sound(data, dtype, tuple(shape))


def test_any_changed_byte_is_damage_or_an_array_of_the_same_shape():
    array = np.concatenate([np.zeros(3000, np.float32), np.random.default_rng(0).normal(size=300).astype(np.float32)])
    data, draw, noticed = pack(array), random.Random(0), 0
    for place in draw.sample(range(len(data)), min(len(data), 400)):
        noticed += not sound(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :], "float32", array.shape)
    assert noticed > 5


@pytest.mark.parametrize("dtype", ["float128", "object", "O", "<f4", "complex64", "parquet", "", "str32", "float32 "])
def test_other_types_are_damage(dtype):
    with pytest.raises(DamageError, match="claims the type"):
        unpack(b"", dtype, (0,))


@pytest.mark.parametrize("shape", [(-1,), (2, -3), (-1, -1), (1.5,), ("3",), (None,), ((2,),), ({},)])
def test_senseless_shapes_are_damage(shape):
    with pytest.raises(DamageError, match="claims the type"):
        unpack(pack(np.zeros(1, np.float32)), "float32", shape)


@pytest.mark.parametrize("shape", [(2**28 + 1,), (10**12,), (2**40, 2**40), (10**1000,)])
def test_absurd_sizes_are_damage_before_they_take_memory(shape):
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match=f"where at most {LARGEST:,} are expected|a shape that none here has"):
            unpack(pack(np.zeros(1, np.float32)), "float32", shape)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "shape", [(0, 10**30), (10**30, 0), (0, 2**62, 2**62), (1,) * 100, (0,) * 100, (10**4000,) * 2]
)
def test_shapes_that_no_array_can_have_are_damage(shape):
    count = 0 if 0 in shape else 1
    with pytest.raises(DamageError):
        unpack(pack(np.zeros(count, np.float32)), "float32", shape)


# --- bombs -------------------------------------------------------------------------------------------------------


def bomb(size):
    deflate = zlib.compressobj(9)
    return b"".join(deflate.compress(bytes(2**20)) for _ in range(size // 2**20)) + deflate.flush()


def test_a_plane_that_would_yield_more_than_is_claimed_is_stopped():
    data = plane(bomb(2**28)) + 3 * plane(bytes(100))
    assert len(data) < 2**19
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match="does not unpack to the 100 bytes"):
            unpack(data, "float32", (100,))
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [2**63, 2**64 - 1, 10**9])
def test_a_length_beyond_the_end_is_damage(size):
    with pytest.raises(DamageError):
        unpack(plane(b"abc", size) * 4, "float32", (3,))


def test_deflated_bytes_with_something_behind_them_are_damage():
    data = zlib.compress(bytes(100))
    for odd in (data + b"x", data[:-1], data[:-4], zlib.compress(bytes(99)), zlib.compress(bytes(101)), b""):
        with pytest.raises(DamageError):
            unpack(plane(odd) + 3 * plane(bytes(100)), "float32", (100,))
