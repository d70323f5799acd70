"""A part of a photo is told from a part of another one, whatever the light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from graticule.evaluation.crops import overlay, small
from graticule.photos.manifest import Manifest
from made_photos import picture


@settings(max_examples=40)
@given(st.floats(0.5, 1.0), st.floats(0, 1), st.floats(0, 1), st.integers(0, 9))
def test_a_part_fits_wherever_it_was_cut(share: float, x: float, y: float, seed: int) -> None:
    whole = scene(seed)
    width, height = round(whole.width * share), round(whole.height * share)
    left, top = round(x * (whole.width - width)), round(y * (whole.height - height))
    part = whole.crop((left, top, left + width, top + height))
    assert overlay(shrunk(part), shrunk(whole)).is_part


def test_a_picture_fits_itself_and_its_strip_of_full_width() -> None:
    whole = scene(5)
    assert overlay(shrunk(whole), shrunk(whole)).detail == pytest.approx(1, abs=1e-6)
    strip = whole.crop((0, 40, whole.width, whole.height))
    assert overlay(shrunk(strip), shrunk(whole)).detail > 0.95


def test_a_part_of_a_panorama_is_found(tmp_path: Path) -> None:
    wide = Image.new("RGB", (1800, 240))
    for i in range(6):
        wide.paste(scene(20 + i), (300 * i, 0))
    wide.save(tmp_path / "wide.png")
    wide.crop((200, 30, 1500, 220)).save(tmp_path / "part.png")
    scene(30).save(tmp_path / "other.png")
    whole, part, other = (small(tmp_path / f"{n}.png") for n in ("wide", "part", "other"))
    assert whole.size == (240, 32)
    assert overlay(part, whole).is_part
    assert not overlay(other, whole).is_part


def test_another_picture_does_not_fit_and_light_makes_no_difference() -> None:
    whole = scene(1)
    part = ImageEnhance.Brightness(whole.crop((60, 40, 260, 190))).enhance(0.6)
    assert overlay(shrunk(part), shrunk(whole)).is_part
    assert not any(overlay(shrunk(part), shrunk(scene(seed))).is_part for seed in range(2, 12))


def test_a_horizon_is_no_likeness() -> None:
    for seed in range(5):
        assert overlay(plain(seed), plain(seed + 100)).detail < 0.3


def test_a_plain_wall_and_a_tiny_picture_fit_nowhere() -> None:
    wall, tiny = Image.new("RGB", (64, 48), "grey"), Image.new("RGB", (3, 2), "grey")
    assert overlay(wall, wall) == (-1.0, -1.0)
    assert overlay(wall, shrunk(scene(1))) == (-1.0, -1.0)
    assert overlay(tiny, shrunk(scene(1))) == (-1.0, -1.0)
    assert overlay(shrunk(scene(1)), tiny) == (-1.0, -1.0)


def test_the_same_thing_before_another_wall_is_no_part() -> None:
    pink, green = (bench(wall) for wall in ((240, 190, 200), (180, 240, 190)))
    assert overlay(pink, green).detail >= 0.5
    assert not overlay(pink, green).is_part
    assert overlay(pink, pink).is_part


def test_a_part_that_lost_its_colours_is_found() -> None:
    whole = scene(4)
    grey = whole.crop((30, 20, 290, 215)).convert("L").convert("RGB")
    assert overlay(shrunk(grey), shrunk(whole)).is_part


def test_a_whole_is_no_part_of_its_crop() -> None:
    whole = scene(3)
    assert not overlay(shrunk(whole), shrunk(whole.crop((0, 0, 190, 140)))).is_part


@pytest.mark.parametrize("share", [0.95, 0.8])
def test_crops_of_photos_are_found_among_their_kind(
    planet: Manifest, tmp_path: Path, share: float
) -> None:
    rows = np.unique(planet.column("group"), return_index=True)[1][:12].tolist()
    photos = [planet.file(planet.column("path")[row]) for row in rows]
    for i, photo in enumerate(photos):
        with Image.open(photo) as image:
            cut = image.crop((2, 1, 2 + round(share * 90), 1 + round(share * 70)))
            cut.save(tmp_path / f"{i}.jpg", quality=85)
    wholes = [small(photo) for photo in photos]
    for i in range(len(photos)):
        part = small(tmp_path / f"{i}.jpg")
        assert [overlay(part, whole).is_part for whole in wholes] == [
            k == i for k in range(len(wholes))
        ]


def scene(seed: int) -> Image.Image:
    """A frame with things in it, 320 by 240."""
    frame = picture(seed, (320, 240))
    rng, pen = np.random.default_rng(seed), ImageDraw.Draw(frame)
    for _ in range(60):
        x, y, w, h = rng.integers(0, [320, 240, 60, 50]).tolist()
        pen.rectangle((x, y, x + w + 8, y + h + 8), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return frame


def plain(seed: int) -> Image.Image:
    """Sky over land, with grain."""
    grey = np.random.default_rng(seed).normal(0, 3, (48, 64))
    grey += np.where(np.arange(48)[:, None] < 20 + seed % 7, 200.0, 90.0)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")


def bench(wall: tuple[int, int, int]) -> Image.Image:
    """A bench in a room."""
    room = Image.new("RGB", (64, 48), wall)
    pen = ImageDraw.Draw(room)
    pen.rectangle((0, 38, 64, 48), fill=(120, 90, 60))
    pen.rectangle((14, 30, 44, 33), fill=(90, 50, 30))
    for x in (17, 38):
        pen.rectangle((x, 34, x + 2, 44), fill=(90, 50, 30))
    return room


def shrunk(image: Image.Image) -> Image.Image:
    """As :func:`small` makes it of a file."""
    scale = 64 / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX)
