"""The interface of every way to cut up the Earth: a partition of n cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import PartitionError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Training photos by cell and administrative unit: one entry for each pair that has any.

    Attributes:
        cells: int64 (m,), numbers of cells.
        units: (m,), codes of units, "" for photos that lie in none.
        photos: int64 (m,), how many.
    """

    cells: IntArray
    units: npt.NDArray[np.str_]
    photos: IntArray


@dataclass(frozen=True, eq=False)
class Partition(ABC):
    """Cells that a head can tell apart: countries, cities, S2 cells, semantic cells, a gallery.

    Attributes:
        name: what the partition is called inside its system, e.g. ``"countries"`` or ``"fine"``.
        ids: the cells' string ids, as they are written to files (S2: the token; ISO codes).
        centers: float64 (n, 2), a representative point in degrees: the mean of the cell's photos
            on the sphere where there are photos, else of its polygon.
        names: what people call the cells; the id where they have no name.
        counts: int64 (n,), training photos in each cell.
        areas_km2: float64 (n,), NaN where a cell has no area.
        polygons: object array (n,) of shapely geometries in lon/lat order, or None.
        parents: for each coarser partition by name, the parent's id of every cell ("" for none).
        tallies: for each kind of unit of :data:`graticule.cells.units.KINDS`, the units that the
            training photos lie in; empty where nobody counted.
    """

    #: What the file format and `graticule cells` call this kind.
    kind: ClassVar[str] = ""

    name: str
    ids: tuple[str, ...]
    centers: FloatArray
    names: tuple[str, ...] = ()
    counts: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    areas_km2: FloatArray = field(default_factory=lambda: np.empty(0))
    polygons: npt.NDArray[Any] | None = None
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.ids)
        if len(set(self.ids)) != n:
            raise PartitionError(f"{self.name}: cell ids must be unique")
        object.__setattr__(self, "centers", sphere.as_latlon(self.centers))
        if not self.names:
            object.__setattr__(self, "names", self.ids)
        if len(self.counts) == 0:
            object.__setattr__(self, "counts", np.zeros(n, np.int64))
        if len(self.areas_km2) == 0:
            object.__setattr__(self, "areas_km2", np.full(n, np.nan))
        columns: tuple[Sized, ...] = (
            self.centers,
            self.names,
            self.counts,
            self.areas_km2,
            *self.parents.values(),
        )
        if any(len(column) != n for column in columns):
            raise PartitionError(f"{self.name}: every column needs one value for each of {n} cells")
        for kind, tally in self.tallies.items():
            if ((tally.cells < 0) | (tally.cells >= n) | (tally.photos < 1)).any():
                raise PartitionError(f"{self.name}: photos by {kind} of cells that are none")

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The cell of each point, int64 (n,); −1 for a place outside all cells."""

    def settings(self) -> dict[str, Any]:
        """What the kind needs beside its cells, as JSON; passed back when it is read."""
        return {}

    @classmethod
    def from_settings(cls, **columns: Any) -> Self:
        """Build from a file's columns and :meth:`settings`."""
        return cls(**columns)

    def shapes(self) -> npt.NDArray[Any] | None:
        """The cells' polygons in lon/lat order, object (n,), or None where they are points."""
        return self.polygons

    def to_parquet(self, path: str | Path) -> None:
        """Write the partition as GeoParquet, whole or not at all."""
        from graticule.cells.files import write_partition

        write_partition(self, path)

    @staticmethod
    def from_parquet(path: str | Path) -> Partition:
        """Read a partition of any kind.

        Raises:
            PartitionError: the file is missing, is not a partition, or is from a newer version.
        """
        from graticule.cells.files import read_partition

        return read_partition(path)

    def plot(self, path: str | Path) -> None:
        """Draw the cells: ``.svg`` is a picture, ``.html`` a map to move about in.

        Raises:
            PartitionError: another ending.
        """
        from graticule.cells.maps import write_map

        write_map(self, path)

    def index(self, ids: npt.ArrayLike) -> IntArray:
        """Cell numbers of string ids, −1 for an unknown id."""
        position = {cell: i for i, cell in enumerate(self.ids)}
        return np.array([position.get(str(i), -1) for i in np.atleast_1d(ids)], dtype=np.int64)

    def distances(self, latlon: npt.ArrayLike) -> Iterator[tuple[slice, FloatArray]]:
        """Kilometres from points to all centers, in blocks of rows: ``(rows, (rows, n))``."""
        return sphere.distance_blocks(latlon, self.centers)

    def parents_in(self, coarser: Partition) -> IntArray:
        """The number of each cell's parent in ``coarser``, −1 where it has none.

        Raises:
            PartitionError: no parents are recorded for a partition of that name.
        """
        if coarser.name not in self.parents:
            known = ", ".join(self.parents) or "none"
            raise PartitionError(f"{self.name} has no parents in {coarser.name} (it has: {known})")
        return coarser.index(self.parents[coarser.name])
