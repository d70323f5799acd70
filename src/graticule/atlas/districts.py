"""India's districts (admin-2) of today, and which one holds a point.

Drawn from geoBoundaries' sub-districts and India Post's directory; see ``data/PROVENANCE.md``.
India's disputed borders are those of the country layer: what it gives to a neighbour is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.atlas.countries import countries
from graticule.atlas.regions import AdminLayer


@dataclass(frozen=True, eq=False)
class District:
    """One district.

    Attributes:
        code: the state's ISO 3166-2 code and the name, as ``"IN-TG/Hyderabad"``.
        name: in English.
        name_hi: in Hindi, ``""`` where it is not known.
        region: the state's code.
        polygon: shapely MultiPolygon in lon/lat order.
    """

    code: str
    name: str
    name_hi: str
    region: str
    polygon: Any


@cache
def _layer() -> AdminLayer:
    return AdminLayer("districts", within_km=30.0)


@cache
def districts() -> tuple[District, ...]:
    """All districts, by code."""
    layer = _layer()
    columns = (layer.codes, layer.names, layer.hindi, layer.region_of, layer.index.shapes)
    return tuple(District(*row) for row in zip(*columns, strict=True))


def find_districts(
    latlon: npt.ArrayLike, country: npt.NDArray[np.str_] | None = None
) -> npt.NDArray[np.str_]:
    """Code of the district at each point, (n,); ``""`` outside India.

    Args:
        latlon: (n, 2) degrees.
        country: the points' countries, if they are known already.
    """
    owner = countries(latlon) if country is None else country
    return np.array([*_layer().codes, ""])[_layer().find(latlon, owner)]
