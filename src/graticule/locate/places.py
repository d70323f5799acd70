"""What the cells of a belief are called: regions, districts and towns, where no head says it.

A region's probability is the mass of the cells that surely lie in it: cells wider than the region's
scale (the rest of a country) count for none, so the probabilities may sum to less than one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import atlas, calibration
from graticule.answer import City, Place
from graticule.belief import Belief, Labels
from graticule.cells.partition import Partition
from graticule.cells.places import extents_km
from graticule.sphere import FloatArray

#: Widest cell (radius, km) that is taken to lie in the region of its center.
REGION_KM = 75.0
#: Likewise in a district.
DISTRICT_KM = 20.0
#: A town is named when this share of the mass lies within TOWN_KM of the point.
LEAST = 0.01
TOWN_KM = 25.0


@dataclass(frozen=True)
class Grouping:
    """Which named place each cell of a partition lies in.

    Attributes:
        over: codes of the places.
        names: what they are called.
        groups: int64 (cells,), the place of each cell, −1 for none.
    """

    over: Labels
    names: tuple[str, ...]
    groups: npt.NDArray[np.int64]

    def places(self, belief: Belief[Partition], row: int, most: int | None) -> tuple[Place, ...]:
        """The places that hold mass of one photo's belief, best first."""
        if not self.names:
            return ()
        inside = self.groups >= 0
        shares = np.bincount(
            self.groups[inside],
            np.exp(belief.log_p[row, inside].astype(np.float64)),
            minlength=len(self.names),
        )
        best = np.argsort(-shares, kind="stable")[:most]
        return tuple(
            Place(code=self.over.ids[i], name=self.names[i], probability=round(shares[i], 4))
            for i in best
            if shares[i] >= LEAST
        )


def regions(partition: Partition) -> Grouping:
    """The regions (admin-1) of a partition's cells."""

    def find(centers: FloatArray) -> tuple[npt.NDArray[np.str_], dict[str, str]]:
        codes, names = atlas.regions(centers)
        return codes, dict(zip(codes.tolist(), names.tolist(), strict=True))

    return _grouping(partition, REGION_KM, find)


def districts(partition: Partition) -> Grouping:
    """The districts (admin-2) of a partition's cells, where the atlas has them: in India."""

    def find(centers: FloatArray) -> tuple[npt.NDArray[np.str_], dict[str, str]]:
        codes = atlas.find_districts(centers)
        if not (codes != "").any():
            return codes, {}
        return codes, {district.code: district.name for district in atlas.districts()}

    return _grouping(partition, DISTRICT_KM, find)


def _grouping(
    partition: Partition,
    widest_km: float,
    find: Callable[[FloatArray], tuple[npt.NDArray[np.str_], dict[str, str]]],
) -> Grouping:
    groups = np.full(len(partition), -1, np.int64)
    small = np.flatnonzero(extents_km(partition) <= widest_km)
    if not len(small):
        return Grouping(Labels(()), (), groups)
    codes, names = find(partition.centers[small])
    known = np.unique(codes[codes != ""])
    groups[small] = np.where(codes == "", -1, np.searchsorted(known, codes))
    ids = tuple(known.tolist())
    return Grouping(Labels(ids), tuple(names[code] for code in ids), groups)


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
