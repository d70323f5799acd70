"""S2 cells in numpy: 64-bit ids, vectorised over points, equal to the official library.

The Earth is projected onto the six faces of a cube; a face is a square of 2³⁰ × 2³⁰ leaf cells, in
the order of a Hilbert curve. An id holds three bits of face, two bits a level, and a one that marks
where the levels end. Described at https://s2geometry.io/devguide/s2cell_hierarchy.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import PartitionError

IdArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

MAX_LEVEL: Final = 30
#: Cells along the edge of a face at the last level.
_SIZE: Final = 1 << MAX_LEVEL
#: Points projected at a time: what one pass touches stays in the processor's cache.
_BLOCK: Final = 16_384
#: Levels of the Hilbert curve that one look into the table goes down.
_STEP: Final = 5
#: The square's four quarters in the curve's order, for its four ways to lie: (i, j) as 2i + j.
#: Bit 0 of a way swaps i and j, bit 1 turns both over.
_QUARTERS: Final = ((0, 1, 3, 2), (0, 2, 3, 1), (3, 2, 0, 1), (3, 1, 0, 2))
#: How each quarter lies, seen from its square.
_TURNS: Final = (1, 0, 0, 3)


def _check_level(level: int) -> None:
    if not 0 <= level <= MAX_LEVEL:
        raise PartitionError(f"S2 level {level}: choose 0 to {MAX_LEVEL}")


@cache
def _tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Both ways through ``_STEP`` levels: (i, j, way) → (position, way), and back.

    Keys and values hold the ten bits of the place above the two bits of the way.
    """
    there = np.zeros(4 << (2 * _STEP), np.uint32)
    back = np.zeros_like(there)

    for start in range(4):
        squares = [(0, 0, 0, start)]
        for _ in range(_STEP):
            squares = [
                (i << 1 | ij >> 1, j << 1 | ij & 1, position << 2 | quarter, way ^ turn)
                for i, j, position, way in squares
                for quarter, (ij, turn) in enumerate(zip(_QUARTERS[way], _TURNS, strict=True))
            ]
        for i, j, position, way in squares:
            place = (i << _STEP | j) << 2
            there[place | start] = position << 2 | way
            back[position << 2 | start] = place | way
    return there, back


def _faces(xyz: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """The face of each vector and its u, v on that face; the z axis wins ties, then y."""
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    ax, ay, az = np.abs(x), np.abs(y), np.abs(z)
    on_x = (ax > ay) & (ax > az)
    on_y = (ay >= ax) & (ay > az)
    major = np.where(on_x, x, np.where(on_y, y, z))
    face = np.where(on_x, 0, np.where(on_y, 1, 2)) + np.where(major < 0, 3, 0)
    # The frames of the six faces (S2 XYZtoFaceUV): each is a choice of two axes over the third.
    left = np.where(on_x, np.where(major < 0, z, y), np.where(on_y, np.where(major < 0, z, -x), -x))
    left = np.where(~on_x & ~on_y & (major < 0), -y, left)
    right = np.where(
        on_x, np.where(major < 0, y, z), np.where(on_y, np.where(major < 0, -x, z), -y)
    )
    right = np.where(~on_x & ~on_y & (major < 0), -x, right)
    return face, left / major, right / major


def _st(u: FloatArray) -> FloatArray:
    """The quadratic projection that evens out the cells: u in [−1, 1] → s in [0, 1]."""
    root = np.sqrt(1.0 + 3.0 * np.abs(u))
    return np.where(u >= 0, 0.5 * root, 1.0 - 0.5 * root)


def _uv(s: FloatArray) -> FloatArray:
    """The inverse of :func:`_st`; s outside [0, 1] goes past the edge of the face."""
    return np.where(s >= 0.5, (4.0 * s * s - 1.0) / 3.0, (1.0 - 4.0 * (1.0 - s) ** 2) / 3.0)


def _xyz(face: npt.NDArray[np.integer], u: FloatArray, v: FloatArray) -> FloatArray:
    """The vector, not of unit length, of a place on a face."""
    one = np.ones_like(u)
    by_face = (
        (one, u, v), (-u, one, v), (-u, -v, one), (-one, -v, -u), (v, -one, -u), (v, u, -one)
    )  # fmt: skip
    out = np.empty((*u.shape, 3))
    for axis in range(3):
        out[..., axis] = np.choose(face, [frame[axis] for frame in by_face])
    return out


def _leaves(face: IntArray, i: IntArray, j: IntArray) -> IdArray:
    """The ids of leaf cells at (i, j) of a face."""
    there, _ = _tables()
    way = (face & 1).astype(np.uint32)
    mask = np.uint32((1 << _STEP) - 1)
    i32, j32 = i.astype(np.uint32), j.astype(np.uint32)
    ids = face.astype(np.uint64)
    for shift in range(MAX_LEVEL - _STEP, -1, -_STEP):
        place = (i32 >> np.uint32(shift) & mask) << np.uint32(_STEP) | (
            j32 >> np.uint32(shift) & mask
        )
        entry = there[place << np.uint32(2) | way]
        ids = ids << np.uint64(2 * _STEP) | (entry >> np.uint32(2))
        way = entry & np.uint32(3)
    return ids << np.uint64(1) | np.uint64(1)


def _face_ij(ids: IdArray) -> tuple[IntArray, IntArray, IntArray]:
    """Face, i and j of the first leaf on the curve's way through each cell's centre."""
    _, back = _tables()
    face = (ids >> np.uint64(61)).astype(np.int64)
    way = (face & 1).astype(np.uint32)
    i, j = np.zeros(ids.shape, np.int64), np.zeros(ids.shape, np.int64)
    mask = np.uint64((1 << 2 * _STEP) - 1)
    for shift in range(61 - 2 * _STEP, 0, -2 * _STEP):
        position = (ids >> np.uint64(shift) & mask).astype(np.uint32)
        entry = back[position << np.uint32(2) | way].astype(np.int64)
        i = i << _STEP | entry >> (2 + _STEP)
        j = j << _STEP | entry >> 2 & (1 << _STEP) - 1
        way = (entry & 3).astype(np.uint32)
    return face, i, j


def cell_ids(latlon: npt.ArrayLike, level: int = MAX_LEVEL) -> IdArray:
    """The S2 cell of each point at ``level``.

    Args:
        latlon: (n, 2) degrees; any longitude.
        level: 0 (a sixth of the Earth) to 30 (about a square centimetre).

    Returns:
        uint64 (n,).

    Raises:
        PartitionError: the level is outside 0–30.
        GraticuleError: a coordinate is not finite, or a latitude outside ±90.
    """
    _check_level(level)
    points = sphere.as_latlon(latlon)
    ids = np.empty(len(points), np.uint64)
    for start in range(0, len(points), _BLOCK):
        part = slice(start, start + _BLOCK)
        face, u, v = _faces(sphere.unit_vectors(points[part]))
        i = np.clip(np.floor(_SIZE * _st(u)), 0, _SIZE - 1).astype(np.int64)
        j = np.clip(np.floor(_SIZE * _st(v)), 0, _SIZE - 1).astype(np.int64)
        ids[part] = _leaves(face, i, j)
    return ids if level == MAX_LEVEL else parent(ids, level)


def _last_bit(ids: IdArray) -> IdArray:
    return ids & (~ids + np.uint64(1))


def level_of(ids: npt.ArrayLike) -> IntArray:
    """The level of each id, (n,)."""
    # A power of two is exact as a float, so its logarithm is too.
    trailing = np.log2(_last_bit(np.asarray(ids, np.uint64)).astype(np.float64))
    return MAX_LEVEL - trailing.astype(np.int64) // 2


def parent(ids: npt.ArrayLike, level: int) -> IdArray:
    """The ancestor of each id at ``level``, which must not be finer than the id's own."""
    _check_level(level)
    bit = np.uint64(1) << np.uint64(2 * (MAX_LEVEL - level))
    return np.asarray(ids, np.uint64) & (~bit + np.uint64(1)) | bit


def children(ids: npt.ArrayLike) -> IdArray:
    """The four quarters of each cell in the curve's order, (n, 4).

    Raises:
        PartitionError: a cell is a leaf.
    """
    cells = np.atleast_1d(np.asarray(ids, np.uint64))
    bit = _last_bit(cells)
    if (bit == 1).any():
        raise PartitionError(f"an S2 cell of level {MAX_LEVEL} has no children")
    quarter = bit >> np.uint64(2)
    first = cells - bit + quarter
    return first[:, None] + np.arange(4, dtype=np.uint64) * (quarter[:, None] << np.uint64(1))


def ranges(ids: npt.ArrayLike) -> tuple[IdArray, IdArray]:
    """The first and the last leaf id inside each cell."""
    cells = np.asarray(ids, np.uint64)
    reach = _last_bit(cells) - np.uint64(1)
    return cells - reach, cells + reach


def _corner(ids: IdArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Face, the lowest i and j of each cell, and its size, in leaf cells."""
    face, i, j = _face_ij(ids)
    size = np.left_shift(1, MAX_LEVEL - level_of(ids))
    return face, i & -size, j & -size, size


def centers(ids: npt.ArrayLike) -> FloatArray:
    """The middle of each cell, (n, 2) degrees."""
    cells = np.atleast_1d(np.asarray(ids, np.uint64))
    face, i, j, size = _corner(cells)
    u, v = (_uv((low + size / 2) / _SIZE) for low in (i, j))
    return sphere.from_unit_vectors(_xyz(face, u, v))


def vertices(ids: npt.ArrayLike) -> FloatArray:
    """The four corners of each cell, counter-clockwise, (n, 4, 2) degrees.

    Their edges are great circles.
    """
    cells = np.atleast_1d(np.asarray(ids, np.uint64))
    face, i, j, size = (part[:, None] for part in _corner(cells))
    u = _uv((i + size * np.array([0, 1, 1, 0])) / _SIZE)
    v = _uv((j + size * np.array([0, 0, 1, 1])) / _SIZE)
    return sphere.from_unit_vectors(_xyz(np.broadcast_to(face, u.shape), u, v))


def neighbours(ids: npt.ArrayLike) -> IdArray:
    """The four cells of the same level across each cell's edges, (n, 4): down, right, up, left.

    Past the edge of a face the neighbour is on the next face.
    """
    cells = np.atleast_1d(np.asarray(ids, np.uint64))
    face, i, j, size = (part[:, None] for part in _corner(cells))
    # From the middle of the cell one cell's width out; past a face, just over its edge.
    middle_i = i + size / 2 + size * np.array([0, 1, 0, -1])
    middle_j = j + size / 2 + size * np.array([-1, 0, 1, 0])
    s, t = (np.clip(m, -0.25, _SIZE + 0.25) / _SIZE for m in (middle_i, middle_j))
    wide = np.broadcast_to(face, s.shape)
    leaf_face, u, v = _faces(_xyz(wide, _uv(s), _uv(t)))
    leaf_i, leaf_j = (
        np.clip(np.floor(_SIZE * _st(w)), 0, _SIZE - 1).astype(np.int64) for w in (u, v)
    )
    leaves = _leaves(leaf_face, leaf_i, leaf_j)
    bit = _last_bit(cells)[:, None]
    return leaves & (~bit + np.uint64(1)) | bit


def tokens(ids: npt.ArrayLike) -> tuple[str, ...]:
    """Ids as they are written: hexadecimal without the zeros at the end."""
    return tuple(f"{int(cell):016x}".rstrip("0") or "X" for cell in np.atleast_1d(ids))


def from_tokens(written: npt.ArrayLike) -> IdArray:
    """The ids of tokens, uint64 (n,).

    Raises:
        PartitionError: a token is not that of a cell.
    """
    ids = np.empty(np.size(written), np.uint64)
    for row, token in enumerate(np.atleast_1d(written)):
        try:
            ids[row] = int(str(token).ljust(16, "0"), 16)
        except (ValueError, OverflowError) as error:
            raise PartitionError(f"{token!r} is not an S2 token") from error
    even = np.log2(np.maximum(_last_bit(ids), np.uint64(1)).astype(np.float64)) % 2 == 0
    bad = (ids == 0) | (ids >> np.uint64(61) > 5) | ~even
    if bad.any():
        raise PartitionError(f"{np.atleast_1d(written)[bad.argmax()]!r} is not an S2 token")
    return ids
