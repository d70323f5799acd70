"""Planted copies, placeholders and stamps are found in the planet's pictures, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from graticule.evaluation.finding import METADATA_PLACE, Finding
from graticule.evaluation.pixels import Seen, Twins, audit_pixels, inside, look
from graticule.photos.manifest import Manifest, from_table
from made_photos import add_iptc, page, picture


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


def seen(files: list[Path]) -> Seen:
    return look(iter(files), len(files))


def twins(train: list[Path], test: list[Path], portion: int = 100) -> Finding:
    """What is found when the training photos pass by a few at a time."""
    check = Twins(seen(test), [p.name for p in test])
    manifest = from_table(pa.table({"path": [""]}), test[0])
    for start in range(0, len(train), portion):
        part = train[start : start + portion]
        check.see(manifest, [p.name for p in part], seen(part))
    return check.finding()


@pytest.mark.parametrize("portion", [100, 7])
def test_copies_across_are_found_and_named(files: list[Path], portion: int) -> None:
    found = twins(files[:60], files[60:], portion)
    assert found.rows.tolist() == [True, True, False]
    assert found.examples[0] == f"copy.jpg ← {files[0].name}"
    assert found.leak


def test_a_mirror_image_is_found_and_called_so(files: list[Path], tmp_path: Path) -> None:
    with Image.open(files[5]) as image:
        ImageOps.mirror(image.convert("RGB")).save(tmp_path / "m.jpg", quality=85)
    found = twins(files[:60], [tmp_path / "m.jpg"])
    assert found.examples == (f"m.jpg ← {files[5].name} (mirrored)",)


def test_different_photos_are_no_duplicates(files: list[Path]) -> None:
    assert twins(files[30:60], files[:30]).count <= 1


@pytest.mark.parametrize(("here", "words"), [(0, "none of the training"), (1, "1 of 2 training")])
def test_training_photos_that_are_not_here_are_said(
    files: list[Path], tmp_path: Path, here: int, words: str
) -> None:
    shutil.copy(files[0], tmp_path / "a.jpg")
    test = from_table(pa.table({"path": ["a.jpg"]}), tmp_path / "test.csv")
    paths = ["gone.jpg", "a.jpg" if here else "gone too.jpg"]
    found = audit_pixels(from_table(pa.table({"path": paths}), tmp_path / "train.csv"), test)
    assert any(words in note for note in found.notes)
    kinds = {f.kind: f.count for f in found.findings}
    assert kinds.get("near-duplicate of training", 0) == here


@pytest.mark.parametrize("where", ["gps", "xmp", "iptc", ""])
def test_a_place_in_the_metadata_is_found(tmp_path: Path, where: str) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Camera 1"
    if where == "gps":
        exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 3: "W", 4: (0.0, 7.0, 12.0)})
    xmp = b'<d photoshop:City="London"/>' if where == "xmp" else b'<d dc:title="Tuesday"/>'
    picture(0, (64, 48)).save(tmp_path / "a.jpg", exif=exif, xmp=xmp)
    if where == "iptc":
        add_iptc(tmp_path / "a.jpg", b"\x1c\x02\x5a\0\x06London")
    found = audit_pixels(None, from_table(pa.table({"path": ["a.jpg"]}), tmp_path / "m.csv"))
    kinds = {f.kind: f.count for f in found.findings}
    assert kinds[METADATA_PLACE] == int(where != "")


def test_doubles_within_are_counted_once_less(files: list[Path]) -> None:
    found_in = seen(files)
    found = inside(found_in, [p.name for p in files])
    assert found.rows[60:].tolist() == [True, True, False]
    assert not found.rows[0]
    assert found_in.read.tolist() == [True] * 62 + [False]


def test_a_scanned_page_is_no_photo_and_no_card(tmp_path: Path) -> None:
    page().save(tmp_path / "a.jpg", quality=85)
    found = seen([tmp_path / "a.jpg"])
    assert (found.flat.tolist(), found.placeholder.tolist()) == ([True], [False])


def test_coordinates_in_a_photo_larger_than_the_audit_looks_at_are_seen(tmp_path: Path) -> None:
    frame = picture(1, (1600, 1200))
    ImageDraw.Draw(frame).text(
        (40, 1125), "N48.8584 E2.2945 2021/07/14", fill="white", font=ImageFont.load_default(40),
        stroke_width=2, stroke_fill="black",
    )  # fmt: skip
    frame.save(tmp_path / "a.jpg", quality=85)
    assert seen([tmp_path / "a.jpg"]).burned_in.all()


def test_an_even_picture_is_flagged_and_is_no_twin(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (300, 200), (250, 250, 250)).save(tmp_path / name)
    found_in = seen([tmp_path / "a.png", tmp_path / "b.png"])
    assert found_in.flat.all()
    assert not inside(found_in, ["a.png", "b.png"]).rows.any()
