"""Pictures of training: loss and accuracy by epoch, train and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from graticule.draw import figures
from graticule.errors import MissingExtraError

_SIDES = {"train": "train", "val": "validation"}


def draw_curves(histories: Mapping[str, list[dict[str, float]]], path: Path) -> bool:
    """Draw one row of two charts for each network; False where matplotlib is not installed.

    Args:
        histories: network → rows of its log.
        path: the ``.png``.
    """
    shown = {name: rows for name, rows in histories.items() if rows}
    if not shown:
        return False
    panels = [
        [_panel(name, rows, what) for what in ("loss", "accuracy")] for name, rows in shown.items()
    ]
    try:
        figures.save_lines(panels, path)
    except MissingExtraError:
        return False
    return True


def _panel(name: str, rows: Sequence[Mapping[str, float]], what: str) -> figures.Panel:
    epochs = [row["epoch"] for row in rows]
    series = {
        label: (epochs, [row[f"{side}_{what}"] for row in rows])
        for side, label in _SIDES.items()
        if f"{side}_{what}" in rows[-1]
    }
    turns = [b["epoch"] - 0.5 for a, b in pairwise(rows) if a["phase"] != b["phase"]]
    y_range = (0.0, 1.0) if what == "accuracy" else None
    return figures.Panel(f"{name}: {what}", series, "epoch", what, turns, y_range)
