"""S4's tables for any photos: each partitioning and f*, by scene and by photos of the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graticule import metrics, sphere

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

#: Photos in the true cell: from each number to below the next; none is no cell at all.
COUNTS: Final = (0, 1, 10, 30, 100, 300, 1000, 3000)
KM: Final = "1 / 25 / 200 / 750 / 2500 km"
_HEAD: Final = " | 1 | 25 | 200 | 750 | 2500 | median km | photos |"


@dataclass(frozen=True)
class Evidence:
    """What a system of S2 cells said of k photos with a place.

    Attributes:
        rows: int64 (k,) of the manifest.
        latlon: (k, 2) where they were taken.
        points: decoding → (k, 2) where it says so.
        scenes: (k,) what they show, "" where nobody knows.
        counts: int64 (k,) training photos in the true fine cell, 0 where there is none.
    """

    rows: IntArray
    latlon: FloatArray
    points: Mapping[str, FloatArray]
    scenes: Strings
    counts: IntArray

    def km(self, decoding: str) -> FloatArray:
        """Distance from the truth of each photo, (k,)."""
        return sphere.haversine(self.points[decoding], self.latlon)


def pooled(parts: Sequence[Evidence]) -> Evidence:
    """The evidence of several folds as one."""
    return Evidence(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.latlon for part in parts]),
        {name: np.concatenate([part.points[name] for part in parts]) for name in parts[0].points},
        np.concatenate([part.scenes for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def tables(evidence: Evidence, decoding: str = "f*") -> dict[str, Any]:
    """Shares within the field's distances: by decoding, and for one decoding by scene and count.

    Percentages within 1, 25, 200, 750 and 2500 km, the median error, and the photos.
    """
    if not len(evidence.rows):
        return {"photos": 0, "decodings": {}, "scenes": {}, "counts": {}}
    km = evidence.km(decoding)
    scenes = {name: evidence.scenes == name for name in np.unique(evidence.scenes).tolist() if name}
    ends = (*COUNTS[1:], np.iinfo(np.int64).max)
    bins = {
        _words(low, high): (evidence.counts >= low) & (evidence.counts < high)
        for low, high in zip(COUNTS, ends, strict=True)
    }
    return {
        "photos": len(evidence.rows),
        "decodings": {name: _cell(evidence.km(name)) for name in evidence.points},
        "scenes": {name: _cell(km[mask]) for name, mask in scenes.items()},
        "counts": {name: _cell(km[mask]) for name, mask in bins.items() if mask.any()},
    }


def _words(low: int, high: int) -> str:
    if high == 1:
        return "none"
    return f"{low} or more" if low == COUNTS[-1] else f"{low}–{high - 1}"


def _cell(km: FloatArray) -> dict[str, Any]:
    return {
        "within": metrics.within(km).round(1).tolist(),
        "median_km": round(float(np.median(km)), 1),
        "photos": len(km),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    if not found["photos"]:
        return "None of these photos has coordinates.\n"
    parts = (
        ("decodings", "decoding", f"Percent of photos within {KM}."),
        ("scenes", "scene", "f* by what the photo shows (a label, or the helper's)."),
        ("counts", "photos in the cell", "f* by training photos in the true fine cell."),
    )
    lines = []
    for key, name, words in parts:
        if not found[key]:
            continue
        lines += [words, "", f"| {name}{_HEAD}", "|---|" + "---:|" * 7]
        lines += [row(label, cell) for label, cell in found[key].items()]
        lines.append("")
    return "\n".join(lines)


def row(label: str, cell: Mapping[str, Any]) -> str:
    """One line of a table."""
    shares = " | ".join(f"{share:.1f}" for share in cell["within"])
    return f"| {label} | {shares} | {cell['median_km']:,.0f} | {cell['photos']} |"


def report(evidence: Evidence) -> tuple[dict[str, Any], str]:
    """The tables as numbers and as Markdown."""
    found = tables(evidence)
    return found, markdown(found)
