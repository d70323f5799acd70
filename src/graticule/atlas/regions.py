"""The region (admin-1) of a point: states, provinces, departments.

The world's are Natural Earth's, as of about 2013; India's are its states and union territories of
today, dissolved from its districts. Codes are ISO 3166-2 where the source has them (all of India),
else HASC (``US.CA``), else the source's own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas import shapes
from graticule.atlas.countries import countries
from graticule.atlas.lookup import ShapeIndex

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class AdminLayer:
    """Subdivisions of countries: which one holds a point of its country, or lies nearest to it.

    Coasts and borders of two sources never agree to the metre: a point that its subdivision's
    polygon misses takes the subdivision of its own country whose outline is nearest.
    """

    def __init__(self, name: str, within_km: float) -> None:
        layer = shapes.read(name)
        self.codes = tuple(layer.columns["code"])
        self.names = tuple(layer.columns["name"])
        self.hindi = tuple(layer.columns["name_hi"])
        self.countries = np.array([*layer.columns["country"], ""])
        self.region_of = tuple(layer.columns.get("region", ()))
        self.index = ShapeIndex(layer.geometries(), shapes.read_grid(name))
        self.within_km = within_km
        owner = np.repeat(np.arange(len(layer.shape_ends)), np.diff(_point_ends(layer), prepend=0))
        self._outline = layer.points[:, ::-1], owner

    def find(self, latlon: npt.ArrayLike, country: npt.NDArray[np.str_]) -> IntArray:
        """The number of each point's subdivision, −1 where its country has none near, (n,)."""
        points = sphere.as_latlon(latlon)
        found = self.index.find(points)
        astray = np.flatnonzero((self.countries[found] != country) & (country != ""))
        found[country == ""] = -1
        for code in np.unique(country[astray]).tolist():
            here = astray[country[astray] == code]
            tree, owner = self._outline_tree(code)
            if tree is None:
                found[here] = -1
                continue
            chords, vertex = tree.query(sphere.unit_vectors(points[here]))
            near = sphere.arc(chords) <= self.within_km
            found[here] = np.where(near, owner[vertex], -1)
        return found

    @cache  # noqa: B019 (a layer lives as long as the program)
    def _outline_tree(self, code: str) -> tuple[Any, IntArray]:
        from scipy.spatial import cKDTree

        latlon, owner = self._outline
        own = self.countries[owner] == code
        if not own.any():
            return None, owner
        return cKDTree(sphere.unit_vectors(latlon[own])), owner[own]


def _point_ends(layer: shapes.Layer) -> IntArray:
    """Where each shape ends in the layer's points."""
    return layer.ring_ends[layer.polygon_ends[layer.shape_ends - 1] - 1]


@cache
def region_layer() -> AdminLayer:
    """The regions, read once."""
    return AdminLayer("regions", within_km=100.0)


@cache
def _columns() -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    layer = region_layer()
    return np.array([*layer.codes, ""]), np.array([*layer.names, ""])


def regions(
    latlon: npt.ArrayLike, country: npt.NDArray[np.str_] | None = None
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Code and name of the region at each point, (n,) each; ``""`` at sea or where none is known.

    Args:
        latlon: (n, 2) degrees.
        country: the points' countries, if :func:`countries` has told them already.
    """
    owner = countries(latlon) if country is None else country
    found = region_layer().find(latlon, owner)
    codes, names = _columns()
    return codes[found], names[found]


@cache
def region_polygons() -> dict[str, Any]:
    """Code → shapely MultiPolygon in lon/lat order."""
    layer = region_layer()
    return dict(zip(layer.codes, layer.index.shapes, strict=True))


@cache
def region_table() -> dict[str, tuple[str, str, str]]:
    """Code → (name, country, name in Hindi or ``""``)."""
    layer = region_layer()
    rows = zip(layer.names, layer.countries[:-1].tolist(), layer.hindi, strict=True)
    return dict(zip(layer.codes, rows, strict=True))
