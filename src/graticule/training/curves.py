"""Pictures of training: loss and accuracy by epoch, train and validation."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from graticule import files


def draw_curves(histories: Mapping[str, list[dict[str, float]]], path: Path) -> bool:
    """Draw one row of two charts for each network; False where matplotlib is not installed.

    Args:
        histories: network → rows of its log.
        path: the ``.png``.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = {name: rows for name, rows in histories.items() if rows}
    if not shown:
        return False
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8, 2.8 * len(shown)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(shown), 2, squeeze=False)
        for line, (name, rows) in zip(axes, shown.items(), strict=True):
            epochs = [row["epoch"] for row in rows]
            mark = "o" if len(rows) < 3 else ""
            for axis, what in zip(line, ("loss", "accuracy"), strict=True):
                for side, colour in (("train", "#2b6cb0"), ("val", "#c05621")):
                    key = f"{side}_{what}"
                    if key in rows[-1]:
                        label = "validation" if side == "val" else side
                        values = [r[key] for r in rows]
                        # One epoch alone would be a line of no length.
                        axis.plot(epochs, values, color=colour, label=label, marker=mark)
                for before, after in pairwise(rows):
                    if before["phase"] != after["phase"]:
                        axis.axvline(after["epoch"] - 0.5, color="#888888", lw=0.8, ls=":")
                axis.set(xlabel="epoch", ylabel=what, title=f"{name}: {what}")
                if what == "accuracy":
                    axis.set_ylim(0, 1)
                axis.legend(frameon=False)
        with files.atomic_path(path) as part:
            figure.savefig(part, dpi=110, metadata={"Software": None})
    return True
