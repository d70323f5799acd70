"""Replicates of the cluster bootstrap, of means and medians, by blocks.

Up to :data:`MANY` clusters they are drawn with replacement, exactly. Beyond, each cluster's count
is an independent Poisson(1) number, which drawing with replacement tends to (Chamandy et al.,
"Estimating uncertainty for massive data streams", 2012). Means are one matrix product a block, and
medians are read off the photos around the middle, so a million photos need seconds and little
memory beside their own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint16]

#: Clusters up to which they are drawn with replacement, instead of by Poisson counts.
MANY = 2_000
#: Clusters of one matrix product.
_BLOCK = 8192
#: Replicates of one block: most, fewest, and the weights that their medians may keep.
_ROWS, _FEWEST_ROWS, _KEPT = 500, 50, 20_000_000
#: Standard errors of the share below it that the medians of the replicates may lie off the median.
_REACH = 6.0


def replicates(
    clusters: IntArray,
    means: FloatArray,
    medians: Sequence[npt.ArrayLike],
    number: int,
    seed: int,
) -> FloatArray:
    """Means and medians of photos whose clusters are drawn again.

    Args:
        clusters: (n,), the cluster of each photo, 0…c−1.
        means: (n, m), columns of which means are wanted; NaN entries are left out.
        medians: k columns (n,) of which medians are, likewise.
        number: of replicates.
        seed: same seed, same clusters.

    Returns:
        (number, m + k); NaN where a column has no value in what was drawn.
    """
    n_clusters = int(clusters.max(initial=-1)) + 1
    middles = [_Middle.of(column, clusters, n_clusters) for column in medians]
    kept = sum(len(middle.values) for middle in middles)
    rows = int(np.clip(_KEPT // max(kept, 1), _FEWEST_ROWS, _ROWS))
    blocks = _Blocks(clusters, n_clusters, means, middles)
    rng = np.random.default_rng(seed)
    out = np.empty((number, means.shape[1] + len(middles)))
    for first in range(0, number, rows):
        last = min(first + rows, number)
        out[first:last] = blocks.draw(rng, last - first)
    return out


def flipped(clusters: IntArray, columns: FloatArray, number: int, seed: int) -> FloatArray:
    """Means of columns (n, m) whose clusters turn their sign at random, (number, m).

    NaN entries are left out of their own column.
    """
    known = np.isfinite(columns)
    n_clusters = int(clusters.max(initial=-1)) + 1
    sums = _by_cluster(np.where(known, columns, 0.0), clusters, n_clusters)
    rng = np.random.default_rng(seed)
    out = np.zeros((number, columns.shape[1]))
    for first in range(0, number, _ROWS):
        rows = slice(first, min(first + _ROWS, number))
        for start in range(0, n_clusters, _BLOCK):
            part = sums[start : start + _BLOCK]
            kept = rng.integers(0, 2, (len(out[rows]), len(part)), dtype=np.uint8)
            out[rows] += 2 * (kept.astype(np.float64) @ part)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((out - sums.sum(axis=0)) / known.sum(axis=0))


@dataclass(frozen=True)
class _Middle:
    """Where the weighted medians of a column lie.

    Attributes:
        values: (w,) those around the median, in order.
        clusters: (w,) of their photos.
        below: (c,) photos of each cluster with a smaller value.
        known: (c,) photos of each cluster with a value.
    """

    values: FloatArray
    clusters: IntArray
    below: FloatArray
    known: FloatArray

    @classmethod
    def of(cls, column: npt.ArrayLike, clusters: IntArray, n_clusters: int) -> _Middle:
        values = np.asarray(column, dtype=np.float64)
        kept = np.flatnonzero(np.isfinite(values))
        order = kept[np.argsort(values[kept], kind="stable")]
        values, cluster, n = values[order], clusters[order], len(order)
        known = np.bincount(cluster, minlength=n_clusters)
        # Standard error of the share below the median, as of a ratio over clusters. A large cluster
        # around the median adds nothing to it, and moves the median by its size when not drawn.
        sides = np.bincount(cluster, np.where(np.arange(n) < n / 2, 0.5, -0.5))
        error, size = (float(np.sqrt((one**2).sum())) / max(n, 1) for one in (sides, known))
        reach = max(_REACH * error, size)
        first = max(int((0.5 - reach) * n) - 1, 0)
        last = min(int((0.5 + reach) * n) + 2, n)
        below = np.bincount(cluster[:first], minlength=n_clusters)
        return cls(
            values[first:last],
            cluster[first:last],
            below.astype(np.float32),
            known.astype(np.float32),
        )

    def medians(self, weights: Counts, below: FloatArray, known: FloatArray) -> FloatArray:
        """Weighted medians (r,), of weights (r, w) and the weight (r,) below and in all."""
        if not len(self.values):
            return np.full(len(weights), np.nan)
        total = np.cumsum(weights, axis=1, dtype=np.int32)
        half = (known / 2 - below)[:, None]
        # Half of the weight on either side: between two values, as of an even number of photos.
        places = [(total < np.ceil(half).astype(np.int32)).sum(axis=1)]
        places += [(total <= np.floor(half).astype(np.int32)).sum(axis=1)]
        found = self.values[np.minimum(places, len(self.values) - 1)].mean(axis=0)
        return np.where(known > 0, found, np.nan)


class _Blocks:
    """Replicates of means and medians, clusters and replicates in blocks.

    Args:
        clusters: (n,).
        n_clusters: c.
        values: (n, m), columns of which means are wanted.
        middles: of the columns of which medians are.
    """

    def __init__(
        self,
        clusters: IntArray,
        n_clusters: int,
        values: FloatArray,
        middles: Sequence[_Middle],
    ) -> None:
        self.clusters, self.values, self.middles = clusters, values, middles
        self.n_clusters, self.exact = n_clusters, n_clusters <= MANY
        self._photos = np.argsort(clusters, kind="stable")
        self._ends = np.cumsum(np.bincount(clusters, minlength=n_clusters))
        self._sums: dict[int, FloatArray] = {}

    def draw(self, rng: np.random.Generator, rows: int) -> FloatArray:
        """``rows`` replicates: the means, then the medians, (rows, m + k)."""
        m = self.values.shape[1]
        totals = np.zeros((rows, 2 * m + 2 * len(self.middles)))
        kept = [np.empty((rows, len(middle.values)), np.uint16) for middle in self.middles]
        for first in range(0, self.n_clusters, _BLOCK):
            last = min(first + _BLOCK, self.n_clusters)
            weights = self._weights(rng, rows, last - first)
            columns = self._columns(first, last)
            totals += weights.astype(columns.dtype) @ columns
            for k, middle in enumerate(self.middles):
                mine = (middle.clusters >= first) & (middle.clusters < last)
                drawn = np.take(weights, middle.clusters[mine] - first, axis=1)
                if mine.all():
                    kept[k] = drawn
                else:
                    kept[k][:, mine] = drawn
        with np.errstate(invalid="ignore", divide="ignore"):
            means = totals[:, :m] / totals[:, m : 2 * m]
        counts = np.split(totals[:, 2 * m :], len(self.middles), axis=1) if self.middles else []
        medians = [
            middle.medians(own, *count.T)
            for middle, own, count in zip(self.middles, kept, counts, strict=True)
        ]
        return np.column_stack([means, *medians])

    def _weights(self, rng: np.random.Generator, rows: int, size: int) -> Counts:
        """How often each cluster was drawn, (rows, size)."""
        if not self.exact:
            return _POISSON[rng.integers(0, 1 << 16, (rows, size), dtype=np.uint16)]
        drawn = rng.integers(0, size, (rows, size)) + size * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * size)
        return counts.reshape(rows, size).astype(np.uint16)

    def _columns(self, first: int, last: int) -> FloatArray:
        """Sums and counts of each column and middle, by cluster of a block, (last − first, …)."""
        if first in self._sums:
            return self._sums[first]
        photos = self._photos[self._ends[first - 1] if first else 0 : self._ends[last - 1]]
        local, part, size = self.clusters[photos] - first, self.values[photos], last - first
        known = np.isfinite(part)
        columns = [
            _by_cluster(np.where(known, part, 0.0), local, size),
            _by_cluster(known.astype(np.float64), local, size),
            *(
                np.column_stack([middle.below[first:last], middle.known[first:last]])
                for middle in self.middles
            ),
        ]
        found = np.concatenate(columns, axis=1)
        found = found if self.exact else found.astype(np.float32)
        if self.n_clusters * found.shape[1] <= _KEPT:
            self._sums[first] = found
        return found


def _by_cluster(columns: FloatArray, clusters: IntArray, n_clusters: int) -> FloatArray:
    sums = [np.bincount(clusters, column, minlength=n_clusters) for column in columns.T]
    return np.stack(sums, axis=1) if sums else np.empty((n_clusters, 0))


def _poisson_table() -> Counts:
    """The Poisson(1) number of each of 65,536 equally likely draws."""
    share = np.exp(-1.0) / np.cumprod(np.concatenate([[1.0], np.arange(1.0, 12.0)]))
    edges = np.round(np.cumsum(share) * (1 << 16)).astype(np.int64)
    return np.searchsorted(edges, np.arange(1 << 16), side="right").astype(np.uint16)


_POISSON = _poisson_table()
