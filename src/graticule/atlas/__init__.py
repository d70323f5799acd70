"""Borders, names and attributes of a point, offline.

Coordinates go in as (n, 2) arrays of degrees, latitude first; shapes come out in lon/lat order, as
shapely and GeoJSON have them. Data is read on first use and kept.
"""

from graticule.atlas.attributes import Attributes, attributes, languages_of, scripts_of
from graticule.atlas.captions import Captions, captions
from graticule.atlas.climate import climate, climate_name
from graticule.atlas.countries import (
    continent,
    countries,
    country_codes,
    country_name,
    country_polygons,
    road_side,
)
from graticule.atlas.districts import District, districts, find_districts
from graticule.atlas.land import is_land, sample_land
from graticule.atlas.names import Name, Names, names
from graticule.atlas.outlines import border_lines, outlines
from graticule.atlas.regions import region_polygons, region_table, regions
from graticule.atlas.towns import Town, Towns, find_town, find_towns, nearest_towns, towns
from graticule.atlas.zones import time_zones, utc_offsets

__all__ = [
    "Attributes",
    "Captions",
    "District",
    "Name",
    "Names",
    "Town",
    "Towns",
    "attributes",
    "border_lines",
    "captions",
    "climate",
    "climate_name",
    "continent",
    "countries",
    "country_codes",
    "country_name",
    "country_polygons",
    "districts",
    "find_districts",
    "find_town",
    "find_towns",
    "is_land",
    "languages_of",
    "names",
    "nearest_towns",
    "outlines",
    "region_polygons",
    "region_table",
    "regions",
    "road_side",
    "sample_land",
    "scripts_of",
    "time_zones",
    "towns",
    "utc_offsets",
]
