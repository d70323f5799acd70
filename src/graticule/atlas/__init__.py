"""Borders, names and attributes of a point, offline.

Coordinates go in as (n, 2) arrays of degrees, latitude first; shapes come out in lon/lat order, as
shapely and GeoJSON have them. Data is read on first use and kept.
"""

from graticule.atlas.countries import (
    continent,
    countries,
    country_codes,
    country_name,
    country_polygons,
    road_side,
)
from graticule.atlas.outlines import border_lines, outlines

__all__ = [
    "border_lines",
    "continent",
    "countries",
    "country_codes",
    "country_name",
    "country_polygons",
    "outlines",
    "road_side",
]
