"""``graticule cells``: every kind is built, shown and compared; mistakes are one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from graticule.cells.files import read_partition
from graticule.cells.nested import read_nested
from graticule.cli.app import main
from worlds import towns

DELHI, MUMBAI, PARIS = (28.61, 77.21), (19.08, 72.88), (48.86, 2.35)


def write(path: Path, rows: list[tuple[object, ...]], heads: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        table = csv.writer(handle)
        table.writerow(heads)
        table.writerows(rows)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    places = np.round(towns([DELHI, MUMBAI, PARIS], 60, 4.0), 5).tolist()
    rows: list[tuple[object, ...]] = [(f"{i}.jpg", lat, lon) for i, (lat, lon) in enumerate(places)]
    return write(tmp_path / "m.csv", [*rows, ("none.jpg", "", "")], ("path", "lat", "lon"))


def run(*arguments: object) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("countries", ()),
        ("regions", ("--country", "IN")),
        ("cities", ("--radius", "30")),
        ("s2", ("--tau-max", "50", "--tau-min", "3")),
        ("combinatorial", ("--cells", "6")),
        ("semantic", ("--country", "IN")),
    ],
)
def test_every_kind_is_built_shown_and_compared(
    kind: str,
    options: tuple[str, ...],
    manifest: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if kind == "semantic":
        pytest.importorskip("sklearn")
    file, page = tmp_path / "cells.parquet", tmp_path / "map.html"
    assert run("cells", "build", kind, "--manifest", manifest, "-o", file, *options) == 0
    said = capsys.readouterr()
    assert "cells with" in said.out
    assert "1 of 181 photos have no place" in said.err or kind == "countries"
    assert run("cells", "show", file, "--html", page, "--top", 2) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run("cells", "compare", file, "-m", manifest, "--json", tmp_path / "c.json") == 0
    (row,) = json.loads((tmp_path / "c.json").read_text())
    assert row["cells"] == len(read_partition(file))
    assert row["median_km"] < 600


def test_a_stack_is_a_file_a_level(manifest: Path, tmp_path: Path) -> None:
    file = tmp_path / "n.parquet"
    assert run("cells", "build", "nested", "-m", manifest, "--tau-min", 5, "-o", file) == 0
    assert [level.name for level in read_nested(file).levels] == ["coarse", "middle", "fine"]


def test_own_cities(tmp_path: Path) -> None:
    listed = write(tmp_path / "c.csv", [("IN:Delhi", *DELHI)], ("id", "lat", "lon"))
    assert run("cells", "build", "cities", "--places", listed, "-o", tmp_path / "c.parquet") == 0
    assert read_partition(tmp_path / "c.parquet").ids == ("IN:Delhi",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("s2", "-m", "EMPTY", "-o", "o.parquet"), "none of its 0 photos"),
        (("s2", "-m", "M", "-o", "o.csv"), "o.parquet"),
        (("s2", "-m", "M", "--preset", "tiny", "-o", "o.parquet"), "coarse, middle"),
        (("s2", "-m", "M", "--levels", "five", "-o", "o.parquet"), "2-30"),
        (("s2", "-m", "M", "--tau-max", "5", "--tau-min", "9", "-o", "o.parquet"), "τ_min 9"),
        (("semantic", "-m", "M", "--country", "XX", "-o", "o.parquet"), "XX"),
        (("semantic", "-m", "M", "--preset", "big", "-o", "o.parquet"), "small, large"),
        (("regions", "-m", "M", "--boundaries", "none.gpkg", "-o", "o.parquet"), "no such file"),
        (("cities", "--places", "M", "-o", "o.parquet"), "id, lat and lon"),
        (("s2", "-m", "BAD", "-o", "o.parquet"), "latitude"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(
    arguments: tuple[str, ...],
    words: str,
    manifest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    heads = ("path", "lat", "lon")
    files = {
        "M": manifest,
        "EMPTY": write(tmp_path / "empty.csv", [], heads),
        "BAD": write(tmp_path / "bad.csv", [("a.jpg", 95.0, 10.0)], heads),
    }
    assert run("cells", "build", *(files.get(argument, argument) for argument in arguments)) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "have no place" not in line]
    assert len(told) == 1
    assert words in told[0]
    assert not list(tmp_path.glob("o.*"))


def test_a_file_that_is_no_partition(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cells", "show", manifest) == 1
    assert "not a Parquet file" in capsys.readouterr().err
