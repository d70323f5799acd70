"""Intervals and paired tests that know that photos of one photographer are not independent.

Whole clusters (photographers, groups, landmarks) are drawn with replacement, as in the cluster
bootstrap of Field & Welsh (2007). Weights are drawn one replicate at a time, so a million photos
need no more memory than a few columns of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

REPLICATES = 1000


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
        values = np.asarray(columns, dtype=np.float64)
        if values.ndim == 1:
            values = values[:, None]
        known = np.isfinite(values)
        c = self.n_clusters
        sums = _by_cluster(np.where(known, values, 0.0), self.clusters, c)
        counts = _by_cluster(known.astype(np.float64), self.clusters, c)
        out = np.full((self.replicates, values.shape[1]), np.nan)
        if c < 2:
            return out
        for row, weights in enumerate(self._weights()):
            with np.errstate(invalid="ignore", divide="ignore"):
                out[row] = (weights @ sums) / (weights @ counts)
        return out

    def medians(self, values: npt.ArrayLike) -> FloatArray:
        """Bootstrap replicates of the median of ``values`` (n,), shape (replicates,)."""
        column = np.asarray(values, dtype=np.float64)
        kept = np.flatnonzero(np.isfinite(column))
        if self.n_clusters < 2 or len(kept) == 0:
            return np.full(self.replicates, np.nan)
        order = kept[np.argsort(column[kept], kind="stable")]
        ranked, cluster = column[order], self.clusters[order]
        out = np.full(self.replicates, np.nan)
        for row, weights in enumerate(self._weights()):
            total = np.cumsum(weights[cluster])
            if total[-1] > 0:
                out[row] = ranked[np.searchsorted(total, total[-1] / 2)]
        return out

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
    return np.stack(
        [np.bincount(clusters, column, minlength=n_clusters) for column in columns.T], axis=1
    )
