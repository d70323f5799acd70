"""What the cells of a belief are called: regions, districts and towns, where no head says it.

A cell hands its probability to the regions that its training photos lie in, by their share. What is
not known to lie in any counts for none, so the probabilities may sum to less than one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import atlas, calibration
from graticule.answer import City, Place
from graticule.belief import Belief, Labels
from graticule.cells.partition import Partition
from graticule.cells.units import KINDS, shares
from graticule.sphere import FloatArray

#: A town is named when this share of the mass lies within TOWN_KM of the point.
LEAST = 0.01
TOWN_KM = 25.0


@dataclass(frozen=True)
class Grouping:
    """The units that the cells of a partition lie in: a sparse matrix, cells × units.

    Attributes:
        over: codes of the units.
        names: what they are called.
        cells: int64 (m,), the cell of each entry.
        units: int64 (m,), its unit.
        shares: float64 (m,), the share of the cell's probability that belongs to the unit.
    """

    over: Labels
    names: tuple[str, ...]
    cells: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    shares: FloatArray

    def mass(self, belief: Belief[Partition], row: int) -> FloatArray:
        """The probability of each unit by one photo's belief, (units,); one or less in all."""
        p = np.exp(belief.log_p[row, self.cells].astype(np.float64))
        return np.asarray(
            np.bincount(self.units, p * self.shares, minlength=len(self.names)), np.float64
        )

    def places(self, belief: Belief[Partition], row: int, most: int | None) -> tuple[Place, ...]:
        """The units that hold mass of one photo's belief, best first."""
        if not self.names:
            return ()
        mass = self.mass(belief, row)
        best = np.argsort(-mass, kind="stable")[:most]
        return tuple(
            Place(code=self.over.ids[i], name=self.names[i], probability=round(mass[i], 4))
            for i in best
            if mass[i] >= LEAST
        )


def grouping(partition: Partition, kind: str, within: Collection[str] = ()) -> Grouping:
    """The units of a partition's cells.

    Args:
        partition: whose cells.
        kind: ``regions`` (admin-1), or ``districts`` (admin-2), which the atlas has in India.
        within: countries that the user allows, so that the foreign part of a cell on a border is
            not named; empty for any.
    """
    cells, codes, share = shares(partition, kind)
    found, units = np.unique(codes, return_inverse=True)
    table = KINDS[kind].table() if len(found) else {}
    # A bundle may be older than the atlas.
    known = [table.get(code, (code, code[:2])) for code in found.tolist()]
    kept = np.array([not within or country in within for _, country in known], dtype=bool)
    number = np.cumsum(kept) - 1
    entries = np.flatnonzero(kept[units])
    return Grouping(
        Labels(tuple(found[kept].tolist())),
        tuple(name for (name, _), keep in zip(known, kept, strict=True) if keep),
        cells[entries],
        number[units[entries]],
        share[entries],
    )


def towns(belief: Belief[Partition], points: FloatArray) -> list[tuple[City, ...]]:
    """The town at each photo's point, with the mass that lies around it; none where that is little.

    For systems that have no belief over cities.
    """
    around = calibration.mass_within(belief, points, np.full(len(points), TOWN_KM))
    found: list[tuple[City, ...]] = [()] * len(points)
    rows = np.flatnonzero(around >= LEAST)
    if not len(rows):
        return found
    for row, name in zip(rows, atlas.names(points[rows]), strict=True):
        if name.town and name.town_km <= TOWN_KM:
            share = min(1.0, round(float(around[row]), 4))
            found[row] = (City(name=name.town, country=name.country, probability=share),)
    return found
