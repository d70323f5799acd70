"""Intervals and paired tests that know that photos of one photographer are not independent.

Whole clusters (photographers, groups, landmarks) are drawn with replacement, as in the cluster
bootstrap of Field & Welsh (2007). Up to :data:`MANY` clusters they are drawn exactly so, one
replicate at a time. Beyond, each cluster's count is an independent Poisson(1) number, which drawing
with replacement tends to (Chamandy et al., "Estimating uncertainty for massive data streams",
2012): a block of clusters then serves all replicates by one matrix product, and a million photos
need seconds and little memory beside their own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

REPLICATES = 1000
#: Clusters up to which they are drawn with replacement, instead of by Poisson counts.
MANY = 2_000
#: Clusters of one matrix product.
_BLOCK = 8192
#: Knots of the distribution function that a median is read off, and how many standard errors of
#: the share below it they reach on either side.
_KNOTS, _REACH = 65, 6.0


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval.

    Attributes:
        value: on the photos as they are.
        low: lower end of the 95 % percentile interval; NaN where one cluster is all there is.
        high: upper end.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, samples: FloatArray) -> Estimate:
        """From a statistic and its bootstrap replicates."""
        if len(samples) == 0 or np.isnan(samples).all():
            return cls(value, float("nan"), float("nan"))
        low, high = np.nanpercentile(samples, [2.5, 97.5])
        return cls(value, float(low), float(high))


@dataclass(frozen=True)
class Resampler:
    """The cluster bootstrap over n photos.

    Attributes:
        clusters: int64 (n,), the cluster of each photo, 0…c−1.
        replicates: how many times the clusters are drawn again.
        seed: same seed, same intervals.
    """

    clusters: IntArray
    replicates: int = REPLICATES
    seed: int = 0

    @classmethod
    def over(
        cls, labels: npt.ArrayLike | int, replicates: int = REPLICATES, seed: int = 0
    ) -> Resampler:
        """Clusters from labels (n,), or n photos that stand alone from their number.

        An empty label stands alone: unknown photographers are not one person.
        """
        if isinstance(labels, int):
            return cls(np.arange(labels), replicates, seed)
        values = np.asarray(labels).astype(str)
        _, cluster = np.unique(values, return_inverse=True)
        cluster = cluster.astype(np.int64)
        alone = values == ""
        cluster[alone] = cluster.max(initial=-1) + 1 + np.arange(alone.sum())
        _, dense = np.unique(cluster, return_inverse=True)
        return cls(dense.astype(np.int64), replicates, seed)

    @property
    def n_clusters(self) -> int:
        """How many clusters there are: the effective number of witnesses."""
        return int(self.clusters.max(initial=-1)) + 1

    def means(self, columns: npt.ArrayLike) -> FloatArray:
        """Bootstrap replicates of the means of ``columns`` (n, m), shape (replicates, m).

        NaN entries are left out of their own column. With a single cluster every entry is NaN:
        one witness says nothing about the spread.
        """
        return self.draw(columns, ())[0]

    def medians(self, values: npt.ArrayLike) -> FloatArray:
        """Bootstrap replicates of the median of ``values`` (n,), shape (replicates,)."""
        return self.draw((), [np.asarray(values, dtype=np.float64)])[1][:, 0]

    def draw(
        self, means: npt.ArrayLike, medians: Sequence[FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        """Replicates of the means of some columns and the medians of others, in one drawing.

        Args:
            means: (n, m) or (n,); NaN entries are left out of their own column.
            medians: k columns (n,), likewise.

        Returns:
            (replicates, m) and (replicates, k); all NaN with a single cluster.
        """
        values = np.asarray(means, dtype=np.float64)
        if values.size == 0:
            values = np.empty((len(self.clusters), 0))
        values = values[:, None] if values.ndim == 1 else values
        if self.n_clusters < 2:
            return (
                np.full((self.replicates, values.shape[1]), np.nan),
                np.full((self.replicates, len(medians)), np.nan),
            )
        if self.n_clusters > MANY:
            return _poisson(self, values, medians)
        return self._exact(values, medians)

    def _exact(
        self, values: FloatArray, medians: Sequence[FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        known, c = np.isfinite(values), self.n_clusters
        sums = _by_cluster(np.where(known, values, 0.0), self.clusters, c)
        counts = _by_cluster(known.astype(np.float64), self.clusters, c)
        ranked = [_ranked(column, self.clusters) for column in medians]
        means = np.full((self.replicates, values.shape[1]), np.nan)
        middles = np.full((self.replicates, len(medians)), np.nan)
        for row, weights in enumerate(self._weights()):
            with np.errstate(invalid="ignore", divide="ignore"):
                means[row] = (weights @ sums) / (weights @ counts)
            for k, (ordered, cluster) in enumerate(ranked):
                total = np.cumsum(weights[cluster])
                if len(total) and total[-1] > 0:
                    middles[row, k] = ordered[np.searchsorted(total, total[-1] / 2)]
        return means, middles

    def _weights(self) -> npt.NDArray[np.float64]:
        rng = np.random.default_rng(self.seed)
        c = self.n_clusters
        return (  # type: ignore[return-value]
            np.bincount(rng.integers(0, c, c), minlength=c).astype(np.float64)
            for _ in range(self.replicates)
        )


@dataclass(frozen=True)
class Difference:
    """A paired comparison of two systems on the same photos.

    Attributes:
        estimate: first minus second, with its interval.
        p_value: two-sided, of the null that they are equal.
        test: which test it is.
    """

    estimate: Estimate
    p_value: float
    test: str


def paired_means(first: npt.ArrayLike, second: npt.ArrayLike, resampler: Resampler) -> Difference:
    """Difference of the means of two columns (n,) by the paired cluster bootstrap.

    The p-value is twice the smaller share of replicates on either side of zero, with one added to
    numerator and denominator (Davison & Hinkley 1997, 4.2.3), so that it is never zero.
    """
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if gap.ndim != 1 or len(gap) != len(resampler.clusters):
        raise GraticuleError(f"a paired test needs one value a photo, got {gap.shape}")
    return _difference(float(np.nanmean(gap)), resampler.means(gap)[:, 0])


def paired_medians(first: npt.ArrayLike, second: npt.ArrayLike, resampler: Resampler) -> Difference:
    """Difference of the medians of two columns (n,) by the paired cluster bootstrap."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    # The same seed draws the same clusters for both, which is what pairs them.
    samples = resampler.medians(a) - resampler.medians(b)
    return _difference(float(np.nanmedian(a) - np.nanmedian(b)), samples)


def mcnemar(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Exact two-sided McNemar p-value of two right/wrong columns (n,) (McNemar 1947).

    Binomial on the photos that only one of them got right; it takes photos as independent.
    """
    from scipy.stats import binomtest

    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """P-values corrected for looking at many (Holm 1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out


def _difference(value: float, samples: FloatArray) -> Difference:
    known = samples[np.isfinite(samples)]
    if len(known) == 0:
        return Difference(Estimate.of(value, known), float("nan"), "paired bootstrap")
    below, above = (known <= 0).sum(), (known >= 0).sum()
    p = 2 * (1 + min(below, above)) / (1 + len(known))
    return Difference(Estimate.of(value, known), float(min(1.0, p)), "paired bootstrap")


def _by_cluster(columns: FloatArray, clusters: IntArray, n_clusters: int) -> FloatArray:
    sums = [np.bincount(clusters, column, minlength=n_clusters) for column in columns.T]
    return np.stack(sums, axis=1) if sums else np.empty((n_clusters, 0))


def _ranked(column: FloatArray, clusters: IntArray) -> tuple[FloatArray, IntArray]:
    kept = np.flatnonzero(np.isfinite(column))
    order = kept[np.argsort(column[kept], kind="stable")]
    return column[order], clusters[order]


def _poisson(
    resampler: Resampler, values: FloatArray, medians: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The replicates by Poisson counts, block by block of clusters."""
    m, knots = values.shape[1], [_knots(column, resampler) for column in medians]
    order = np.argsort(resampler.clusters, kind="stable")
    ends = np.cumsum(np.bincount(resampler.clusters, minlength=resampler.n_clusters))
    # The last column of each median's bins are its photos without a value.
    bins = [
        np.where(np.isfinite(column), np.searchsorted(k, column), len(k) + 1)
        for column, k in zip(medians, knots, strict=True)
    ]
    width = 2 * m + sum(len(k) + 1 for k in knots)
    totals = np.zeros((resampler.replicates, width))
    rng = np.random.default_rng(resampler.seed)
    for first in range(0, resampler.n_clusters, _BLOCK):
        last = min(first + _BLOCK, resampler.n_clusters)
        rows = order[ends[first - 1] if first else 0 : ends[last - 1]]
        local = resampler.clusters[rows] - first
        part, size = values[rows], last - first
        known = np.isfinite(part)
        columns = [
            _by_cluster(np.where(known, part, 0.0), local, size),
            _by_cluster(known.astype(np.float64), local, size),
        ]
        for k, place in zip(knots, bins, strict=True):
            cells = len(k) + 2
            counts = np.bincount(local * cells + place[rows], minlength=size * cells)
            columns.append(np.cumsum(counts.reshape(size, cells)[:, :-1], axis=1))
        drawn = rng.integers(0, 1 << 16, (resampler.replicates, size), dtype=np.uint16)
        totals += _POISSON[drawn] @ np.concatenate(columns, axis=1).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = totals[:, :m] / totals[:, m : 2 * m]
    middles = np.full((resampler.replicates, len(medians)), np.nan)
    start = 2 * m
    for j, k in enumerate(knots):
        below = totals[:, start : start + len(k) + 1]
        start += len(k) + 1
        for row in range(resampler.replicates if len(k) else 0):
            middles[row, j] = np.interp(0.5, below[row, :-1] / below[row, -1], k)
    return means, middles


def _knots(column: FloatArray, resampler: Resampler) -> FloatArray:
    """Values around the median, between which its replicates will lie."""
    ordered, cluster = _ranked(column, resampler.clusters)
    n = len(ordered)
    if not n:
        return np.empty(0)
    below = np.bincount(cluster, np.where(np.arange(n) < n / 2, 0.5, -0.5))
    # Standard error of the share below the median, as of a ratio over clusters.
    reach = _REACH * float(np.sqrt((below**2).sum())) / n
    places = np.clip(np.linspace(0.5 - reach, 0.5 + reach, _KNOTS), 0, 1)
    return np.unique(ordered[np.round(places * (n - 1)).astype(np.int64)])


def _poisson_table() -> npt.NDArray[np.float32]:
    """The Poisson(1) number of each of 65,536 equally likely draws."""
    share = np.exp(-1.0) / np.cumprod(np.concatenate([[1.0], np.arange(1.0, 12.0)]))
    edges = np.round(np.cumsum(share) * (1 << 16)).astype(np.int64)
    return np.searchsorted(edges, np.arange(1 << 16), side="right").astype(np.float32)


_POISSON = _poisson_table()
