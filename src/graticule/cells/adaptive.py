"""S2 cells as fine as there are photos: the partitions of S4, PlaNet and the ISNs.

The faces are split while a cell holds more than τ_max photos; cells with fewer than τ_min are
dropped. Photos sorted along the Hilbert curve make every cell a range, so counting is a search.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells import s2, s2_shapes
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

#: (τ_min, τ_max) by name: the three of the ISNs (Müller-Budack et al. 2018), and PlaNet's.
PRESETS: Final[dict[str, tuple[int, int]]] = {
    "coarse": (50, 5000),
    "middle": (50, 2000),
    "fine": (50, 1000),
    "planet": (50, 10_000),
}
#: The levels of the ISNs.
LEVELS: Final = (2, 30)


@dataclass(frozen=True, eq=False)
class S2Cells(Partition):
    """S2 cells of any levels, none inside another, in the order of the Hilbert curve."""

    kind: ClassVar[str] = "s2"

    @cached_property
    def cell_ids(self) -> s2.IdArray:
        """The cells' 64-bit ids, uint64 (n,)."""
        return s2.from_tokens(self.ids)

    @cached_property
    def _ranges(self) -> tuple[s2.IdArray, s2.IdArray, IntArray]:
        order = np.argsort(self.cell_ids)
        low, high = s2.ranges(self.cell_ids[order])
        if (low[1:] <= high[:-1]).any():
            raise PartitionError(f"{self.name}: some S2 cells lie inside others")
        return low, high, order.astype(np.int64)

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The cell of each point, int64 (n,); −1 in a cell that was dropped."""
        low, high, order = self._ranges
        leaves = s2.cell_ids(latlon)
        if not len(low):
            return np.full(len(leaves), -1, np.int64)
        at = np.maximum(np.searchsorted(low, leaves, side="right") - 1, 0)
        inside = (leaves >= low[at]) & (leaves <= high[at])
        return np.where(inside, order[at], -1)

    def ancestors(self, coarser: S2Cells) -> IntArray:
        """The cell of ``coarser`` that holds each cell, −1 where none does."""
        low, high, order = coarser._ranges
        mine_low, mine_high = s2.ranges(self.cell_ids)
        at = np.maximum(np.searchsorted(low, mine_low, side="right") - 1, 0)
        return np.where((mine_low >= low[at]) & (mine_high <= high[at]), order[at], -1)


def check_counts(tau_min: int, tau_max: int, what: str = "τ") -> None:
    """Raise where a least and a greatest number of photos contradict each other."""
    if not 1 <= tau_min <= tau_max:
        raise PartitionError(
            f"{what}_min {tau_min} and {what}_max {tau_max}: choose 1 ≤ {what}_min ≤ {what}_max"
        )


def _split(
    leaves: s2.IdArray, tau_min: int, tau_max: int, levels: tuple[int, int]
) -> tuple[s2.IdArray, IntArray, IntArray]:
    """The cells, and where each begins and ends in the sorted ``leaves``."""
    face_bit = np.uint64(1) << np.uint64(60)
    cells = (np.arange(6, dtype=np.uint64) << np.uint64(61)) | face_bit
    kept: list[tuple[s2.IdArray, IntArray, IntArray]] = []
    for level in range(levels[1] + 1):
        low, high = s2.ranges(cells)
        begin = np.searchsorted(leaves, low, side="left").astype(np.int64)
        end = np.searchsorted(leaves, high, side="right").astype(np.int64)
        count = end - begin
        large = (count > tau_max) | ((level < levels[0]) & (count > 0))
        large &= level < levels[1]
        whole = ~large & (count >= tau_min)
        kept.append((cells[whole], begin[whole], end[whole]))
        if not large.any():
            break
        cells = s2.children(cells[large]).reshape(-1)
    found, begin, end = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.argsort(found)
    return found[order], begin[order], end[order]


def _means(sorted_points: FloatArray, begin: IntArray, end: IntArray) -> FloatArray:
    """The mean on the sphere of each run of points."""
    vectors = sphere.unit_vectors(sorted_points)
    # reduceat wants one list of starts: the sums of the gaps between cells are thrown away.
    bounds = np.column_stack([begin, end]).reshape(-1)
    if bounds[-1] == len(vectors):
        bounds = bounds[:-1]
    return sphere.from_unit_vectors(np.add.reduceat(vectors, bounds, axis=0)[::2])


def adaptive(
    latlon: npt.ArrayLike,
    tau_max: int = 1000,
    tau_min: int = 50,
    *,
    levels: tuple[int, int] = LEVELS,
    name: str = "s2",
) -> S2Cells:
    """Split the Earth into S2 cells of τ_min to τ_max photos.

    A cell of the last level keeps more than τ_max where that many photos share its place.

    Args:
        latlon: (n, 2) places of photos.
        tau_max: a cell with more photos is split.
        tau_min: a cell with fewer is dropped.
        levels: the coarsest and the finest level of a cell.
        name: of the partition.

    Raises:
        PartitionError: no photo, contradicting τ or levels, or no cell reaches τ_min.
        GraticuleError: a coordinate is not finite, or a latitude outside ±90.
    """
    check_counts(tau_min, tau_max)
    if not 0 <= levels[0] <= levels[1] <= s2.MAX_LEVEL:
        raise PartitionError(
            f"levels {levels[0]} to {levels[1]}: choose 0 ≤ first ≤ last ≤ {s2.MAX_LEVEL}"
        )
    points = sphere.as_latlon(latlon)
    if not len(points):
        raise PartitionError("no photo has a place: fill the manifest's lat and lon columns")
    leaves = s2.cell_ids(points)
    order = np.argsort(leaves, kind="stable")
    cells, begin, end = _split(leaves[order], tau_min, tau_max, levels)
    if not len(cells):
        raise PartitionError(
            f"no cell holds τ_min = {tau_min} of the {len(points)} photos: choose a lower τ_min"
        )
    return S2Cells(
        name=name,
        ids=s2.tokens(cells),
        centers=_means(points[order], begin, end),
        counts=end - begin,
        areas_km2=s2_shapes.areas_km2(cells),
        polygons=s2_shapes.polygons(cells),
    )
