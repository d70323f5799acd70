"""Charts as files: of the size they should have, and the extra named where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graticule.draw import figures
from graticule.errors import MissingExtraError


def test_pictures_are_files_of_their_rows_and_columns(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    one = figures.Panel("loss", {"train": ([1, 2], [3.0, 2.0]), "val": ([2], [4.0])}, "epoch", "y")
    two = figures.Panel("accuracy", {}, "epoch", "y", turns=(1.5,), y_range=(0, 1))
    figures.save_lines([[one, two], [two, one]], tmp_path / "lines.png")
    wide, high = Image.open(tmp_path / "lines.png").size
    assert (wide, high) == (8 * 110, round(5.6 * 110))
    counts = [[9, 1, 0], [0, 0, 0], [3, 0, 0]]
    for name in ("a.png", "b.png"):
        figures.save_confusion(
            counts, ["Rome", "Oslo", "Bern"], tmp_path / name, x="said", y="true"
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_without_matplotlib_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"graticule\[report\]"):
        figures.save_lines([[figures.Panel("loss", {}, "epoch", "y")]], tmp_path / "a.png")
