"""Maps of partitions: whole files that load nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from graticule.cells.adaptive import adaptive
from graticule.cells.gallery import gallery
from graticule.cells.regions import regions
from graticule.errors import PartitionError
from worlds import grid, towns

POINTS = towns([(10.5, 70.5), (10.6, 71.5), (12.2, 73.5)], 30, 20.0)
SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_has_a_shape_a_cell_and_hostile_names_are_text(tmp_path: Path) -> None:
    cells = regions(POINTS, grid())
    names = ("<script>alert(1)</script>", *cells.names[1:])
    replace(cells, names=names).plot(tmp_path / "map.svg")
    tree = ET.parse(tmp_path / "map.svg")
    drawn = [path for path in tree.iter(f"{SVG}path") if path.get("class") == "cell"]
    assert len(drawn) == len(cells)
    assert "<script>" in (drawn[0].findtext(f"{SVG}title") or "")


@pytest.mark.parametrize("kind", ["world", "points"])
def test_a_page_stands_alone(kind: str, tmp_path: Path) -> None:
    made = gallery(POINTS) if kind == "points" else adaptive(POINTS, 20, 1, levels=(0, 1))
    made.plot(tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "default-src 'none'" in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert text.count("<title>") == len(made) + 1


def test_other_endings_are_named(tmp_path: Path) -> None:
    with pytest.raises(PartitionError, match=r"\.svg or \.html"):
        gallery(POINTS).plot(tmp_path / "map.gif")
    assert not list(tmp_path.iterdir())
