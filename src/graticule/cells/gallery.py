"""Points as cells: the gallery of GeoCLIP and of retrieval; a place belongs to the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

#: How densely a drawn town is settled: that of a large city.
_PEOPLE_PER_KM2 = 4000.0
#: How many neighbours say how densely the points lie around one.
_NEIGHBOURS = 8
#: Points of a grid; their vectors take 2 KB each.
_LARGEST = 5_000_000


@dataclass(frozen=True, eq=False)
class Gallery(Partition):
    """Points that each stand for the places nearest to them; every place on Earth has a cell.

    The area of a cell is that of the land its point stands for by density: the cap that reaches its
    eighth neighbour, divided by eight.
    """

    kind: ClassVar[str] = "gallery"

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The nearest point of each place, int64 (n,)."""
        from scipy.spatial import cKDTree

        tree = cKDTree(sphere.unit_vectors(self.centers))
        return np.asarray(tree.query(sphere.unit_vectors(sphere.as_latlon(latlon)))[1], np.int64)


def gallery(
    latlon: npt.ArrayLike,
    *,
    ids: tuple[str, ...] | None = None,
    counts: npt.ArrayLike | None = None,
    name: str = "gallery",
) -> Gallery:
    """A gallery of points.

    Args:
        latlon: (n, 2) degrees. Duplicates are kept: they are what the model was given.
        ids: their names; numbers by default.
        counts: photos behind each point.
        name: of the partition.

    Raises:
        PartitionError: there is no point.
    """
    points = sphere.as_latlon(latlon)
    if not len(points):
        raise PartitionError("a gallery needs at least one point")
    width = len(str(len(points) - 1))
    return Gallery(
        name=name,
        ids=ids or tuple(f"{i:0{width}d}" for i in range(len(points))),
        centers=points,
        counts=np.zeros(len(points), np.int64)
        if counts is None
        else np.asarray(counts, dtype=np.int64),
        areas_km2=_areas(points),
    )


def _areas(points: FloatArray) -> FloatArray:
    from scipy.spatial import cKDTree

    vectors = sphere.unit_vectors(points)
    k = min(_NEIGHBOURS, len(points) - 1)
    if k < 1:
        return np.array([sphere.SPHERE_AREA_KM2])
    gap = cKDTree(vectors).query(vectors, k=k + 1)[0][:, -1]
    # A metre at least: points that coincide still stand for somewhere.
    return np.maximum(sphere.cap_area_km2(sphere.arc(gap)) / k, 1e-6)


@dataclass(frozen=True)
class Points:
    """Coordinates as a file gave them.

    Attributes:
        latlon: (n, 2) degrees, of all rows that are places.
        left_out: rows that are none: empty, NaN, or a latitude outside ±90.
        first: the number of the first such row, counted from 1 under the header; 0 for none.
    """

    latlon: FloatArray
    left_out: int = 0
    first: int = 0

    def __str__(self) -> str:
        """What is odd among them; points given twice or at sea are kept: the user gave them."""
        twice = len(self.latlon) - len(np.unique(self.latlon, axis=0))
        sea = int((~atlas.is_land(self.latlon)).sum())
        words = f"{len(self.latlon):,} places"
        if twice or sea:
            words += f", {twice:,} of them given twice and {sea:,} at sea, all kept"
        if self.left_out:
            words += f"; {self.left_out:,} rows are no place and left out, row {self.first} first"
        return words


def read_points(path: str | Path) -> Points:
    """The coordinates of a CSV with a latitude and a longitude column.

    GeoCLIP's gallery files and most others; capitals and the columns' order do not matter. Of a
    partition (``.parquet``), the centers.

    Raises:
        PartitionError: the file is missing or cannot be read, has no such columns, a value is no
            number, or no row is a place.
    """
    import pyarrow as pa
    import pyarrow.csv

    source = Path(path)
    if not source.is_file():
        raise PartitionError(f"{source}: no such file of places")
    if source.suffix.lower() == ".parquet":
        return Points(Partition.from_parquet(source).centers)
    try:
        table = pyarrow.csv.read_csv(source)
        names = {name.strip().lower(): name for name in table.column_names}
        lat, lon = (
            next(names[name] for name in wanted if name in names)
            for wanted in (("lat", "latitude"), ("lon", "lng", "long", "longitude"))
        )
        columns = [
            table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in (lat, lon)
        ]
    except (OSError, pa.ArrowInvalid, StopIteration, RuntimeError) as error:
        raise PartitionError(f"{source}: not a CSV with columns lat and lon of numbers") from error
    latlon = np.stack(columns, axis=1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(latlon).all(axis=1) & (np.abs(latlon[:, 0]) <= 90)
    if not good.any():
        raise PartitionError(
            f"{source}: not one of its {len(latlon):,} rows has a latitude within ±90 and a "
            "longitude (are the two swapped?)"
        )
    bad = np.flatnonzero(~good)
    return Points(latlon[good], len(bad), int(bad[0]) + 1 if len(bad) else 0)


def read_gallery(path: str | Path) -> tuple[Gallery, Points]:
    """A gallery of a file: a partition as it stands, of a CSV its points.

    Raises:
        PartitionError: as :func:`read_points`.
    """
    source = Path(path)
    if source.suffix.lower() == ".parquet":
        found = Partition.from_parquet(source)
        if isinstance(found, Gallery):
            return found, Points(found.centers)
        return gallery(found.centers, counts=found.counts), Points(found.centers)
    points = read_points(source)
    return gallery(points.latlon), points


def grid(box: tuple[float, float, float, float], spacing_km: float) -> FloatArray:
    """Points ``spacing_km`` apart that fill a box, (n, 2) degrees, in rows of latitude.

    Args:
        box: south, west, north, east in degrees; west beyond east crosses the antimeridian.
        spacing_km: along and between the rows.

    Raises:
        PartitionError: the box is none, or holds more than five million points.
    """
    south, west, north, east = box
    width = (east - west) % 360 or 360.0
    if not (-90 <= south < north <= 90) or not spacing_km > 0:
        raise PartitionError(
            f"box {box}, {spacing_km} km: south below north, and a spacing above 0"
        )
    degree = sphere.EARTH_RADIUS_KM * np.pi / 180
    most = (north - south) * width * (degree / spacing_km) ** 2
    if most > _LARGEST:
        raise PartitionError(
            f"box {box}: up to {most:,.0f} points {spacing_km:g} km apart, more than {_LARGEST:,}; "
            "widen --spacing"
        )
    rows = []
    for lat in _steps(south, north, spacing_km / degree):
        along = spacing_km / (degree * max(np.cos(np.radians(lat)), 1e-9))
        lon = sphere.wrap_longitude(_steps(west, west + width, along))
        rows.append(np.stack([np.full(len(lon), lat), lon], axis=1))
    return np.concatenate(rows)


def _steps(start: float, end: float, step: float) -> FloatArray:
    """Middles of equal parts of an interval, no wider than ``step``."""
    n = max(1, int(np.ceil((end - start) / step)))
    return np.asarray(start + (np.arange(n) + 0.5) * (end - start) / n)


def drawn_on_land(
    n: int, by: Literal["population", "area"] = "population", seed: int = 0
) -> FloatArray:
    """``n`` places on land, (n, 2) degrees: where people live, or evenly.

    By population a place lies about a town drawn by its inhabitants, as far out as they would fill
    at :data:`_PEOPLE_PER_KM2`.

    Raises:
        PartitionError: ``n`` is not positive.
    """
    if n < 1:
        raise PartitionError(f"a gallery of {n} points; choose one or more")
    rng = np.random.default_rng(seed)
    if by == "area":
        return atlas.sample_land(n, rng)
    towns = atlas.towns()
    people = np.maximum(towns.population, 1).astype(np.float64)
    reach = np.sqrt(people / (np.pi * _PEOPLE_PER_KM2))
    found: list[FloatArray] = []
    missing = n
    while missing:
        town = rng.choice(len(people), missing, p=people / people.sum())
        km = reach[town] * np.sqrt(rng.uniform(size=missing))
        places = sphere.offset(towns.latlon[town], rng.uniform(0, 360, missing), km)
        found.append(places[atlas.is_land(places)])
        missing -= len(found[-1])
    return np.concatenate(found)
