"""Matches as evidence: doubles left out, places clustered, a weight that is likeliest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.refine.neighbours import clusters, fit, mixed, neighbours, shares
from graticule.refine.photo_index import PhotoIndex
from graticule.refine.rows import Rows

PARIS, DELHI = (48.86, 2.35), (28.61, 77.21)


def index_of(folder: Path, vectors: np.ndarray, places: list[tuple[float, float]]) -> PhotoIndex:
    n = len(vectors)
    index = PhotoIndex.create(folder, model="m", key="k")
    hashes = np.random.default_rng(0).integers(1, 2**63, n).astype(np.uint64)
    names = tuple(f"{i}.jpg" for i in range(n))
    index.add(vectors, Rows(names, np.array(places), names, hashes, np.full(n, np.nan)))
    return index


def test_the_photo_and_its_doubles_are_left_out(tmp_path: Path) -> None:
    vectors = np.array([[1, 0, 0], [0.9, 0.4, 0], [0.8, 0.5, 0.2], [0, 0, 1.0]])
    index = index_of(tmp_path, vectors, [PARIS, PARIS, DELHI, DELHI])
    hashes = index.rows.hashes
    # A photo of the index, and a smaller copy of another: a few bits differ.
    copies = np.array([hashes[0], hashes[1] ^ np.uint64(0b10101), 0], np.uint64)
    itself, copy, flat = neighbours(index, vectors[[0, 1, 0]], copies)
    assert itself is not None
    assert itself.rows.tolist() == [1, 2, 3]
    assert copy is not None
    assert sorted(copy.rows.tolist()) == [0, 2, 3]
    assert flat is not None
    assert flat.rows.tolist() == [1, 2, 3], "without a hash, the same vector is the photo itself"


def test_nothing_left_is_none(tmp_path: Path) -> None:
    index = index_of(tmp_path, np.eye(3)[:1], [PARIS])
    assert neighbours(index, np.eye(3)[:1], np.zeros(1, np.uint64)) == [None]


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(0.01, 1))
def test_shares_sum_to_one_and_follow_the_cosine(cosine: list[float], sharpness: float) -> None:
    share = shares(np.array(cosine), sharpness)
    assert share.sum() == pytest.approx(1)
    order = np.argsort(cosine)
    assert (np.diff(share[order]) >= -1e-12).all()


def test_places_cluster_across_the_date_line() -> None:
    places = np.array([[0, 179.95], [0, -179.95], [10.0, 0.0]])
    near, far = clusters(places, np.array([0.3, 0.3, 0.4]))
    assert near.share == pytest.approx(0.6)
    assert sphere.haversine(near.latlon, (0, 180)) < 1
    assert np.allclose(far.latlon, places[2])


def test_a_mixture_is_one() -> None:
    log_p = np.log(np.array([0.7, 0.2, 0.1]))
    p = np.exp(mixed(log_p, np.array([0.0, 0.0, 1.0]), 0.25))
    assert np.allclose(p, [0.525, 0.15, 0.325])
    assert mixed(log_p, None, 0.5) is log_p


def test_the_weight_follows_who_was_right() -> None:
    cosine = np.tile([0.9, 0.8], (100, 1))
    hit = np.ones((100, 2), dtype=bool)
    assert fit(np.full(100, 0.05), cosine, hit).of(0.9) > 0.8
    assert fit(np.full(100, 0.9), cosine, ~hit).of(0.9) < 0.02


def test_only_likeness_earns_weight() -> None:
    """Matches are right where they are close, and the model where they are not."""
    best = np.linspace(0.5, 0.98, 200)
    close = best > 0.8
    cosine = np.stack([best, best - 0.1], axis=1)
    own = np.where(close, 0.05, 0.9)
    fitted = fit(own, cosine, np.tile(close[:, None], (1, 2)))
    assert fitted.of(0.97) > 0.7
    assert fitted.of(0.5) < 0.05
    assert fitted.photos == 200
