"""Countries as cells: the partition of S1 and S5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.atlas.land import land_index
from graticule.cells import geometry
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

    def shapes(self) -> npt.NDArray[Any]:
        """The borders, from the atlas where the file has none; they reach into coastal waters."""
        if self.polygons is not None:
            return self.polygons
        known = atlas.country_polygons()
        return np.array([known[code] for code in self.ids], dtype=object)


def countries(
    codes: npt.ArrayLike,
    latlon: npt.ArrayLike | None = None,
    *,
    center: Literal["photos", "polygon"] = "photos",
    borders: bool = False,
    name: str = "countries",
) -> Countries:
    """The countries that occur in ``codes``, in alphabetical order.

    Args:
        codes: (n,) ISO alpha-2 code of each photo, "" where unknown.
        latlon: (n, 2) places of the photos, NaN where unknown.
        center: what represents a country: the mean of its photos on the sphere (its polygon's
            centroid where none has a place), or the centroid of its polygon on land (S5).
        borders: keep the polygons of the land, for a file that is to be seen on a map; places are
            told by the atlas all the same.
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
    whole = np.array([known[code] for code in present], dtype=object)
    land = land_index().shapes[[atlas.country_codes().index(str(code)) for code in present]]
    areas = geometry.areas_km2(land)
    seen = np.where(areas > 0, land, whole)
    centers = geometry.centroids(seen)
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
        polygons=seen if borders else None,
    )
