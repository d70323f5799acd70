"""What the user knows already: countries, a box, a place nearby. A prior over any partition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import Partition
from graticule.cells.places import cell_countries, extents_km
from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """A prior of the user's.

    Attributes:
        countries: ISO 3166-1 alpha-2 codes the photo may be from; empty for any.
        bbox: (south, west, north, east) in degrees; west beyond east crosses the antimeridian.
        near: (lat, lon, km): weight falls with distance as exp(−½(d/km)²).
    """

    countries: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    near: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        from graticule import atlas

        for code in self.countries:
            if code not in atlas.country_codes():
                raise GraticuleError(
                    f"--country {code}: not an ISO 3166-1 alpha-2 code (India is IN, Nepal NP)"
                )
        if self.bbox is not None:
            south, west, north, east = self.bbox
            sphere.as_latlon([[south, west], [north, east]])
            if south > north:
                raise GraticuleError(f"--bbox: south ({south:g}) lies north of north ({north:g})")
        if self.near is not None:
            sphere.as_latlon([self.near[:2]])
            if not self.near[2] > 0:
                raise GraticuleError(f"--near: the distance must be positive, got {self.near[2]:g}")

    def __bool__(self) -> bool:
        return bool(self.countries or self.bbox or self.near)

    def log_prior(self, partition: Partition) -> FloatArray:
        """Log-weights of the partition's cells, (n,); −inf where it is ruled out.

        A cell is inside a box when its extent reaches it: countries are as wide as they are.
        """
        weights = np.zeros(len(partition))
        if self.countries:
            inside = np.isin(cell_countries(partition), self.countries)
            weights[~inside] = -np.inf
        if self.bbox is not None:
            weights[self._km_outside_box(partition.centers) > extents_km(partition)] = -np.inf
        if self.near is not None:
            lat, lon, km = self.near
            gap = sphere.haversine(partition.centers, (lat, lon)) - extents_km(partition)
            weights += -0.5 * (np.maximum(gap, 0.0) / km) ** 2
        return weights

    def __str__(self) -> str:
        parts = [f"--country {code}" for code in self.countries]
        if self.bbox:
            parts.append("--bbox " + ",".join(f"{v:g}" for v in self.bbox))
        if self.near:
            parts.append("--near " + ",".join(f"{v:g}" for v in self.near))
        return " ".join(parts)

    def _km_outside_box(self, latlon: FloatArray) -> FloatArray:
        assert self.bbox is not None
        south, west, north, east = self.bbox
        width = (east - west) % 360.0 if east != west + 360 else 360.0
        into = (latlon[:, 1] - west) % 360.0
        # Longitude of the nearest point of the box: itself, or the nearer of the two sides.
        beyond = into - width
        lon = np.where(beyond <= 0, latlon[:, 1], np.where(beyond < 360.0 - into, east, west))
        nearest = np.stack([np.clip(latlon[:, 0], south, north), lon], axis=1)
        return sphere.haversine(latlon, nearest)
