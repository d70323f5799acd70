"""Screens and drawings are flat, photos are not."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from bundles import picture
from graticule.photos.nature import flatness


def test_a_drawing_is_flatter_than_a_photo() -> None:
    page = Image.new("RGB", (800, 600), (250, 250, 250))
    draw = ImageDraw.Draw(page)
    for row in range(20, 580, 24):
        draw.text((30, row), "A line of words on a page " * 4, fill=(20, 20, 20))
    assert flatness(page) > 0.6
    assert flatness(picture((90, 120, 80), noise=6, size=(800, 600))) < 0.05


def test_it_is_a_share_for_any_size() -> None:
    for size in ((1, 1), (2, 2), (1, 300), (3, 700), (2000, 10)):
        assert 0 <= flatness(Image.new("RGB", size)) <= 1


def test_every_pixel_the_same_is_all_flat() -> None:
    assert flatness(Image.new("RGB", (300, 300), (1, 2, 3))) == 1
    checks = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert flatness(Image.fromarray(checks).convert("RGB")) == 0
