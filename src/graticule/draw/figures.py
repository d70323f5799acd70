"""Charts as PNG files beside a run; they need matplotlib (``[report]``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import MissingExtraError

_ACCENT, _SECOND, _SOFT = "#c8430a", "#1763a6", "#8b97a0"
#: Dots an inch of a PNG file.
_DPI = 110
_COLOURS = (_ACCENT, _SECOND, "#24704a", "#7a4fa3", "#8a6d00", "#5b6873")


#: Name → x and y values.
Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


@dataclass(frozen=True)
class Panel:
    """One chart of lines among several in a picture.

    Attributes:
        title: above it.
        series: name → x and y values.
        x: label of the axis, with its unit.
        y: likewise.
        turns: x values at which something changes, each a dotted line.
        y_range: lowest and highest y that is shown; by the values where it is None.
    """

    title: str
    series: Series
    x: str
    y: str
    turns: Sequence[float] = ()
    y_range: tuple[float, float] | None = None


def save_lines(panels: Sequence[Sequence[Panel]], path: Path) -> None:
    """Charts of lines beside and below one another, as one PNG file.

    Args:
        panels: row by row, all rows of one length.
        path: the ``.png``.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    rows, columns = len(panels), len(panels[0])
    figure = _figure(width=4.0 * columns, height=2.8 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for some, charts in zip(grid, panels, strict=True):
        for axes, panel in zip(some, charts, strict=True):
            _draw_lines(_styled(axes), panel.series, panel.x, panel.y)
            for turn in panel.turns:
                axes.axvline(turn, color=_SOFT, linewidth=0.8, linestyle=":")
            axes.set(title=panel.title, ylim=panel.y_range)
            if panel.series:
                axes.legend(frameon=False)
    _save(figure, path)


def save_confusion(
    matrix: npt.ArrayLike, names: Sequence[str], path: Path, *, x: str, y: str
) -> None:
    """A confusion matrix of counts as a PNG file; rows without photos are left out.

    Args:
        matrix: (names, names) counts, true against said.
        names: of rows and columns.
        path: the ``.png``; it grows with the names.
        x: label of the axis.
        y: likewise.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    seen = counts.sum(axis=1) > 0
    down = [name for name, here in zip(names, seen, strict=True) if here]
    figure = _figure(width=3.2 + 0.27 * len(names), height=1.9 + 0.27 * len(down))
    axes = figure.subplots()
    image = _draw_shares(axes, counts[seen], names, down)
    axes.set(xlabel=x, ylabel=y)
    if len(names) <= 40:
        percent = 100 * image.get_array().filled(0)
        _write_cells(axes, image, percent, percent >= 5, "{:.0f}")
    figure.colorbar(image, ax=axes, label="share of the row's photos", shrink=0.6)
    _save(figure, path)


def _draw_lines(axes: Any, series: Series, x: str, y: str) -> None:
    for (name, (xs, ys)), colour in zip(series.items(), _cycle(len(series)), strict=True):
        # One point alone would be a line of no length.
        marker = "o" if len(xs) == 1 else ""
        axes.plot(xs, ys, label=name, color=colour, linewidth=1.8, marker=marker)
    axes.set(xlabel=x, ylabel=y)


def _draw_shares(
    axes: Any, counts: npt.NDArray[np.float64], names: Sequence[str], rows: Sequence[str]
) -> Any:
    """Each row shaded by its shares; returns matplotlib's image of them."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Nothing is painted where nothing is counted, so that a dark page stays dark.
    shares = np.ma.masked_equal(shares, 0)
    image = axes.imshow(shares, cmap="Oranges", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set(color=_SOFT, linewidth=0.6)
    return image


def _write_cells(
    axes: Any, image: Any, values: npt.ArrayLike, told: npt.ArrayLike, form: str
) -> None:
    """A number in each cell that is to be told, in ink that reads on its shade."""
    shares, numbers = image.get_array().filled(0), np.asarray(values)
    for row, column in np.argwhere(np.asarray(told)):
        ink = "#ffffff" if shares[row, column] > 0.6 else "#1d2730"
        words = form.format(numbers[row, column])
        axes.text(column, row, words, ha="center", va="center", color=ink, fontsize=8)


def _figure(*, width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "report", "a chart") from None
    return Figure(figsize=(width, height), layout="constrained")


def _styled(axes: Any) -> Any:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color=_SOFT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def _cycle(count: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]


def _save(figure: Any, path: Path) -> None:
    with files.atomic_path(path) as part:
        figure.savefig(part, dpi=_DPI, metadata={"Software": None})
