"""Photos of another kind score higher than photos like the known ones."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from graticule import novelty
from graticule.errors import BundleError, GraticuleError
from graticule.novelty import Novelty


def vectors(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Vectors that spread in few directions; ``shift`` leaves them along another."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(6, 40))
    own = 3 + rng.normal(size=(n, 6)) @ mixing + 0.2 * rng.normal(size=(n, 40))
    own[:, :20] += shift
    return own.astype(np.float32)


def test_known_photos_score_about_one_and_others_more() -> None:
    known = Novelty.fit(vectors(500, 0))
    alike, other = known.score(vectors(300, 1)), known.score(vectors(300, 2, shift=4.0))
    assert np.median(alike) == pytest.approx(1.0, abs=0.15)
    assert np.quantile(alike, 0.95) < np.quantile(other, 0.25)


def test_brightness_alone_is_not_new() -> None:
    known = Novelty.fit(vectors(500, 0))
    seen = vectors(100, 1)
    np.testing.assert_allclose(known.score(seen), known.score(7 * seen), rtol=1e-6)


def test_saved_and_loaded_scores_the_same(tmp_path: Path) -> None:
    known = Novelty.fit(vectors(500, 0))
    known.save(tmp_path / "novelty.npz")
    again = Novelty.load(tmp_path / "novelty.npz")
    np.testing.assert_allclose(again.score(vectors(50, 1)), known.score(vectors(50, 1)), rtol=0.01)
    assert (tmp_path / "novelty.npz").stat().st_size < 20_000


@pytest.mark.parametrize("photos", [20, 39, 40, 41, 300])
def test_products_of_photos_tell_what_their_covariance_tells(photos: int) -> None:
    known = vectors(photos, 0)
    found = Novelty.fit(known)
    unit = known / np.linalg.norm(known, axis=1, keepdims=True).astype(np.float64)
    values, axes = np.linalg.eigh(np.cov(unit.T, bias=True))
    k = found.axes.shape[1]
    assert k == min(39, photos // 5)
    np.testing.assert_allclose(found.spread**2, values[::-1][:k], rtol=1e-4)
    assert found.rest**2 == pytest.approx(values[::-1][k:].sum(), rel=1e-4)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(k), atol=1e-5)
    # The same directions but for their signs.
    turned = np.abs((found.axes * axes[:, ::-1][:, :k]).sum(axis=0))
    np.testing.assert_allclose(turned, 1, atol=1e-3)


def test_vectors_of_a_flattened_map_take_photos_squared_not_numbers_squared() -> None:
    rng = np.random.default_rng(0)
    known = rng.random((200, 25_088), np.float32)
    tracemalloc.start()
    found = Novelty.fit(known)
    scores = found.score(known[:20])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.axes.shape == (25_088, 40)
    assert np.isfinite(scores).all()
    assert peak < 300e6  # one matrix of numbers squared is 5 GB


def test_long_vectors_are_told_from_some_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    known = vectors(500, 0)
    known[7] = np.nan
    monkeypatch.setattr(novelty, "_WIDE", 39)
    monkeypatch.setattr(novelty, "_ENOUGH", 35)
    some = Novelty.fit(known)
    assert some.axes.shape[1] == 35 // 5
    alike, other = some.score(vectors(300, 1)), some.score(vectors(300, 2, shift=4.0))
    assert np.quantile(alike, 0.9) < np.quantile(other, 0.25)


def test_scores_do_not_depend_on_what_is_scored_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    known, asked = Novelty.fit(vectors(100, 0)), vectors(33, 1)
    whole = known.score(asked)
    monkeypatch.setattr(novelty, "_CHUNK", 200)  # five photos at a time
    np.testing.assert_allclose(known.score(asked), whole, rtol=1e-12)
    assert known.score(asked[:0]).shape == (0,)


def test_photos_all_alike_leave_finite_scores() -> None:
    found = Novelty.fit(np.ones((20, 40), np.float32))
    assert np.isfinite(found.score(vectors(5, 1))).all()


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match="ten photos"):
        Novelty.fit(vectors(5, 0))
    with pytest.raises(GraticuleError, match="vectors of 40 numbers, these have 3"):
        Novelty.fit(vectors(50, 0)).score(np.zeros((2, 3)))
    (tmp_path / "n.npz").write_bytes(b"no archive")
    with pytest.raises(BundleError, match="not a novelty file"):
        Novelty.load(tmp_path / "n.npz")
