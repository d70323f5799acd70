"""Partitions side by side over the same photos: how many cells, how even, how near they can get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError


@dataclass(frozen=True)
class Comparison:
    """What one partition makes of some photos.

    Attributes:
        name: of the partition, and its ``kind``.
        cells: all, and ``used``: those with photos.
        outside: share of the photos in no cell.
        fewest: photos in the used cell with the fewest; ``median`` and ``most`` alike.
        gini: of the photos over the used cells: 0 all alike, near 1 all in one.
        median_km: from a photo to its cell's point: the best median error that any classifier over
            these cells can reach on the photos inside. NaN where all are outside.
    """

    name: str
    kind: str
    cells: int
    used: int
    outside: float
    fewest: int
    median: float
    most: int
    gini: float
    median_km: float

    def to_json(self) -> dict[str, Any]:
        """The row as plain values."""
        return asdict(self)


def gini(counts: npt.ArrayLike) -> float:
    """The Gini coefficient of counts: mean difference over twice the mean; 0 for none."""
    sizes = np.sort(np.asarray(counts, dtype=np.float64))
    n, total = len(sizes), sizes.sum()
    if n == 0 or total == 0:
        return 0.0
    return float(((2 * np.arange(1, n + 1) - n - 1) * sizes).sum() / (n * total))


def compare(partitions: Sequence[Partition], latlon: npt.ArrayLike) -> list[Comparison]:
    """One row a partition.

    Args:
        partitions: to be compared.
        latlon: (n, 2) places of the photos, without NaN.

    Raises:
        PartitionError: there is no photo with a place.
    """
    points = sphere.as_latlon(latlon)
    if not len(points):
        raise PartitionError("no photo has a place: fill the manifest's lat and lon columns")
    return [_row(partition, points) for partition in partitions]


def _row(partition: Partition, points: FloatArray) -> Comparison:
    own: IntArray = partition.assign(points)
    inside = own >= 0
    counts = np.bincount(own[inside], minlength=len(partition))
    used = counts[counts > 0]
    km = sphere.haversine(points[inside], partition.centers[own[inside]])
    return Comparison(
        name=partition.name,
        kind=partition.kind,
        cells=len(partition),
        used=len(used),
        outside=float(1 - inside.mean()),
        fewest=int(used.min(initial=counts.max())),
        median=float(np.median(used)) if len(used) else 0.0,
        most=int(used.max(initial=0)),
        gini=gini(used),
        median_km=float(np.median(km)) if len(km) else float("nan"),
    )


HEADINGS = ("partition", "cells", "used", "outside", "min", "median", "max", "Gini", "best median")


def lines(rows: Sequence[Comparison]) -> list[str]:
    """The rows as a plain table, aligned."""
    table = [HEADINGS]
    table += [
        (
            row.name, f"{row.cells:,}", f"{row.used:,}", f"{row.outside:.1%}", f"{row.fewest:,}",
            f"{row.median:,.0f}", f"{row.most:,}", f"{row.gini:.2f}", f"{row.median_km:,.2f} km",
        )
        for row in rows
    ]  # fmt: skip
    widths = [max(len(line[k]) for line in table) for k in range(len(HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
