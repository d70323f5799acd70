"""Kept maps: computed once, found again by content, read from the disk in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.encoders import maps
from graticule.encoders.maps import MapCache
from graticule.errors import GraticuleError
from graticule.photos.preprocess import Preprocess
from toy import make_photos

SQUARE = Preprocess(size=16, resize="squash")


class Counter:
    """A lower part that counts what it was asked."""

    def __init__(self, factor: float = 1.0) -> None:
        self.seen = 0
        self.factor = factor

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.seen += len(pixels)
        return pixels[:, ::4, ::4].astype(np.float32) * self.factor


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    make_photos(tmp_path / "photos", 10)
    return sorted((tmp_path / "photos").glob("*.png"))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "SHARD", 4)


def cache(tmp_path: Path, precision: str = "float16") -> MapCache:
    return MapCache(tmp_path / "f", "e", "w", SQUARE, precision=precision)


def test_the_second_time_nothing_runs(tmp_path: Path, photos: list[Path]) -> None:
    lower = Counter()
    first = cache(tmp_path).maps(photos, lower, batch=3)
    assert lower.seen == 10
    assert first.shape == (4, 4, 3)
    assert len(first.files) == 3
    again = cache(tmp_path).maps(photos[::-1], lower)
    assert lower.seen == 10
    rows = np.array([7, 0, 7, 3])
    np.testing.assert_array_equal(again.take(9 - rows), first.take(rows))
    assert first.take(rows).dtype == np.float16


def test_what_is_not_finished_is_not_there(tmp_path: Path, photos: list[Path]) -> None:
    """A run that was killed between a shard and its names runs those photos again."""
    lower = Counter()
    cache(tmp_path).maps(photos, lower)
    sorted((tmp_path / "f").glob("*/0*.json"))[1].unlink()
    found = cache(tmp_path).maps(photos, lower)
    assert lower.seen == 14
    assert not found.unread.any()


def test_two_runs_at_once_lose_nothing(tmp_path: Path, photos: list[Path]) -> None:
    inner = Counter()

    def outer(pixels: np.ndarray) -> np.ndarray:
        if not inner.seen:
            cache(tmp_path).maps(photos[5:], inner)
        return Counter()(pixels)

    found = cache(tmp_path).maps(photos, outer)
    expected = MapCache(tmp_path / "g", "e", "w", SQUARE).maps(photos, Counter())
    rows = np.arange(10)
    np.testing.assert_array_equal(found.take(rows), expected.take(rows))


def test_a_broken_photo_has_an_empty_map(tmp_path: Path, photos: list[Path]) -> None:
    photos[3].write_bytes(b"no photo")
    store = cache(tmp_path)
    found = store.maps(photos, Counter())
    assert found.unread.nonzero()[0].tolist() == [3]
    assert "003.png" in store.missing[3]
    assert not found.take(np.array([3])).any()
    with pytest.raises(GraticuleError, match="no photo could be encoded"):
        MapCache(tmp_path / "y", "e", "w", SQUARE).maps([photos[3]], Counter())


def test_values_too_large_for_half_precision_are_named(tmp_path: Path, photos: list[Path]) -> None:
    with pytest.raises(GraticuleError, match=r"too large for float16.*map_precision=float32"):
        cache(tmp_path).maps(photos, Counter(1e5))
    found = cache(tmp_path, "float32").maps(photos, Counter(1e5))
    assert found.take(np.array([0])).max() > 1e6
