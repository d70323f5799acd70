"""Splits that do not leak: disjoint by a key, by place with a buffer, or by time.

A split is a column, ``train``, ``val`` or ``test`` for each row and "" for a row left out; no file
is copied. What has to stay together is given as integer codes, one a row, −1 where unknown: a row
that is known by nothing stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import ManifestError

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

IntArray = npt.NDArray[np.int64]

SIDES: Final = ("train", "val", "test")
SIZES: Final = (0.8, 0.1, 0.1)
#: What `by` may be for a split whose key is a column.
KEYS: Final = ("photographer", "sequence", "group", "source")


def codes(manifest: Manifest, name: str) -> IntArray:
    """A column as numbers of its distinct values, int64 (n,); −1 where unknown.

    Raises:
        ManifestError: there is no such column, or no row has a value.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.chunked_array(
        [batch.column(0) for batch in manifest.batches([name])], type=pa.string()
    )
    encoded = column.dictionary_encode().unify_dictionaries()
    parts = [pc.fill_null(chunk.indices.cast(pa.int64()), -1) for chunk in encoded.chunks]
    found = np.concatenate([part.to_numpy(zero_copy_only=False) for part in parts] or [np.empty(0)])
    if not (found >= 0).any():
        raise ManifestError(f"{manifest.path}: no row has a {name}; split by something else")
    return found.astype(np.int64)


def join(*keys: IntArray) -> IntArray:
    """Rows that any key holds together, directly or through others, get one number 0…m−1, (n,).

    A photographer's photos and the near-duplicates of them that others posted are one component.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(keys[0])
    rows, nodes, offset = [], [], n
    for key in keys:
        known = np.flatnonzero(key >= 0)
        rows.append(known)
        nodes.append(key[known] + offset)
        offset += int(key.max(initial=-1)) + 1
    at, to = np.concatenate(rows), np.concatenate(nodes)
    graph = coo_matrix((np.ones(len(at), dtype=bool), (at, to)), shape=(offset, offset))
    labels = connected_components(graph, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def by_key(
    components: IntArray,
    *,
    sizes: Sequence[float] = SIZES,
    strata: IntArray | None = None,
    seed: int = 0,
) -> IntArray:
    """Put whole components on sides, so that the sides come near to their sizes.

    Large components are dealt first, each to a side that has room, with chances by the room left
    there and left there for its stratum. Lone rows are then dealt within their strata.

    Args:
        components: (n,) numbers 0…m−1, from :func:`join`.
        sizes: shares of the sides; they sum to one.
        strata: (n,) for instance country codes, −1 unknown: each side gets its share of each.
        seed: same seed, same split.

    Returns:
        int64 (n,): the number of the side.

    Raises:
        ManifestError: the sizes are not shares.
    """
    shares = _shares(sizes)
    n = len(components)
    if n == 0:
        return np.empty(0, dtype=np.int64)
    rng = np.random.default_rng(seed)
    layer = np.zeros(n, np.int64) if strata is None else np.asarray(strata, np.int64) + 1
    layers = int(layer.max()) + 1
    need = shares * np.bincount(layer, minlength=layers)[:, None]
    counts = np.bincount(components)
    side_of = np.full(len(counts), -1, dtype=np.int64)
    first = np.full(len(counts), -1, dtype=np.int64)
    first[components[::-1]] = np.arange(n)[::-1]
    many = np.flatnonzero(counts > 1)
    order = many[np.lexsort((rng.random(len(many)), -counts[many]))]
    _deal(order, counts, layer[first], need, side_of, rng)
    lone = np.flatnonzero(counts == 1)
    side_of[lone] = _deal_lone(layer[first[lone]], need, rng)
    _fill_empty(side_of, counts, shares)
    return side_of[components]


def _fill_empty(side_of: IntArray, counts: IntArray, shares: npt.NDArray[np.float64]) -> None:
    """Give a side that got nothing the smallest component of the side that has most of them."""
    for side in np.flatnonzero(shares > 0):
        held = np.bincount(side_of, minlength=len(shares))
        giver = int(held.argmax())
        if held[side] == 0 and held[giver] > 1:
            own = np.flatnonzero(side_of == giver)
            side_of[own[counts[own].argmin()]] = side


def _shares(sizes: Sequence[float]) -> npt.NDArray[np.float64]:
    shares = np.asarray(sizes, dtype=np.float64)
    if len(shares) != len(SIDES) or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        text = ", ".join(f"{share:g}" for share in shares)
        raise ManifestError(f"sizes {text}: give shares of train, val, test that sum to 1")
    return shares


def _deal(
    order: IntArray,
    counts: IntArray,
    layer: IntArray,
    need: npt.NDArray[np.float64],
    side_of: IntArray,
    rng: np.random.Generator,
) -> None:
    """Deal components with more than one row; ``need`` (layers, sides) is left with the rest."""
    room = list(need.sum(axis=0))
    by_layer = need.tolist()
    draws = rng.random(len(order)).tolist()
    sides = range(len(room))
    for component, draw in zip(order.tolist(), draws, strict=True):
        size, wanted = int(counts[component]), by_layer[int(layer[component])]
        # A stratum that is full on a side is still allowed there, at long odds.
        weights = [
            room[s] * (max(wanted[s], 0.0) + 0.02 * room[s]) if room[s] >= size else 0.0
            for s in sides
        ]
        total = sum(weights)
        if total > 0:
            mark, chosen = draw * total, 0
            while chosen < len(weights) - 1 and mark >= weights[chosen]:
                mark -= weights[chosen]
                chosen += 1
        else:
            chosen = max(sides, key=lambda s: room[s])
        side_of[component] = chosen
        room[chosen] -= size
        wanted[chosen] -= size
    need[:] = by_layer


def _deal_lone(
    layer: IntArray, need: npt.NDArray[np.float64], rng: np.random.Generator
) -> IntArray:
    """Sides of rows that stand alone, by what each stratum still needs."""
    n = len(layer)
    if n == 0:
        return np.empty(0, dtype=np.int64)
    rest = np.maximum(need, 0.0)
    empty = rest.sum(axis=1) == 0
    rest[empty] = np.maximum(need.sum(axis=0), 1e-9)
    bounds = np.cumsum(rest / rest.sum(axis=1, keepdims=True), axis=1)
    order = np.lexsort((rng.random(n), layer))
    size = np.bincount(layer, minlength=len(need))
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    ordered = layer[order]
    # One offset a stratum: a country with a single photo is in test as often as the share says.
    place = (np.arange(n) - start[ordered] + rng.random(len(need))[ordered]) / size[ordered]
    sides = np.empty(n, dtype=np.int64)
    sides[order] = (place[:, None] >= bounds[ordered][:, :-1]).sum(axis=1)
    return sides


def by_place(
    latlon: npt.NDArray[np.float64],
    blocks: IntArray,
    *,
    buffer_km: float,
    sizes: Sequence[float] = SIZES,
    together: IntArray | None = None,
    strata: IntArray | None = None,
    seed: int = 0,
) -> IntArray:
    """Whole blocks of the Earth on sides, and no two sides nearer than the buffer.

    Rows of train that are within the buffer of val or test are left out, and rows of val within
    the buffer of test. A row without a place is left out: nobody can say whom it stands beside.

    Args:
        latlon: (n, 2) degrees, NaN where unknown.
        blocks: (n,) number of the block that each place is in, −1 where unknown.
        buffer_km: the least distance between rows on different sides.
        sizes: shares of the sides, before the buffer is taken out.
        together: (n,) further codes to keep on one side, as groups of near-duplicates.
        strata: (n,) codes, see :func:`by_key`.
        seed: same seed, same split.

    Returns:
        int64 (n,): the number of the side, −1 for a row left out.
    """
    located = np.flatnonzero(np.isfinite(latlon).all(axis=1) & (blocks >= 0))
    if not len(located):
        raise ManifestError("no row has coordinates; split by something else than place")
    keys = [blocks[located]] if together is None else [blocks[located], together[located]]
    layer = None if strata is None else strata[located]
    dealt = by_key(join(*keys), sizes=sizes, strata=layer, seed=seed)
    points = sphere.unit_vectors(latlon[located])
    for side in range(len(SIDES) - 1):
        _clear(points, dealt, side, buffer_km)
    sides = np.full(len(latlon), -1, dtype=np.int64)
    sides[located] = dealt
    return sides


def _clear(points: npt.NDArray[np.float64], sides: IntArray, side: int, buffer_km: float) -> None:
    """Leave out rows of ``side`` that are within the buffer of a later side."""
    from scipy.spatial import cKDTree

    mine, others = np.flatnonzero(sides == side), np.flatnonzero(sides > side)
    if buffer_km <= 0 or not len(mine) or not len(others):
        return
    # Many photos share a place: the tree holds each once.
    tree = cKDTree(np.unique(np.round(points[others], 9), axis=0))
    # A metre more than asked, for what rounding took.
    reach = float(sphere.chord(buffer_km + 0.001))
    for start in range(0, len(mine), 100_000):
        part = mine[start : start + 100_000]
        gap, _ = tree.query(points[part], distance_upper_bound=reach)
        sides[part[np.isfinite(gap)]] = -1


def by_time(
    moments: npt.NDArray[np.datetime64],
    *,
    sizes: Sequence[float] = SIZES,
    together: IntArray | None = None,
) -> IntArray:
    """Cut by time: train is before val, val before test.

    A moment is on one side. Of a group that spans a cut, the rows before the cut are left out; so
    is a row without a date.

    Args:
        moments: (n,) ``datetime64``, NaT where unknown.
        sizes: shares of the sides.
        together: (n,) codes of groups that are not to be cut.

    Returns:
        int64 (n,): the number of the side, −1 for a row left out.
    """
    shares = _shares(sizes)
    dated = np.flatnonzero(~np.isnat(moments))
    if not len(dated):
        raise ManifestError("no row has a captured_at; split by something else than time")
    when = moments[dated].astype("datetime64[s]").astype(np.int64)
    ordered = np.sort(when)
    cuts = np.minimum((np.cumsum(shares)[:-1] * len(ordered)).astype(np.int64), len(ordered) - 1)
    sides = np.full(len(moments), -1, dtype=np.int64)
    dealt = np.searchsorted(ordered[cuts], when, side="right")
    if together is not None:
        component = join(together[dated])
        latest = np.zeros(component.max() + 1, dtype=np.int64)
        np.maximum.at(latest, component, dealt)
        dealt = np.where(dealt == latest[component], dealt, -1)
    sides[dated] = dealt
    return sides


def words(sides: IntArray) -> npt.NDArray[np.object_]:
    """Numbers of sides as the column holds them: train, val, test, "" for a row left out."""
    return np.array([*SIDES, ""], dtype=object)[sides]


def moments(manifest: Manifest) -> npt.NDArray[np.datetime64]:
    """``captured_at`` as local clock time, ``datetime64[s]`` (n,); NaT where unknown or no date."""
    import pyarrow.compute as pc

    from graticule.photos import schema

    parts = [np.empty(0, dtype="datetime64[s]")]
    for batch in manifest.batches(["captured_at"]):
        text = batch.column(0)
        good = pc.fill_null(pc.match_substring_regex(text, schema.DATE_PATTERN), False)
        bare = pc.utf8_slice_codeunits(pc.if_else(good, text, "NaT"), 0, 19)
        bare = pc.replace_substring_regex(bare, r"^(.{16})(Z|[+-].*)$", r"\1")
        parts.append(np.array(bare.to_pylist(), dtype="datetime64[s]"))
    return np.concatenate(parts)
