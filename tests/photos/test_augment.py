"""Random changes of photos: within the documents' limits, and the same when drawn again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from graticule.errors import RecipeError
from graticule.photos.augment import AUGMENTS, Augment, draw, find_augment


@given(
    width=st.integers(60, 400),
    height=st.integers(60, 400),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_s1_crops_at_least_60_percent_within_its_ratios(width: int, height: int, seed: int) -> None:
    left, top, w, h = AUGMENTS["s1"].crop_box((width, height), draw(seed, 0, 0))
    assert left >= 0
    assert top >= 0
    assert left + w <= width + 1e-6
    assert top + h <= height + 1e-6
    assert 3 / 4 - 1e-9 <= w / h <= 16 / 9 + 1e-9
    possible = min(width, height * 16 / 9) * min(height, width / (3 / 4)) / (width * height)
    assert w * h / (width * height) >= min(0.6, possible) - 1e-6


@pytest.mark.parametrize("name", sorted(AUGMENTS))
def test_the_same_numbers_give_the_same_pixels(name: str) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8))
    augment = find_augment(name)
    first = augment(image, 64, draw(1, 2, 3))
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, augment(image, 64, draw(1, 2, 3)))
    other = augment(image, 64, draw(1, 3, 3))
    assert np.array_equal(first, other) != augment.random


def test_a_flip_alone_mirrors() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    flipped = Augment(name="f", source="test", flip=1.0)(image, 64, draw(0, 0, 0))
    np.testing.assert_allclose(flipped[:, ::-1], np.asarray(image), atol=1)


def test_rotation_turns_about_the_middle_by_no_more_than_asked() -> None:
    pixels = np.zeros((101, 101, 3), np.uint8)
    pixels[48:53, 85:95] = 255  # a mark 40 pixels to the right of the middle
    turn = Augment(name="r", source="test", rotate=15)
    angles = []
    for row in range(30):
        out = turn(Image.fromarray(pixels), 101, draw(0, 0, row))[..., 0].astype(float)
        y, x = np.indices(out.shape)
        cy, cx = (y * out).sum() / out.sum() - 50, (x * out).sum() / out.sum() - 50
        assert math.hypot(cx, cy) == pytest.approx(39.5, abs=1.5)
        angles.append(abs(math.degrees(math.atan2(cy, cx))))
    assert max(angles) <= 16
    assert max(angles) > 8


def test_grey_removes_colour() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    out = Augment(name="g", source="test", grey=1.0)(image, 32, draw(0, 0, 0))
    assert (out[..., 0] == out[..., 1]).all()
    assert (out[..., 1] == out[..., 2]).all()


def test_a_large_photo_is_averaged_not_skipped() -> None:
    # A board of single pixels must become grey, whatever is drawn.
    board = np.indices((800, 800)).sum(0) % 2 * 255
    image = Image.fromarray(np.repeat(board[..., None], 3, 2).astype(np.uint8))
    out = AUGMENTS["s1"](image, 64, draw(0, 0, 1))
    assert out.std() < 20


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 's1-grey'"):
        find_augment("s1grey")
