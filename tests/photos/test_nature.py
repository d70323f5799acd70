"""Screens and drawings are flat, photos are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bundles import picture
from graticule.photos import nature
from graticule.photos.nature import flatness, looks_like_page
from made_photos import page
from made_photos import picture as colourful


def test_a_drawing_is_flatter_than_a_photo() -> None:
    drawn = Image.new("RGB", (800, 600), (250, 250, 250))
    draw = ImageDraw.Draw(drawn)
    for row in range(20, 580, 24):
        draw.text((30, row), "A line of words on a page " * 4, fill=(20, 20, 20))
    assert flatness(drawn) > 0.6
    assert flatness(picture((90, 120, 80), noise=6, size=(800, 600))) < 0.05


def test_it_is_a_share_for_any_size() -> None:
    for size in ((1, 1), (2, 2), (1, 300), (3, 700), (2000, 10)):
        assert 0 <= flatness(Image.new("RGB", size)) <= 1


def test_every_pixel_the_same_is_all_flat() -> None:
    assert flatness(Image.new("RGB", (300, 300), (1, 2, 3))) == 1
    checks = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert flatness(Image.fromarray(checks).convert("RGB")) == 0


@pytest.mark.parametrize(("grain", "shade"), [(1, 0), (4, 0), (2, 30)])
def test_a_scanned_page_is_told_by_its_paper_where_grain_leaves_nothing_flat(
    grain: float, shade: float
) -> None:
    scan = page(grain, shade)
    assert flatness(scan) < 0.6
    assert looks_like_page(scan)


def test_a_page_full_of_text_is_a_page_for_being_even(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = Image.new("RGB", (500, 700), (250, 248, 244))
    pen, font = ImageDraw.Draw(dense), ImageFont.load_default(13)
    for y in range(8, 690, 18):
        pen.text((8, y), "words that stand close to each other on a page " * 3, (25, 25, 25), font)
    assert looks_like_page(dense)
    # As much ink on paper that is not lit evenly may be bushes in fog.
    light = np.linspace(0, 55, 700)[:, None, None]
    fog = Image.fromarray((np.asarray(dense) - light).clip(0, 255).astype(np.uint8))
    assert not looks_like_page(fog)
    monkeypatch.setattr(nature, "_SHARES", nature._SHARES[:1])
    assert not looks_like_page(dense)


def test_photos_night_and_odd_sizes_are_no_pages() -> None:
    assert not looks_like_page(colourful(1, (640, 480)))
    assert not looks_like_page(Image.new("RGB", (300, 200), (20, 20, 20)))
    bright_sky = np.full((240, 320, 3), 240, dtype=np.uint8)
    bright_sky[120:] = np.asarray(colourful(2, (320, 120)))
    assert not looks_like_page(Image.fromarray(bright_sky))
    for size in ((1, 1), (1, 300), (700, 3)):
        looks_like_page(Image.new("RGB", size))
