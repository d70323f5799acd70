"""The feature cache: computed once, found again by content, and whole after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.encoders.cache import VIEWS, FeatureCache
from graticule.errors import GraticuleError
from graticule.photos.preprocess import Preprocess
from toy import make_photos

SQUARE = Preprocess(size=16, resize="squash")


class Counter:
    """An encoder that counts what it was asked."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.seen += len(pixels)
        return pixels.reshape(len(pixels), -1)[:, :5].astype(np.float32)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    make_photos(tmp_path / "photos", 10)
    return sorted((tmp_path / "photos").glob("*.png"))


def cache(tmp_path: Path, **changes: object) -> FeatureCache:
    values = {"encoder": "e", "weights": "w", "preprocess": SQUARE} | changes
    return FeatureCache(tmp_path / "f", **values)  # type: ignore[arg-type]


def test_the_second_time_nothing_runs(tmp_path: Path, photos: list[Path]) -> None:
    encode = Counter()
    first = cache(tmp_path).vectors(photos, encode, batch=3)
    assert encode.seen == 10
    again = cache(tmp_path).vectors(photos[::-1], encode)
    assert encode.seen == 10
    np.testing.assert_array_equal(again, first[::-1])


def test_a_photo_is_known_by_its_bytes(tmp_path: Path, photos: list[Path]) -> None:
    encode = Counter()
    cache(tmp_path).vectors(photos, encode)
    moved = photos[0].with_name("moved.png")
    photos[0].rename(moved)
    photos[1].write_bytes(photos[2].read_bytes())
    cache(tmp_path).vectors([moved, *photos[1:]], encode)
    assert encode.seen == 10
    make_photos(photos[0].parent, 1, seed=9)
    cache(tmp_path).vectors([photos[0]], encode)
    assert encode.seen == 11


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "other"},
        {"weights": "other"},
        {"preprocess": Preprocess(size=16, resize="pad")},
        {"view": "grey"},
    ],
)
def test_another_encoder_transform_or_view_shares_nothing(
    tmp_path: Path, photos: list[Path], change: dict[str, object]
) -> None:
    encode = Counter()
    cache(tmp_path).vectors(photos, encode)
    cache(tmp_path, **change).vectors(photos, encode)
    assert encode.seen == 20


def test_what_was_written_before_a_stop_is_not_run_again(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graticule.encoders.cache.SHARD", 4)
    encode = Counter()

    def stops(pixels: np.ndarray) -> np.ndarray:
        if encode.seen >= 8:
            raise KeyboardInterrupt
        return encode(pixels)

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path).vectors(photos, stops, batch=4)
    assert encode.seen == 8
    found = cache(tmp_path).vectors(photos, encode, batch=4)
    assert encode.seen == 10
    np.testing.assert_array_equal(found, cache(tmp_path / "x").vectors(photos, Counter()))


def test_a_broken_photo_is_named_and_the_rest_goes_on(tmp_path: Path, photos: list[Path]) -> None:
    photos[3].write_bytes(b"no photo")
    store = cache(tmp_path)
    found = store.vectors([*photos, tmp_path / "gone.png"], Counter())
    assert np.isnan(found).all(axis=1).nonzero()[0].tolist() == [3, 10]
    assert "003.png" in store.missing[3]
    with pytest.raises(GraticuleError, match="no photo could be encoded"):
        cache(tmp_path / "y").vectors([photos[3]], Counter())


def test_nan_from_an_encoder_is_an_error_not_a_vector(tmp_path: Path, photos: list[Path]) -> None:
    with pytest.raises(GraticuleError, match="NaN"):
        cache(tmp_path).vectors(photos, lambda x: np.full((len(x), 2), np.nan, np.float32))


def test_the_grey_view_has_no_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    grey = VIEWS["grey"](pixels)
    assert (grey[..., 0] == grey[..., 2]).all()


def test_what_auto_means_is_in_the_key() -> None:
    pytest.importorskip("torch")
    from graticule.encoders import frozen
    from graticule.encoders.spec import EncoderSpec

    labels = {
        how: frozen.open_encoder(EncoderSpec(name="tiny", normalise=how)).label
        for how in ("auto", "imagenet", "half")
    }
    assert labels["auto"] == labels["imagenet"] != labels["half"]
