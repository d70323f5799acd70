from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from graticule.cli.app import app, main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    (folder / "day 1").mkdir(parents=True)
    told = Image.Exif()
    told[0x013B] = "Jo Doe"
    Image.new("RGB", (40, 30), "red").save(folder / "a.jpg", exif=told)
    Image.new("RGB", (40, 30), "blue").save(folder / "day 1" / "a.jpg")
    return folder


def test_it_shows_and_writes_nothing(photos: Path) -> None:
    before = {path: path.read_bytes() for path in photos.rglob("*.jpg")}
    result = CliRunner().invoke(app, ["protect", str(photos)])
    assert result.exit_code == 0
    assert "EXIF artist: Jo Doe" in result.output
    assert "nothing beside the picture itself" in result.output
    assert {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()} == before


def test_copies_keep_their_folders_and_replace_nothing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["protect", str(photos), "--output", str(out), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert [Path(row["copy"]) for row in rows] == [out / "a.jpg", out / "day 1" / "a.jpg"]
    assert all(row["lossless"] for row in rows)
    assert b"Jo Doe" not in (out / "a.jpg").read_bytes()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 1


def test_a_broken_photo_is_named_and_the_rest_goes_on(photos: Path) -> None:
    (photos / "0.jpg").write_bytes(b"no photo")
    result = CliRunner().invoke(app, ["protect", str(photos)])
    assert result.exit_code == 1
    assert "0.jpg: not an image" in result.output
    assert "Jo Doe" in result.output
