"""A partition with places of the user's own beside its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

#: What the ids of taught places begin with.
PREFIX = "taught:"


@dataclass(frozen=True, eq=False)
class TaughtCells(Partition):
    """The cells of another partition, then one for each taught place.

    Attributes:
        base: the other partition.
        radii_km: how far each taught place reaches, (m,).
    """

    kind: ClassVar[str] = "taught"

    base: Partition | None = None
    radii_km: tuple[float, ...] = ()

    @property
    def places(self) -> range:
        """The numbers of the taught places."""
        return range(len(self) - len(self.radii_km), len(self))

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The taught place that reaches a point, the nearest of them, else the base's cell."""
        assert self.base is not None
        points = sphere.as_latlon(latlon)
        found = self.base.assign(points)
        km = sphere.distances(points, self.centers[self.places.start :])
        km = np.where(km <= np.array(self.radii_km), km, np.inf)
        near = np.isfinite(km).any(axis=1)
        found[near] = self.places.start + km[near].argmin(axis=1)
        return found

    def settings(self) -> dict[str, Any]:
        """None: it is made from its base wherever it is needed.

        Raises:
            PartitionError: always; the base is what files hold.
        """
        raise PartitionError(f"{self.name}: taught places are written with their model, not alone")

    def shapes(self) -> npt.NDArray[Any] | None:
        """The base's polygons and a circle about each place; None where the base has points."""
        import shapely

        assert self.base is not None
        shapes = self.base.shapes()
        if shapes is None:
            return None
        own = zip(self.centers[self.places.start :], self.radii_km, strict=True)
        circles = [shapely.Polygon(sphere.circle(c, km)[:, ::-1]) for c, km in own]
        return np.concatenate([shapes, np.array(circles, dtype=object)])


def with_places(
    base: Partition,
    names: Sequence[str],
    latlon: FloatArray,
    radii_km: Sequence[float],
    counts: Sequence[int],
) -> TaughtCells:
    """The cells of a partition and, behind them, places of the user's own.

    Args:
        base: the partition.
        names: of the places, all different.
        latlon: (m, 2) degrees.
        radii_km: (m,) how far they reach.
        counts: (m,) photos of each.
    """
    from graticule import atlas

    codes = [str(code) for code in atlas.countries(latlon)]
    parents = {name: (*column, *[""] * len(names)) for name, column in base.parents.items()}
    if base.kind == "countries":
        parents["countries"] = (*base.ids, *codes)
    elif "countries" in parents:
        parents["countries"] = (*base.parents["countries"], *codes)
    return TaughtCells(
        name=base.name,
        ids=(*base.ids, *(PREFIX + name for name in names)),
        centers=np.concatenate([base.centers, latlon]),
        names=(*base.names, *names),
        counts=np.concatenate([base.counts, np.asarray(counts, dtype=np.int64)]),
        areas_km2=np.concatenate([base.areas_km2, np.pi * np.square(radii_km)]),
        parents=parents,
        tallies=base.tallies,
        base=base,
        radii_km=tuple(radii_km),
    )
