"""Pictures of what a system got right and wrong: confusion, and a sheet of answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graticule import files
from graticule.errors import MissingExtraError, PhotoError
from graticule.systems.city_report import CityEvidence

if TYPE_CHECKING:
    from PIL.Image import Image


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
    size = (3.2 + 0.27 * len(names), 1.9 + 0.27 * len(rows))
    figure = Figure(figsize=size, layout="constrained")
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


def draw_answers(
    evidence: CityEvidence, photos: Sequence[Path], path: Path, each: int = 12
) -> None:
    """Draw a sheet of right answers, surest first, and then of wrong ones, surest first.

    Args:
        evidence: what was said; its rows are numbers in ``photos``.
        photos: the files of the manifest.
        path: the picture. It shows the user's own photos: it belongs beside the run, not in the
            bundle.
        each: photos of either kind.
    """
    from graticule.draw.sheet import contact_sheet, save_sheet
    from graticule.photos.photo import open_photo

    known = evidence.true != ""
    right = evidence.true == evidence.said
    cells: list[tuple[Image | None, str]] = []
    for mask, mark in ((known & right, "right"), (known & ~right, "wrong")):
        rows = np.flatnonzero(mask)
        for i in rows[np.argsort(-evidence.probability[rows], kind="stable")][:each]:
            said = str(evidence.said[i]).partition(":")[2]
            words = f"{mark}: {said} {evidence.probability[i]:.0%}"
            if mark == "wrong":
                words += f", is {str(evidence.true[i]).partition(':')[2]}"
            try:
                cells.append((open_photo(photos[int(evidence.rows[i])]).image, words))
            except PhotoError:
                cells.append((None, words))
    if cells:
        save_sheet(contact_sheet(cells, columns=6), path)
