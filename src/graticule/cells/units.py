"""The administrative units that cells lie in: regions (admin-1) and districts (admin-2).

Cells seldom are units: a semantic cell joins districts, an S2 cell knows no border. What a cell's
probability says of them is told by where its training photos lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.cells.partition import FloatArray, IntArray, Partition, Tally
from graticule.cells.places import extents_km

Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Kind:
    """One kind of unit.

    Attributes:
        widest_km: a cell of this radius or less is taken to lie in the unit of its center.
        find: the code of the unit at each place, "" where there is none.
        table: code → name and country of each unit.
    """

    widest_km: float
    find: Callable[[FloatArray], Strings]
    table: Callable[[], Mapping[str, tuple[str, str]]]


def _regions() -> dict[str, tuple[str, str]]:
    return {code: (name, country) for code, (name, country, _) in atlas.region_table().items()}


def _districts() -> dict[str, tuple[str, str]]:
    states = _regions()
    return {unit.code: (unit.name, states[unit.region][1]) for unit in atlas.districts()}


#: By the name that answers and files have for them; the atlas has districts in India.
KINDS: Final[Mapping[str, Kind]] = {
    "regions": Kind(75.0, lambda latlon: atlas.regions(latlon)[0], _regions),
    "districts": Kind(20.0, atlas.find_districts, _districts),
}


def tallied(partition: Partition, cells: IntArray, latlon: FloatArray) -> Partition:
    """The partition, told which units its photos lie in.

    Args:
        partition: of any kind.
        cells: (n,) the cell of each photo.
        latlon: (n, 2) where they were taken.
    """
    tallies: dict[str, Tally] = {}
    for name, kind in KINDS.items() if len(latlon) else ():
        units, own = np.unique(kind.find(latlon), return_inverse=True)
        pairs, photos = np.unique(cells * len(units) + own, return_counts=True)
        tallies[name] = Tally(pairs // len(units), units[pairs % len(units)], photos)
    return replace(partition, tallies=tallies)


def shares(partition: Partition, kind: str) -> tuple[IntArray, Strings, FloatArray]:
    """What share of each cell's probability belongs to which unit, as a sparse matrix.

    A photo that nobody has seen yet is one more beside those that were counted, and only a small
    cell's center tells where it lies: of n photos all in one unit, a wide cell hands on n/(n+1), so
    that one photo speaks for no whole country; a small cell without photos hands on everything.

    Args:
        partition: with tallies or without.
        kind: of :data:`KINDS`.

    Returns:
        Cells (m,), codes of units (m,) and shares (m,); those of a cell sum to one or less. A pair
        may occur twice.
    """
    of = KINDS[kind]
    tally = partition.tallies.get(kind, _NOTHING)
    small = np.flatnonzero(extents_km(partition) <= of.widest_km)
    units = of.find(partition.centers[small]) if len(small) else _NOTHING.units
    cells = np.concatenate([tally.cells, small])
    codes = np.concatenate([tally.units, units])
    photos = np.concatenate([tally.photos, np.ones(len(small), np.int64)])
    whole = 1.0 + np.bincount(tally.cells, tally.photos, minlength=len(partition))
    told = codes != ""
    return cells[told], codes[told], photos[told] / whole[cells[told]]


_NOTHING: Final = Tally(np.empty(0, np.int64), np.empty(0, np.str_), np.empty(0, np.int64))
