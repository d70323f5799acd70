"""Photos of another kind score higher than photos like the known ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match="ten photos"):
        Novelty.fit(vectors(5, 0))
    with pytest.raises(GraticuleError, match="vectors of 40 numbers, these have 3"):
        Novelty.fit(vectors(50, 0)).score(np.zeros((2, 3)))
    (tmp_path / "n.npz").write_bytes(b"no archive")
    with pytest.raises(BundleError, match="not a novelty file"):
        Novelty.load(tmp_path / "n.npz")
