"""Near-duplicates: the same picture twice, cropped, scaled or a second later, found among millions.

A perceptual hash of 64 bits a photo (Zauner, "Implementation and benchmarking of perceptual image
hash functions", 2010), and pairs whose hashes differ in few bits found by banding (Manku, Jain, Das
Sarma, "Detecting near-duplicates for web crawling", WWW 2007): in memory of a few dozen bytes a
photo, without comparing all pairs. Embeddings, handed in from above, confirm those pairs and add
more through their own 64 bits (Charikar, "Similarity estimation techniques from rounding
algorithms", STOC 2002).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.errors import PhotoError

Hashes = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]

BITS = 64
#: Bits that two hashes of one picture may differ in.
RADIUS = 6
#: Cosine of embeddings from which two photos count as one picture.
COSINE = 0.95
#: Side of the grey picture that is transformed, and of the low frequencies that are kept.
_SIDE, _LOW = 32, 8


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> int:
    """64 bits of an RGB picture (h, w, 3): which low frequencies are stronger than their median.

    The discrete cosine transform of 32×32 grey pixels; the mean brightness is left out.
    """
    return _bits(_low_frequencies(pixels))


def perceptual_hashes(pixels: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """The :func:`perceptual_hash` of a picture, and that of its mirror image."""
    low = _low_frequencies(pixels)
    # What is odd from left to right changes its sign in the mirror.
    return _bits(low), _bits(low * np.where(np.arange(_LOW) % 2, -1.0, 1.0))


def _low_frequencies(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    from PIL import Image
    from scipy.fft import dctn

    # Not by boxes: of a small picture they hold one pixel or two, and a smaller copy hashes anew.
    grey = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return np.asarray(dctn(np.asarray(grey, dtype=np.float64), norm="ortho")[:_LOW, :_LOW])


def _bits(low: npt.NDArray[np.float64]) -> int:
    flat = low.ravel()
    bits = flat > np.median(flat[1:])
    bits[0] = False
    return int(np.packbits(bits).view(">u8")[0])


def hash_photos(
    files: Sequence[Path], *, threads: int | None = None
) -> tuple[Hashes, npt.NDArray[np.bool_]]:
    """Hashes of photos, uint64 (n,), and which photos could be read, (n,)."""
    from concurrent.futures import ThreadPoolExecutor

    from graticule.photos.photo import open_photo
    from graticule.progress import track

    def one(file: Path) -> int | None:
        try:
            return perceptual_hash(np.asarray(open_photo(file, draft=64).image))
        except PhotoError:
            return None

    hashes, read = np.zeros(len(files), np.uint64), np.zeros(len(files), dtype=bool)
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        # In portions: a pool keeps every task it was given.
        for start in range(0, len(files), 4096):
            part = files[start : start + 4096]
            for i, found in enumerate(track(pool.map(one, part), "hashing", len(part)), start):
                hashes[i], read[i] = found or 0, found is not None
    return hashes, read


def near_pairs(hashes: Hashes, radius: int = RADIUS) -> Pairs:
    """All pairs of rows whose hashes differ in at most ``radius`` bits, linked; int64 (k, 2).

    Rows of one hash are given as a chain, not as every pair; of different hashes each pair once.
    """
    values, inverse = np.unique(hashes, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    same = inverse[order][1:] == inverse[order][:-1]
    found = [np.stack([order[:-1][same], order[1:][same]], axis=1)]
    if radius > 0 and len(values) > 1:
        first = np.full(len(values), len(hashes), dtype=np.int64)
        np.minimum.at(first, inverse, np.arange(len(hashes)))
        close = [
            pairs for mask in _masks(len(values), radius) for pairs in _bucket(values, mask, radius)
        ]
        if close:
            found.append(first[np.unique(np.concatenate(close), axis=0)])
    return np.concatenate(found)


def nearest(ours: Hashes, theirs: Hashes, radius: int = RADIUS) -> IntArray:
    """A row of ``theirs`` whose hash differs least from each of ``ours``, int64 (n,).

    −1 where all differ in more than ``radius`` bits. By the same bands as :func:`near_pairs`, in
    memory of both sets; one too large to be held passes by in portions.
    """
    found = np.full(len(ours), -1, dtype=np.int64)
    values, first = np.unique(theirs, return_index=True)
    if not len(ours) or not len(values):
        return found
    least = np.full(len(ours), radius + 1)
    for mask in _masks(len(ours) + len(values), radius):
        keys = values & np.uint64(mask)
        order = np.argsort(keys)
        keys = keys[order]
        asked = ours & np.uint64(mask)
        at = np.searchsorted(keys, asked, side="left")
        stop = np.searchsorted(keys, asked, side="right")
        rows = np.flatnonzero(at < stop)
        while len(rows):
            other = order[at[rows]]
            bits = np.bitwise_count(ours[rows] ^ values[other])
            nearer = bits < least[rows]
            least[rows[nearer]] = bits[nearer]
            found[rows[nearer]] = first[other[nearer]]
            at[rows] += 1
            rows = rows[at[rows] < stop[rows]]
    return found


def _masks(n: int, radius: int) -> list[int]:
    """Sets of bits: hashes within the radius agree on all bits of at least one of them.

    The bits are cut into radius + m bands, of which at most ``radius`` differ; so m agree. More
    photos need a larger m, or the buckets of those that agree by chance grow.
    """
    wanted = max(8.0, np.log2(max(2, n)) - 2)
    m = 1
    while m * BITS / (radius + m) < wanted and m < 4:
        m += 1
    edges = np.linspace(0, BITS, radius + m + 1).round().astype(int).tolist()
    bands = [(1 << b) - (1 << a) for a, b in itertools.pairwise(edges)]
    return [sum(chosen) for chosen in itertools.combinations(bands, m)]


def _bucket(values: Hashes, mask: int, radius: int) -> Iterator[Pairs]:
    """Pairs within the radius among values that agree on a mask."""
    keys = values & np.uint64(mask)
    order = np.argsort(keys)
    keys = keys[order]
    left = np.arange(len(keys) - 1)
    shift = 1
    while len(left):
        left = left[left + shift < len(keys)]
        left = left[keys[left] == keys[left + shift]]
        a, b = order[left], order[left + shift]
        close = np.bitwise_count(values[a] ^ values[b]) <= radius
        if close.any():
            yield np.sort(np.stack([a[close], b[close]], axis=1), axis=1)
        shift += 1


def embedding_pairs(
    embeddings: npt.NDArray[np.floating], *, cosine: float = COSINE, seed: int = 0
) -> Pairs:
    """Pairs of rows with at least this cosine, int64 (k, 2); some are missed, none is invented.

    The 64 bits are the sides of random planes, so the search is that of :func:`near_pairs`.
    """
    unit = _unit(embeddings)
    planes = np.random.default_rng(seed).standard_normal((unit.shape[1], BITS)).astype(np.float32)
    signs = np.empty(len(unit), dtype=np.uint64)
    for start in range(0, len(unit), 65_536):
        side = unit[start : start + 65_536] @ planes > 0
        signs[start : start + 65_536] = np.packbits(side, axis=1).view(">u8")[:, 0]
    return _confirmed(near_pairs(signs, RADIUS), unit, cosine)


def _unit(embeddings: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    values = np.asarray(embeddings, dtype=np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _confirmed(pairs: Pairs, unit: npt.NDArray[np.float32], cosine: float) -> Pairs:
    if not len(pairs):
        return pairs
    likeness = np.einsum("nd,nd->n", unit[pairs[:, 0]], unit[pairs[:, 1]])
    return np.asarray(pairs[likeness >= cosine])


def groups(
    hashes: Hashes,
    read: npt.NDArray[np.bool_] | None = None,
    *,
    radius: int = RADIUS,
    embeddings: npt.NDArray[np.floating] | None = None,
    cosine: float = COSINE,
    known: IntArray | None = None,
) -> IntArray:
    """Put near-duplicates in one group.

    Args:
        hashes: (n,) from :func:`hash_photos`.
        read: (n,) rows to look at; a photo that could not be read is like no other.
        radius: bits that may differ.
        embeddings: (n, d); a pair of near hashes then has to be near here too, and pairs that are
            near here are added.
        cosine: what is near for embeddings.
        known: (n,) groups that are known already, −1 for none; they are joined, never cut.

    Returns:
        int64 (n,): numbers of groups with two or more rows, −1 for a row that is alone.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(hashes)
    rows = np.arange(n) if read is None else np.flatnonzero(read)
    pairs = rows[near_pairs(hashes[rows], radius)]
    if embeddings is not None:
        unit = _unit(embeddings)
        extra = rows[embedding_pairs(unit[rows], cosine=cosine)]
        pairs = np.concatenate([_confirmed(pairs, unit, cosine), extra])
    if known is not None:
        grouped = np.flatnonzero(known >= 0)
        order = grouped[np.argsort(known[grouped], kind="stable")]
        same = known[order][1:] == known[order][:-1]
        pairs = np.concatenate([pairs, np.stack([order[:-1][same], order[1:][same]], axis=1)])
    graph = coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1].astype(np.int64)
    alone = np.bincount(labels)[labels] == 1
    numbers = np.full(n, -1, dtype=np.int64)
    numbers[~alone] = np.unique(labels[~alone], return_inverse=True)[1]
    return numbers
