"""Charts: SVG that parses, holds its words, and reads on dark paper too."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from graticule.draw import charts
from graticule.errors import MissingExtraError


@pytest.fixture
def _matplotlib() -> None:
    pytest.importorskip("matplotlib")


@pytest.mark.usefixtures("_matplotlib")
def test_charts_hold_their_words() -> None:
    grey = charts.lines(
        {"mini": ([1, 25, 200], [0.1, 0.2, 0.4]), "prior": ([1, 25, 200], [0, 0.1, 0.2])},
        x="km",
        y="share within",
        log_x=True,
        diagonal=True,
        bands={"mini": ([0, 0.1, 0.3], [0.2, 0.3, 0.5])},
    )
    rows = charts.bars({"Nepal": 0.4, "India": 0.7}, x="right", intervals={"Nepal": (0.2, 0.6)})
    square = charts.confusion(np.array([[3, 1], [0, 4]]), ["Rome", "Oslo"], x="said", y="true")
    for text, words in ((grey, ("mini", "prior", "km")), (rows, ("Nepal",)), (square, ("Rome",))):
        shown = " ".join(ET.fromstring(text).itertext())
        assert all(word in shown for word in words)
        assert "currentColor" in text
        assert "#000000" not in text


@pytest.mark.usefixtures("_matplotlib")
def test_the_same_values_are_the_same_bytes() -> None:
    assert charts.bars({"a": 1.0}, x="n") == charts.bars({"a": 1.0}, x="n")


@pytest.mark.usefixtures("_matplotlib")
def test_pictures_are_files_of_their_rows_and_columns(tmp_path: Path) -> None:
    from PIL import Image

    one = charts.Panel("loss", {"train": ([1, 2], [3.0, 2.0]), "val": ([2], [4.0])}, "epoch", "y")
    two = charts.Panel("accuracy", {}, "epoch", "y", turns=(1.5,), y_range=(0, 1))
    charts.save_lines([[one, two], [two, one]], tmp_path / "lines.png")
    wide, high = Image.open(tmp_path / "lines.png").size
    assert (wide, high) == (8 * 110, round(5.6 * 110))
    counts = [[9, 1, 0], [0, 0, 0], [3, 0, 0]]
    for name in ("a.png", "b.png"):
        charts.save_confusion(counts, ["Rome", "Oslo", "Bern"], tmp_path / name, x="said", y="true")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"graticule\[report\]"):
        charts.bars({"a": 1.0}, x="n")
