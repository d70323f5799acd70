from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from graticule.photos.sources import marks
from made_photos import card, jpeg, page, picture


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


@pytest.mark.parametrize("ground", [255, 238, 128, 20, 0])
def test_cards_on_any_ground_are_seen(ground: int) -> None:
    assert marks.looks_unavailable(Image.open(io.BytesIO(jpeg(card(ground=ground)))))


def test_photos_grey_photos_and_drawings_in_colour_are_no_cards() -> None:
    photo = picture(1, (320, 240))
    assert not marks.looks_unavailable(photo)
    assert not marks.looks_unavailable(photo.convert("L"))
    assert not marks.looks_unavailable(Image.new("RGB", (100, 100), (200, 20, 20)))
    sky = np.full((240, 320), 250, dtype=np.uint8)
    sky[150:] = np.asarray(photo.convert("L"))[150:]
    assert not marks.looks_unavailable(Image.fromarray(sky))


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("size", [12, 16, 22])
def test_a_line_of_text_at_an_edge_is_seen(size: int, top: bool) -> None:
    assert marks.has_burned_in_text(stamped("48.85660,2.35220 2018-05-14 12:30", size, top))


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
    assert marks.has_burned_in_text(stamped(words, 20, top, fill=fill, edge=edge, haze=0.8))


def test_a_page_of_text_is_no_card() -> None:
    assert not marks.looks_unavailable(page())
    assert not marks.looks_unavailable(page(grain=3))


def test_no_text_few_letters_or_text_in_the_middle_are_not() -> None:
    assert not marks.has_burned_in_text(picture(1, (640, 480)))
    assert not marks.has_burned_in_text(stamped("STOP"))
    assert not marks.has_burned_in_text(stamped("STOP", fill="#ff8c00", edge=None, haze=0.8))
    assert not marks.has_burned_in_text(stamped("STOP", fill="black", edge="white", haze=0.8))
    middle = picture(1, (640, 480))
    ImageDraw.Draw(middle).text(
        (20, 230), "48.85660,2.35220 2018-05-14", fill="white", font=ImageFont.load_default(16)
    )
    assert not marks.has_burned_in_text(middle)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
def test_odd_sizes_are_looked_at_too(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (90, 10, 10))
    assert not marks.has_burned_in_text(image)
    assert not marks.looks_unavailable(image)


@pytest.mark.parametrize("size", [(1, 1), (2, 30), (24, 640), (90, 7)])
def test_the_quick_opening_is_scipys(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for grey in (rng.integers(0, 256, size), rng.integers(0, 2, size) * 200):
        strip = grey.astype(np.uint8)
        np.testing.assert_array_equal(
            marks.opening(strip), ndimage.grey_opening(strip, size=(11, 11))
        )


def test_addresses_of_cards() -> None:
    assert marks.is_unavailable_url("https://x.org/pw/images/en-us/photo_unavailable.png")
    assert marks.is_unavailable_url("https://x.org/photo_unavailable_l.gif")
    assert not marks.is_unavailable_url("https://x.org/photo_unavailable/1.jpg")
