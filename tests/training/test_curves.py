"""Curves of training: drawn for what was logged, and left out where they cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graticule.training.curves import draw_curves

ROWS = [
    {"epoch": 1, "phase": 0, "train_loss": 3.0, "train_accuracy": 0.1, "val_loss": 3.1},
    {"epoch": 2, "phase": 1, "train_loss": 2.0, "train_accuracy": 0.4, "val_loss": 2.5},
]


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert draw_curves({"one": ROWS, "short": ROWS[:1], "none": []}, tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000


def test_nothing_is_drawn_of_nothing_or_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not draw_curves({"none": []}, tmp_path / "c.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not draw_curves({"one": ROWS}, tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()
