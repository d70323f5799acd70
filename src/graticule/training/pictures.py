"""Pictures of what a system got right and wrong: the confusion of cities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graticule import files
from graticule.errors import MissingExtraError


def draw_confusion(confusion: Sequence[Sequence[int]], names: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix: each row the photos of a city, coloured by share of the row.

    Args:
        confusion: photos, true (rows) against said (columns).
        names: of rows and columns.
        path: the ``.png``.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report", "a confusion picture") from error
    from matplotlib.figure import Figure

    counts = np.asarray(confusion, dtype=np.float64)
    seen = counts.sum(axis=1) > 0
    share = counts[seen] / counts[seen].sum(axis=1, keepdims=True)
    rows = [name for name, here in zip(names, seen, strict=True) if here]
    side = 2.5 + 0.28 * len(names)
    figure = Figure(
        figsize=(side, side * len(rows) / max(1, len(names)) + 0.8), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    image = axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.set(xlabel="said", ylabel="true")
    if len(names) <= 40:
        for i, j in zip(*np.nonzero(share >= 0.05), strict=True):
            colour = "white" if share[i, j] > 0.5 else "black"
            axis.text(
                j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize=6, color=colour
            )
    figure.colorbar(image, ax=axis, label="share of the row's photos", shrink=0.6)
    with files.atomic_path(path) as part:
        figure.savefig(part, dpi=110, metadata={"Software": None})
