"""Pictures of what a system got right and wrong: confusion, and a sheet of answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graticule.draw import figures
from graticule.errors import PhotoError
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
    figures.save_confusion(confusion, names, path, x="said", y="true")


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
