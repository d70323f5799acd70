"""A calibration is fitted again on the very photos that the bundle was made from, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from graticule.errors import GraticuleError
from graticule.locate.locator import find_model
from graticule.photos.manifest import read
from graticule.systems.bundle import Bundle
from graticule.training.mini.refit import refit


def test_other_photos_or_weights_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    bundle = Bundle(find_model("mini"))
    before = bundle.sha256
    table = tmp_path / "other.csv"
    table.write_text("path,country\na.jpg,FR\n", encoding="utf-8")
    with pytest.raises(GraticuleError, match=r"other\.csv: its manifest_sha256 is .*a6e26992305"):
        refit(bundle, read(table), tmp_path / "weights", tmp_path, print)
    assert Bundle(bundle.path).sha256 == before
