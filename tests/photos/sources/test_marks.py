"""Cards that stand in a photo's place are told from photos."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from graticule.photos.sources import marks
from made_photos import card, jpeg, page, picture


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


def test_a_page_of_text_is_no_card() -> None:
    assert not marks.looks_unavailable(page())
    assert not marks.looks_unavailable(page(grain=3))


def test_addresses_of_cards() -> None:
    assert marks.is_unavailable_url("https://x.org/pw/images/en-us/photo_unavailable.png")
    assert marks.is_unavailable_url("https://x.org/photo_unavailable_l.gif")
    assert not marks.is_unavailable_url("https://x.org/photo_unavailable/1.jpg")


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
def test_odd_sizes_are_looked_at_too(size: tuple[int, int]) -> None:
    assert not marks.looks_unavailable(Image.new("RGB", size, (90, 10, 10)))
