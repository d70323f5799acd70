"""Charts as SVG text, for pages and files; they need matplotlib (``[report]``)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.errors import MissingExtraError

_ACCENT, _SECOND, _SOFT = "#c8430a", "#1763a6", "#8b97a0"
_COLOURS = (_ACCENT, _SECOND, "#24704a", "#7a4fa3", "#8a6d00", "#5b6873")


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    log_x: bool = False,
    diagonal: bool = False,
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> str:
    """Lines over a common axis: shares within a distance, coverage against its promise.

    Args:
        series: name → x and y values.
        x: label of the axis, with its unit.
        y: likewise.
        log_x: whether the x axis is logarithmic.
        diagonal: whether the line of y = x is drawn, for calibration.
        bands: name → lower and upper y values of an interval around the line of that name.

    Returns:
        An ``<svg>`` element.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure()
    for (name, (xs, ys)), colour in zip(series.items(), _cycle(len(series)), strict=True):
        axes.plot(xs, ys, label=name, color=colour, linewidth=1.8)
        if bands and name in bands:
            axes.fill_between(xs, *bands[name], color=colour, alpha=0.15, linewidth=0)
    if diagonal:
        low, high = axes.get_xlim()
        axes.plot((low, high), (low, high), color=_SOFT, linewidth=1, linestyle="--", zorder=0)
    if log_x:
        axes.set_xscale("log")
    axes.set(xlabel=x, ylabel=y)
    if len(series) > 1:
        axes.legend(frameon=False)
    return _svg(figure)


def bars(
    values: Mapping[str, float],
    *,
    x: str,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Horizontal bars, one a name, in the order given, with intervals where there are any.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure(height=max(1.2, 0.28 * len(values) + 0.7))
    names = list(values)
    axes.barh(names, [values[name] for name in names], color=_ACCENT, height=0.66)
    for row, name in enumerate(names):
        if intervals and name in intervals:
            axes.plot(intervals[name], (row, row), color=_SOFT, linewidth=2.2)
    axes.invert_yaxis()
    axes.set(xlabel=x)
    return _svg(figure)


def confusion(
    matrix: npt.ArrayLike,
    names: Sequence[str],
    *,
    x: str,
    y: str,
    rows: Sequence[str] | None = None,
) -> str:
    """A confusion matrix of counts: rows are the truth, and each is shaded by its shares.

    Args:
        matrix: (rows, names) counts.
        names: of the columns.
        x: label of the axis.
        y: likewise.
        rows: names of the rows, where they are not those of the columns.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    down = names if rows is None else rows
    figure, axes = _figure(height=max(2.5, 0.36 * len(down) + 1.2))
    axes.imshow(shares, cmap="Oranges", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(down)), down)
    for (row, column), count in np.ndenumerate(counts):
        if count and len(names) <= 24:
            ink = "#ffffff" if shares[row, column] > 0.6 else "#1d2730"
            axes.text(column, row, f"{count:g}", ha="center", va="center", color=ink, fontsize=8)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    axes.set(xlabel=x, ylabel=y)
    return _svg(figure)


def _figure(*, width: float = 6.4, height: float = 3.4) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "report", "a chart") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color=_SOFT, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _cycle(count: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]


def _svg(figure: Any) -> str:
    """The figure as an element whose letters take the page's colour; the same bytes every time."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graticule"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    # Black is matplotlib's default ink; the page's own reads in the dark too.
    text = re.sub(r"(fill|stroke): #000000", r"\1: currentColor", text[text.index("<svg") :])
    return text.replace('<g id="text_', '<g fill="currentColor" id="text_')
