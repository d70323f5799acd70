"""Burned-in text is seen at the edges of frames, in all the ways that people stamp them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from graticule.photos.sources.lettering import has_burned_in_text, opening
from made_photos import jpeg, picture


def stamped(
    words: str,
    size: int = 16,
    top: bool = False,
    seed: int = 1,
    fill: str = "white",
    edge: str | None = "black",
    haze: float = 0.0,
) -> Image.Image:
    frame = picture(seed, (640, 480))
    frame = Image.blend(frame, Image.new("RGB", frame.size, (150, 160, 170)), haze)
    draw = ImageDraw.Draw(frame)
    place = (20, 6 if top else 474 - size)
    font = ImageFont.load_default(size)
    stroke = 0 if edge is None else 1
    draw.text(place, words, fill=fill, font=font, stroke_width=stroke, stroke_fill=edge)
    return Image.open(io.BytesIO(jpeg(frame)))


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("size", [12, 16, 22, 34])
def test_a_line_of_text_at_an_edge_is_seen(size: int, top: bool) -> None:
    assert has_burned_in_text(stamped("48.85660,2.35220 2018-05-14 12:30", size, top))


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize(
    ("words", "fill", "edge"),
    [
        ("48.85660,2.35220 2018-05-14 12:30", "black", "white"),
        ("Taj Mahal in the morning, Agra", "white", "black"),
        ("Taj Mahal in the morning, Agra", "black", "white"),
        ("2009/07/14", "#ff8c00", None),  # by a compact camera
    ],
)
def test_dark_text_small_letters_and_orange_dates_are_seen(
    words: str, fill: str, edge: str | None, top: bool
) -> None:
    assert has_burned_in_text(stamped(words, 20, top, fill=fill, edge=edge, haze=0.8))


def test_no_text_few_letters_or_text_in_the_middle_are_not() -> None:
    assert not has_burned_in_text(picture(1, (640, 480)))
    assert not has_burned_in_text(stamped("STOP"))
    assert not has_burned_in_text(stamped("STOP", fill="#ff8c00", edge=None, haze=0.8))
    assert not has_burned_in_text(stamped("STOP", fill="black", edge="white", haze=0.8))
    middle = picture(1, (640, 480))
    ImageDraw.Draw(middle).text(
        (20, 230), "48.85660,2.35220 2018-05-14", fill="white", font=ImageFont.load_default(16)
    )
    assert not has_burned_in_text(middle)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
def test_odd_sizes_are_looked_at_too(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (90, 10, 10))
    assert not has_burned_in_text(image)


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (24, 640), (90, 7)])
def test_the_quick_opening_is_scipys(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for grey in (rng.integers(0, 256, size), rng.integers(0, 2, size) * 200):
        strip = grey.astype(np.uint8)
        np.testing.assert_array_equal(opening(strip), ndimage.grey_opening(strip, size=(11, 11)))
