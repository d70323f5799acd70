"""Cities as cells: the partition of S3, any list of places with a radius."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells import geometry
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

#: How far from its centre a photo may lie and still be of a city.
RADIUS_KM = 25.0

#: The ten cities of S3, with the coordinates of their centres.
TEN_CITIES: Final[dict[str, tuple[float, float]]] = {
    "FR:Paris": (48.8566, 2.3522),
    "JP:Tokyo": (35.6762, 139.6503),
    "GB:London": (51.5074, -0.1278),
    "TH:Bangkok": (13.7563, 100.5018),
    "US:New York": (40.7128, -74.0060),
    "NL:Amsterdam": (52.3676, 4.9041),
    "IN:Mumbai": (19.0760, 72.8777),
    "ES:Barcelona": (41.3851, 2.1734),
    "IT:Venice": (45.4408, 12.3155),
    "US:Los Angeles": (34.0522, -118.2437),
}


@dataclass(frozen=True, eq=False)
class Cities(Partition):
    """Discs around city centres; a place in several belongs to the nearest centre.

    Attributes:
        radius_km: how far from a centre a place still belongs to the city.
    """

    kind: ClassVar[str] = "cities"

    radius_km: float = RADIUS_KM

    def settings(self) -> dict[str, Any]:
        """The radius."""
        return {"radius_km": self.radius_km}

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The city of each point, int64 (n,); −1 where no centre is within the radius."""
        from scipy.spatial import cKDTree

        points = sphere.as_latlon(latlon)
        tree = cKDTree(sphere.unit_vectors(self.centers))
        gap, nearest = tree.query(sphere.unit_vectors(points))
        return np.where(sphere.arc(gap) <= self.radius_km, nearest, -1).astype(np.int64)


def cities(
    places: dict[str, tuple[float, float]] | None = None,
    *,
    counts: npt.ArrayLike | None = None,
    radius_km: float = RADIUS_KM,
    name: str = "cities",
) -> Cities:
    """A partition of cities.

    Args:
        places: id ("CC:Name") → (lat, lon) of the centre; the ten of S3 by default.
        counts: (n,) photos of each city.
        radius_km: see :class:`Cities`.
        name: of the partition.

    Raises:
        PartitionError: no city, an id without a country code, or a radius that is not positive.
    """
    chosen = TEN_CITIES if places is None else places
    if not chosen:
        raise PartitionError("no city to build from")
    if not radius_km > 0:
        raise PartitionError(f"a city's radius must be positive, got {radius_km:g} km")
    for key in chosen:
        if len(key.partition(":")[0]) != 2 or not key.partition(":")[2]:
            raise PartitionError(f"city id {key!r}: write it as COUNTRY:Name, e.g. FR:Paris")
    centers: FloatArray = np.array(list(chosen.values()), dtype=np.float64)
    area = float(sphere.cap_area_km2(radius_km))
    return Cities(
        name=name,
        ids=tuple(chosen),
        names=tuple(key.partition(":")[2] for key in chosen),
        centers=centers,
        counts=np.zeros(len(chosen), np.int64)
        if counts is None
        else np.asarray(counts, dtype=np.int64),
        areas_km2=np.full(len(chosen), area),
        polygons=_discs(centers, radius_km),
        parents={"countries": tuple(key.partition(":")[0] for key in chosen)},
        radius_km=radius_km,
    )


def read_cities(path: str | Path) -> dict[str, tuple[float, float]]:
    """A list of cities from a CSV with columns id (``CC:Name``), lat and lon.

    Raises:
        PartitionError: the file cannot be read, lacks a column, or names a city twice.
    """
    import pyarrow as pa
    import pyarrow.csv

    source = Path(path)
    try:
        table = pyarrow.csv.read_csv(source)
        ids = [str(value) for value in table["id"].to_pylist()]
        lat, lon = (table[name].cast(pa.float64()).to_pylist() for name in ("lat", "lon"))
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise PartitionError(f"{source}: not a CSV with columns id, lat and lon") from error
    if len(set(ids)) < len(ids):
        twice = next(cell for cell in ids if ids.count(cell) > 1)
        raise PartitionError(f"{source}: {twice} is there twice")
    return dict(zip(ids, zip(lat, lon, strict=True), strict=True))


def _discs(centers: FloatArray, radius_km: float) -> npt.NDArray[Any]:
    """The discs as polygons, cut at the antimeridian; a disc over a pole is only nearly drawn."""
    import shapely

    discs = np.empty(len(centers), dtype=object)
    for i, center in enumerate(centers):
        ring = sphere.circle(center, radius_km)[:-1]
        lon = geometry.unwrapped(ring[:, 1])
        discs[i] = geometry.cut_at_antimeridian(shapely.Polygon(np.column_stack([lon, ring[:, 0]])))
    return discs
