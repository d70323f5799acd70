"""Regions and districts as cells (S5's sub-divisions), from the atlas or a user's own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells import geometry
from graticule.cells.areas import Areas
from graticule.cells.boundaries import Boundaries
from graticule.errors import PartitionError

#: Natural Earth's coast is generalised: how far off it a photo is still of the region.
REACH_KM = 10.0


@dataclass(frozen=True, eq=False)
class Regions(Areas):
    """Administrative units; a closed set of those that had photos."""

    kind: ClassVar[str] = "regions"


def regions(
    latlon: npt.ArrayLike,
    boundaries: Boundaries,
    *,
    center: Literal["photos", "polygon"] = "photos",
    name: str = "regions",
    min_photos: int = 1,
) -> Regions:
    """The units that hold photos, in the order of their ids.

    Args:
        latlon: (n, 2) places of photos, without NaN.
        boundaries: the units.
        center: what represents a unit: the mean of its photos on the sphere, or the centroid of its
            polygon (S5).
        name: of the partition.
        min_photos: units with fewer are left out.

    Raises:
        PartitionError: no photo lies in a unit.
    """
    points = sphere.as_latlon(latlon)
    order = np.argsort(boundaries.ids)
    everything = _of(boundaries.only(order), name)
    own = everything.assign(points)
    counts = np.bincount(own[own >= 0], minlength=len(everything))
    kept = np.flatnonzero(counts >= max(1, min_photos))
    if not len(kept):
        raise PartitionError(
            f"none of the {len(points)} photos lies in one of the {len(boundaries)} units"
        )
    chosen = _of(boundaries.only(order[kept]), name)
    assert chosen.polygons is not None
    if center == "polygon":
        centers = geometry.centroids(chosen.polygons)
    else:
        centers = sphere.group_means(points, own, len(everything))[kept]
    return Regions(
        name=name,
        ids=chosen.ids,
        names=chosen.names,
        centers=centers,
        counts=counts[kept].astype(np.int64),
        areas_km2=geometry.areas_km2(chosen.polygons),
        polygons=chosen.polygons,
        parents=chosen.parents,
        reach_km=REACH_KM,
    )


def _of(units: Boundaries, name: str) -> Regions:
    return Regions(
        name=name,
        ids=units.ids,
        names=units.names,
        centers=np.zeros((len(units), 2)),
        polygons=units.polygons,
        parents={"countries": units.countries, "regions": units.regions},
        reach_km=REACH_KM,
    )
