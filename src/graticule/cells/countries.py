"""Countries as cells: the partition of S1 and S5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.cells import geometry
from graticule.cells.land import on_land
from graticule.cells.partition import IntArray, Partition
from graticule.errors import PartitionError


@dataclass(frozen=True, eq=False)
class Countries(Partition):
    """Countries by ISO 3166-1 alpha-2 code; a place is in the one whose border holds it.

    A closed set: the countries that had photos. A place in any other country is outside (−1).
    """

    kind: ClassVar[str] = "countries"

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The country of each point, int64 (n,); −1 at sea and in countries not in the set."""
        return self.index(atlas.countries(sphere.as_latlon(latlon)))


def countries(
    codes: npt.ArrayLike,
    latlon: npt.ArrayLike | None = None,
    *,
    center: Literal["photos", "polygon"] = "photos",
    name: str = "countries",
) -> Countries:
    """The countries that occur in ``codes``, in alphabetical order.

    Args:
        codes: (n,) ISO alpha-2 code of each photo, "" where unknown.
        latlon: (n, 2) places of the photos, NaN where unknown.
        center: what represents a country: the mean of its photos on the sphere (its polygon's
            centroid where none has a place), or the centroid of its polygon on land (S5).
        name: of the partition.

    Raises:
        PartitionError: no photo has a country, or a code is unknown.
    """
    values = np.asarray(codes).astype(str)
    present, counts = np.unique(values[values != ""], return_counts=True)
    if not len(present):
        raise PartitionError("no photo has a country: fill the manifest's country column")
    known = atlas.country_polygons()
    for code in present:
        if code not in known:
            raise PartitionError(f"unknown country code {code!r}: use ISO 3166-1 alpha-2, e.g. FR")
    borders = np.array([known[code] for code in present], dtype=object)
    land = on_land(borders)
    areas = geometry.areas_km2(land)
    centers = geometry.centroids(np.where(areas > 0, land, borders))
    if latlon is not None and center == "photos":
        places = np.asarray(latlon, dtype=np.float64)
        located = np.isfinite(places).all(axis=1) & (values != "")
        groups = np.searchsorted(present, values[located]).astype(np.int64)
        means = sphere.group_means(places[located], groups, len(present))
        centers = np.where(np.isfinite(means), means, centers)
    return Countries(
        name=name,
        ids=tuple(str(code) for code in present),
        names=tuple(atlas.country_name(code) for code in present),
        centers=centers,
        counts=counts.astype(np.int64),
        areas_km2=np.where(areas > 0, areas, np.nan),
    )
