"""OPTICS against scikit-learn's, point for point."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.cells.semantic.optics import clusters, reachability

cluster = pytest.importorskip("sklearn.cluster")


def blobs(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 100, (6, 2))
    xy = centers[rng.integers(6, size=n)] + rng.normal(size=(n, 2)) * rng.uniform(0.2, 6, (n, 1))
    xy[: n // 10] = xy[0]  # photos at one place
    return xy


@pytest.mark.parametrize(
    ("n", "min_samples", "xi"), [(40, 5, 0.1), (600, 8, 0.05), (700, 15, 0.01)]
)
def test_equals_scikit_learn(n: int, min_samples: int, xi: float) -> None:
    xy = blobs(n, n)
    theirs = cluster.OPTICS(min_samples=min_samples, xi=xi, min_cluster_size=20)
    with np.errstate(all="ignore"):
        theirs.fit(xy)
    order, reach, before = reachability(xy, min_samples)
    np.testing.assert_array_equal(order, theirs.ordering_)
    np.testing.assert_allclose(reach, theirs.reachability_, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(before, theirs.predecessor_)
    np.testing.assert_array_equal(clusters(xy, min_samples, xi, 20), theirs.labels_)


def test_fewer_points_than_a_cluster_needs_are_noise() -> None:
    assert clusters(np.zeros((3, 2)), 5, 0.05, 5).tolist() == [-1, -1, -1]
    assert clusters(np.empty((0, 2)), 5, 0.05, 5).tolist() == []
