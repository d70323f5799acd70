"""Borders to cut by: the atlas's own, or a file of the user's (GADM, geoBoundaries, any other).

GeoJSON, GeoParquet and GeoPackage are read; rings that cross themselves are mended and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.cells.geometry import areas_only
from graticule.errors import PartitionError

Rows = tuple[list[dict[str, Any]], list[Any]]

#: Columns that hold a unit's code, name, country and region, best first. GADM numbers its levels:
#: GID_0 is the country, the highest GID the unit itself.
_ID = ("GID_5", "GID_4", "GID_3", "GID_2", "GID_1", "GID_0", "shapeID", "id", "code", "iso_3166_2")
_NAME = ("NAME_5", "NAME_4", "NAME_3", "NAME_2", "NAME_1", "COUNTRY", "shapeName", "name", "NAME")
_COUNTRY = ("GID_0", "shapeGroup", "iso_a2", "ISO_A2", "country", "country_code", "adm0_a3")
_REGION = ("GID_1", "region", "adm1", "adm1_code", "state", "st_nm")


@dataclass(frozen=True)
class Boundaries:
    """Administrative units.

    Attributes:
        ids: unique codes.
        names: what people call them.
        countries: ISO 3166-1 alpha-2 code of each unit's country.
        regions: the id of the larger unit each lies in; the country where none is known.
        polygons: object (n,) of valid lon/lat (Multi)Polygons.
        repaired: how many had broken rings.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    countries: tuple[str, ...]
    regions: tuple[str, ...]
    polygons: npt.NDArray[Any]
    repaired: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, rows: npt.NDArray[Any]) -> Boundaries:
        """Some of the units, by numbers or a mask."""
        kept = np.arange(len(self))[rows]

        def pick(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[i] for i in kept)

        return Boundaries(
            pick(self.ids),
            pick(self.names),
            pick(self.countries),
            pick(self.regions),
            self.polygons[kept],
            self.repaired,
        )

    def within(self, country: str) -> Boundaries:
        """The units of one country.

        Raises:
            PartitionError: there is none.
        """
        kept = self.only(np.array([code == country for code in self.countries]))
        if not len(kept):
            known = ", ".join(sorted(set(self.countries))[:8])
            raise PartitionError(f"no boundaries for country {country!r} (there are: {known} …)")
        return kept


def of_atlas(level: Literal["countries", "regions", "districts"], country: str = "") -> Boundaries:
    """The atlas's own units, each cut to its country's border.

    Args:
        level: ``"districts"`` are India's; the units of other countries are their regions.
        country: only this one's.

    Raises:
        PartitionError: no unit is of ``country``.
    """
    if level == "countries":
        found = _of_countries()
        return found.within(country) if country else found
    return _of_regions(country, districts=level == "districts")


def _of_countries() -> Boundaries:
    shapes = atlas.country_polygons()
    codes = tuple(shapes)
    names = tuple(atlas.country_name(code) for code in codes)
    polygons = np.array(list(shapes.values()), dtype=object)
    return Boundaries(codes, names, codes, codes, polygons)


@cache
def _of_regions(only: str, *, districts: bool) -> Boundaries:
    """Regions, and India's districts in the place of its regions; countries without are whole."""
    import shapely

    rows = [
        (code, name, country, code, shape)
        for (code, (name, country, _)), shape in zip(
            atlas.region_table().items(), atlas.region_polygons().values(), strict=True
        )
        if not (districts and country == "IN") and only in {"", country}
    ]
    if districts and only in {"", "IN"}:
        rows += [(d.code, d.name, "IN", d.region, d.polygon) for d in atlas.districts()]
    covered = {row[2] for row in rows}
    borders = atlas.country_polygons()
    rows += [
        (code, atlas.country_name(code), code, code, shape)
        for code, shape in borders.items()
        if code not in covered and only in {"", code}
    ]
    if not rows:
        raise PartitionError(f"no country has the code {only!r}: use ISO 3166-1 alpha-2, e.g. IN")
    ids, names, countries, regions, shapes = zip(*rows, strict=True)
    # Two sources never draw one border alike: what lies over the country's own is cut off.
    own = np.array([borders[code] for code in countries], dtype=object)
    shapely.prepare(own)
    cut = np.array(shapes, dtype=object)
    over = np.flatnonzero(~shapely.covers(own, cut))
    clipped = shapely.intersection(shapely.make_valid(cut[over]), own[over])
    cut[over] = [areas_only(shape) for shape in clipped]
    made = Boundaries(ids, names, countries, regions, cut)
    return made.only(~shapely.is_empty(cut))


def read_boundaries(path: str | Path, *, layer: str | None = None) -> Boundaries:
    """Read a user's boundary file.

    Args:
        path: ``.geojson`` or ``.json``, ``.parquet``, ``.gpkg``.
        layer: of a GeoPackage with several.

    Raises:
        PartitionError: the file is missing or no boundary file, has no polygons, or is not in WGS84
            degrees.
    """
    source = Path(path)
    readers: dict[str, Callable[[Path], Rows]] = {
        ".geojson": _geojson,
        ".json": _geojson,
        ".parquet": _geoparquet,
        ".geoparquet": _geoparquet,
        ".gpkg": lambda file: _geopackage(file, layer),
    }
    reader = readers.get(source.suffix.lower())
    if reader is None:
        raise PartitionError(
            f"{source}: boundaries are read from {', '.join(sorted(readers))}; "
            f"ogr2ogr {source.stem}.geojson {source.name} converts others"
        )
    if not source.is_file():
        raise PartitionError(f"{source}: no such file")
    properties, shapes = reader(source)
    return _units(source, properties, shapes)


def _units(source: Path, properties: list[dict[str, Any]], shapes: list[Any]) -> Boundaries:
    """Checked, mended units; those of one id become one."""
    import shapely

    geometry = np.array(shapes, dtype=object)
    broken = ~shapely.is_valid(geometry) & ~shapely.is_missing(geometry)
    geometry[broken] = shapely.make_valid(geometry[broken])
    geometry = np.array([None if g is None else areas_only(g) for g in geometry], dtype=object)
    full = ~shapely.is_missing(geometry) & ~shapely.is_empty(geometry)
    if not full.any():
        raise PartitionError(f"{source}: no polygon in it; boundaries need areas")
    _check_degrees(source, geometry[full])
    rows = np.flatnonzero(full)
    records = [properties[i] for i in rows]
    ids = _column(records, _ID) or [str(i) for i in rows]
    unique, first = np.unique(ids, return_index=True)
    if len(unique) < len(ids):
        groups: dict[str, list[Any]] = {}
        for cell, shape in zip(ids, geometry[rows], strict=True):
            groups.setdefault(cell, []).append(shape)
        merged = [areas_only(shapely.union_all(groups[cell])) for cell in unique]
    else:
        merged = [geometry[rows[i]] for i in first]
    polygons = np.array(merged, dtype=object)
    records = [records[i] for i in first]
    names = _column(records, _NAME) or list(unique)
    countries = _countries(_column(records, _COUNTRY), polygons)
    regions = _column(records, _REGION) or countries
    return Boundaries(
        tuple(str(cell) for cell in unique),
        tuple(names),
        tuple(countries),
        tuple(region or country for region, country in zip(regions, countries, strict=True)),
        polygons,
        int(broken.sum()),
    )


def _column(records: list[dict[str, Any]], wanted: Iterable[str]) -> list[str] | None:
    """The first wanted column that has a value in every row, as text."""
    for name in wanted:
        values = [record.get(name) for record in records]
        if all(value is not None and str(value).strip() for value in values):
            return [str(value).strip() for value in values]
    return None


def _countries(written: list[str] | None, polygons: npt.NDArray[Any]) -> list[str]:
    """Alpha-2 codes: as written, from alpha-3, or from the atlas at a point of the polygon."""
    import shapely

    from graticule.atlas.countries import column

    alpha2 = {str(three): two for two, three in column("alpha3").items()}
    known = set(atlas.country_codes())
    if written is not None:
        codes = [alpha2.get(code.upper(), code.upper()) for code in written]
        if all(code in known for code in codes):
            return codes
    inner = shapely.point_on_surface(polygons)
    found = atlas.countries(np.column_stack([shapely.get_y(inner), shapely.get_x(inner)]))
    return [str(code) for code in found]


def _check_degrees(source: Path, polygons: npt.NDArray[Any]) -> None:
    import shapely

    west, south, east, north = shapely.total_bounds(polygons)
    if west < -180.001 or south < -90.001 or east > 180.001 or north > 90.001:
        raise PartitionError(
            f"{source}: coordinates from {west:g}, {south:g} to {east:g}, {north:g} are not "
            "degrees of WGS84; ogr2ogr -t_srs EPSG:4326 reprojects them"
        )


def _wrong_crs(source: Path, name: str) -> PartitionError:
    return PartitionError(
        f"{source}: its coordinates are in {name}, not in WGS84 degrees; "
        "ogr2ogr -t_srs EPSG:4326 reprojects them"
    )


def _is_wgs84(name: str) -> bool:
    return any(code in name.upper() for code in ("CRS84", "4326", "WGS 84 (CRS84)"))


def _geojson(source: Path) -> Rows:
    import shapely.geometry

    from graticule.files import read_json

    document = read_json(source)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise PartitionError(f"{source}: not a GeoJSON FeatureCollection")
    named = (document.get("crs") or {}).get("properties", {}).get("name", "CRS84")
    if not _is_wgs84(str(named)):
        raise _wrong_crs(source, str(named))
    shapes: list[Any] = []
    for row, feature in enumerate(features):
        try:
            geometry = feature["geometry"]
            shapes.append(None if geometry is None else shapely.geometry.shape(geometry))
        except Exception as error:  # shapely raises what its parts raise
            raise PartitionError(f"{source}: feature {row} has no readable geometry") from error
    return [dict(feature.get("properties") or {}) for feature in features], shapes


def _geoparquet(source: Path) -> Rows:
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    try:
        table = pq.ParquetFile(source).read()
        geo = json.loads((table.schema.metadata or {})[b"geo"])
        column = geo["primary_column"]
        crs = geo["columns"][column].get("crs")
        shapes = shapely.from_wkb(np.array(table[column].to_pylist(), dtype=object))
    except (
        pa.ArrowInvalid,
        KeyError,
        ValueError,
        TypeError,
        shapely.errors.GEOSException,
    ) as error:
        raise PartitionError(f"{source}: not a GeoParquet file with WKB geometry") from error
    code = (crs or {}).get("id", {})
    if crs and not _is_wgs84(f"{code.get('authority')}:{code.get('code')} {crs.get('name')}"):
        raise _wrong_crs(source, str(crs.get("name") or code))
    return table.drop_columns([column]).to_pylist(), list(shapes)


def _geopackage(source: Path, layer: str | None) -> Rows:
    import sqlite3

    import shapely

    try:
        with sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True) as base:
            base.row_factory = sqlite3.Row
            found = base.execute(
                "SELECT g.table_name, g.column_name, g.srs_id, s.organization_coordsys_id, "
                "s.srs_name FROM gpkg_geometry_columns g "
                "LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id"
            ).fetchall()
            layers = {str(row[0]): row for row in found}
            if layer is None and len(layers) == 1:
                layer = next(iter(layers))
            if layer not in layers:
                raise PartitionError(
                    f"{source}: layer {layer or '(none given)'}; choose one of "
                    f"{', '.join(layers)} with --layer"
                )
            _, column, srs, code, name = layers[layer]
            if srs > 0 and code != 4326:
                raise _wrong_crs(source, str(name))
            # The name comes from the file's own list of layers; quoted, it is only a name.
            table = '"' + str(layer).replace('"', '""') + '"'
            rows = [dict(row) for row in base.execute(f"SELECT * FROM {table}")]  # noqa: S608
    except sqlite3.DatabaseError as error:
        raise PartitionError(f"{source}: not a GeoPackage ({error})") from error
    shapes = [None if row[column] is None else _from_gpkg(row.pop(column)) for row in rows]
    return rows, list(shapely.from_wkb(np.array(shapes, dtype=object)))


def _from_gpkg(blob: bytes) -> bytes:
    """The WKB inside a GeoPackage geometry: past its header and envelope (GeoPackage 2.1.3)."""
    envelope = (0, 32, 48, 48, 64)[blob[3] >> 1 & 7]
    return blob[8 + envelope :]
