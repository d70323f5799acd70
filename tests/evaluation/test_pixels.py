"""Planted copies, placeholders and stamps are found in the planet's pictures, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.evaluation.pixels import across, inside, look
from graticule.photos.manifest import Manifest


@pytest.fixture(scope="module")
def files(planet: Manifest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixty planet photos of different groups and, behind them, two copies of the first."""
    folder = tmp_path_factory.mktemp("pixels")
    _, first = np.unique(planet.column("group"), return_index=True)
    kept = [planet.file(str(planet.column("path")[row])) for row in sorted(first)[:60]]
    copy = folder / "copy.jpg"
    shutil.copy(kept[0], copy)
    small = folder / "smaller.jpg"
    with Image.open(kept[0]) as image:
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(small, quality=60)
    broken = folder / "broken.jpg"
    broken.write_bytes(b"no photo")
    return [*kept, copy, small, broken]


def test_copies_across_are_found_and_named(files: list[Path]) -> None:
    test, train = files[60:], files[:60]
    found = across(look(train), [p.name for p in train], look(test), [p.name for p in test])
    assert found.rows.tolist() == [True, True, False]
    assert found.examples[0] == f"copy.jpg ← {files[0].name}"
    assert found.leak


def test_different_photos_are_no_duplicates(files: list[Path]) -> None:
    one, other = files[:30], files[30:60]
    found = across(look(one), [p.name for p in one], look(other), [p.name for p in other])
    assert found.count <= 1


def test_doubles_within_are_counted_once_less(files: list[Path]) -> None:
    seen = look(files)
    found = inside(seen, [p.name for p in files])
    assert found.rows[60:].tolist() == [True, True, False]
    assert not found.rows[0]
    assert seen.read.tolist() == [True] * 62 + [False]


def test_an_even_picture_is_flagged_and_is_no_twin(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (300, 200), (250, 250, 250)).save(tmp_path / name)
    seen = look([tmp_path / "a.png", tmp_path / "b.png"])
    assert seen.flat.all()
    assert not inside(seen, ["a.png", "b.png"]).rows.any()
