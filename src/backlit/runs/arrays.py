"""Arrays as bytes and back, and where a run file keeps them: each once, by the hash of what is stored.

The last bits of weights look random, so an array is stored plane by plane: the first bytes of all its numbers, then
the second ones, and so on, each plane behind its length and deflated only where a sample of it shrinks.
"""

from __future__ import annotations

import json
import math
import sqlite3
import struct
import zlib
from contextlib import suppress

import numpy as np

from backlit.runs.schema import LARGEST, Blob, DamageError, digest, made, parsed, put
from backlit.runs.sense import rows_of

#: of arrays that can be kept, the optimizer's memory among them, and how they are stored
DTYPES = {kind.name: kind.newbyteorder("<").str for kind in map(np.dtype, "?bhiqBHIQefd")}

_SAMPLE = 4096
_WORTH = 0.8  # of its size: what a sample must shrink to


def pack(array: np.ndarray) -> bytes:
    """The array's bytes, little-endian, made smaller."""
    array = np.ascontiguousarray(array, DTYPES[array.dtype.name])
    planes = array.reshape(-1).view(np.uint8).reshape(-1, array.itemsize).T
    return b"".join(struct.pack("<Q", len(part)) + part for part in map(_deflated, planes))


def unpack(data: bytes, dtype: str, shape: tuple[int, ...], limit: int = LARGEST) -> np.ndarray:
    """The array again.

    Raises
    ------
    DamageError
        The bytes do not hold exactly that array, or it takes more than `limit` bytes; told before it takes them.
    """
    sensible = len(shape) <= 8 and all(isinstance(n, int) and 0 <= n < 2**62 for n in shape)
    if dtype not in DTYPES or not sensible:
        raise DamageError("damage.array_type", type=dtype[:20])
    kind, count = np.dtype(DTYPES[dtype]), math.prod(shape)
    if (claimed := max(count, *shape, 0) * kind.itemsize) > limit:
        raise DamageError("damage.array_size", size=claimed, limit=limit)
    parts, at = [], 0
    for _ in range(kind.itemsize):
        if at + 8 <= len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            parts.append(data[at + 8 : at + 8 + size])
            at += 8 + size
    if at != len(data) or len(parts) != kind.itemsize:
        raise DamageError("damage.array_end", at=at, size=len(data))
    flat = np.empty((count, kind.itemsize), np.uint8)
    for plane, part in enumerate(parts):
        flat[:, plane] = np.frombuffer(part if len(part) == count else _inflated(part, count), np.uint8)
    return flat.reshape(-1).view(kind).astype(kind.newbyteorder("="), copy=False).reshape(shape)


def _deflated(plane: np.ndarray) -> bytes:
    raw = plane.tobytes()
    if len(_quickly_deflated(raw[:_SAMPLE])) > _WORTH * min(len(raw), _SAMPLE):
        return raw
    packed = _quickly_deflated(raw)
    return packed if len(packed) < len(raw) else raw  # of the raw size is only what is raw


def _quickly_deflated(raw: bytes) -> bytes:
    """Deflate that looks for runs only: what repeats in weights are runs of zeros and a few exponents."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return deflate.compress(raw) + deflate.flush()


def _inflated(data: bytes, size: int) -> bytes:
    """Exactly `size` bytes; what would yield more is stopped there."""
    inflate = zlib.decompressobj()
    with suppress(zlib.error):
        raw = inflate.decompress(data, size + 1)
        if len(raw) == size and inflate.eof and not inflate.unused_data:
            return raw
    raise DamageError("damage.array_bytes", size=size)


# --- in a run file -----------------------------------------------------------------------------------------------


def blob_of(array: np.ndarray) -> Blob:
    """An array as it is kept."""
    facts = (array.dtype.name, json.dumps(array.shape), pack(array))
    return Blob(digest(*facts), *facts)


def keep(file: sqlite3.Connection, blob: Blob) -> str:
    """Keep what is not there yet; its hash, as 32 hexadecimal digits."""
    if not file.execute("SELECT 1 FROM blobs WHERE hash = ?", (blob.hash,)).fetchone():
        put(file, blob)
    return blob.hash.hex()


def store(file: sqlite3.Connection, array: np.ndarray) -> str:
    """Keep an array; its hash."""
    return keep(file, blob_of(array))


def load_blob(file: sqlite3.Connection, key: str) -> Blob:
    """What is kept under a hash."""
    blobs = rows_of(file, Blob, "hash = ?", made(bytes.fromhex, key))
    if not blobs:
        raise DamageError("damage.no_array", hash=key)
    return blobs[0]


def load(file: sqlite3.Connection, key: str, shape: tuple[int, ...] | None = None, limit: int = LARGEST) -> np.ndarray:
    """The array of a hash, read-only; raises `DamageError` where it has another shape, or takes more bytes."""
    blob = load_blob(file, key)
    claimed = shape_of(blob)
    if shape is not None and claimed != shape:
        raise DamageError("damage.array_shape", hash=key, shape=claimed, expected=shape)
    array = unpack(blob.data, blob.dtype, claimed, limit)
    array.flags.writeable = False
    return array


def shape_of(blob: Blob) -> tuple[int, ...]:
    """The shape that an array claims."""
    return made(lambda shape: tuple(shape), parsed(blob.shape))
