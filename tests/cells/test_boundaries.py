"""Boundary files of users: three formats, broken rings, wrong systems, and what they are cut by."""

from __future__ import annotations

import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from graticule import atlas
from graticule.cells.boundaries import of_atlas, read_boundaries
from graticule.cells.regions import Regions, regions
from graticule.errors import GraticuleError, PartitionError

PARIS = shapely.box(2.2, 48.8, 2.5, 48.95)
BOW_TIE = shapely.Polygon([(3, 48), (4, 49), (4, 48), (3, 49)])
HOLED = shapely.Polygon(
    [(5, 45), (6, 45), (6, 46), (5, 46)], [[(5.4, 45.4), (5.6, 45.4), (5.6, 45.6), (5.4, 45.6)]]
)


def geojson(path: Path, shapes: list[Any], rows: list[dict], **more: Any) -> Path:
    features = [
        {"type": "Feature", "properties": row, "geometry": shapely.geometry.mapping(shape)}
        for shape, row in zip(shapes, rows, strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}))
    return path


GADM = [
    {"GID_0": "FRA", "COUNTRY": "France", "GID_1": "FRA.8_1", "NAME_1": "Île-de-France",
     "GID_2": f"FRA.8.{i}_1", "NAME_2": name}
    for i, name in enumerate(["Paris", "Bow", "Hole"], start=1)
]  # fmt: skip


def test_gadm_as_geojson_with_broken_rings_and_holes(tmp_path: Path) -> None:
    units = read_boundaries(geojson(tmp_path / "gadm.geojson", [PARIS, BOW_TIE, HOLED], GADM))
    assert units.ids == ("FRA.8.1_1", "FRA.8.2_1", "FRA.8.3_1")
    assert units.names == ("Paris", "Bow", "Hole")
    assert set(units.countries) == {"FR"}
    assert set(units.regions) == {"FRA.8_1"}
    assert units.repaired == 1
    assert shapely.is_valid(units.polygons).all()
    cells = regions([[48.85, 2.35], [48.2, 3.9], [45.5, 5.1], [45.5, 5.5]], units)
    assert isinstance(cells, Regions)
    # The last photo is in the hole, and further from its edge than a coast's reach.
    assert cells.assign([[48.85, 2.35], [48.2, 3.9], [45.5, 5.1]]).tolist() == [0, 1, 2]
    assert cells.counts.tolist() == [1, 1, 2]


def test_geoboundaries_find_their_country_and_join_parts(tmp_path: Path) -> None:
    rows = [{"shapeName": "A", "shapeID": "x"}, {"shapeName": "A", "shapeID": "x"}]
    file = geojson(tmp_path / "g.json", [PARIS, shapely.box(2.5, 48.8, 2.8, 48.95)], rows)
    units = read_boundaries(file)
    assert (units.ids, units.countries) == (("x",), ("FR",))
    assert shapely.area(units.polygons)[0] == pytest.approx(0.09)


def test_geoparquet_of_others(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame(
        {"name": ["A", "B"], "country": ["FR", "FR"]}, geometry=[PARIS, HOLED], crs="EPSG:4326"
    )
    frame.to_parquet(tmp_path / "b.parquet")
    units = read_boundaries(tmp_path / "b.parquet")
    assert (units.names, units.countries) == (("A", "B"), ("FR", "FR"))
    frame.to_crs("EPSG:3857").to_parquet(tmp_path / "m.parquet")
    with pytest.raises(PartitionError, match="EPSG:4326"):
        read_boundaries(tmp_path / "m.parquet")


def geopackage(path: Path, srs: int = 4326, layers: tuple[str, ...] = ("units",)) -> Path:
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE gpkg_geometry_columns (table_name, column_name, srs_id)")
        base.execute(
            "CREATE TABLE gpkg_spatial_ref_sys (srs_id, srs_name, organization_coordsys_id)"
        )
        base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?)", (srs, f"crs {srs}", srs))
        for layer in layers:
            quoted = '"' + layer.replace('"', '""') + '"'
            base.execute(f"CREATE TABLE {quoted} (GID_0, GID_1, NAME_1, geom)")
            base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (layer, srs))
            box = struct.pack("<4d", *np.array(PARIS.bounds)[[0, 2, 1, 3]])
            blob = b"GP\0\x03" + struct.pack("<i", srs) + box + shapely.to_wkb(PARIS)
            row = ("FRA", layer, "Paris", blob)
            base.execute(f"INSERT INTO {quoted} VALUES (?, ?, ?, ?)", row)
    return path


def test_geopackages(tmp_path: Path) -> None:
    units = read_boundaries(geopackage(tmp_path / "a.gpkg"))
    assert (units.ids, units.countries) == (("units",), ("FR",))
    assert shapely.equals(units.polygons[0], PARIS)
    two = geopackage(tmp_path / "b.gpkg", layers=("ADM 1", 'odd"name'))
    with pytest.raises(PartitionError, match=r"choose one of ADM 1, odd.*--layer"):
        read_boundaries(two)
    assert read_boundaries(two, layer='odd"name').ids == ('odd"name',)
    with pytest.raises(PartitionError, match="crs 3857"):
        read_boundaries(geopackage(tmp_path / "c.gpkg", srs=3857))
    (tmp_path / "d.gpkg").write_bytes(b"no database, far from it" * 9)
    with pytest.raises(PartitionError, match="not a GeoPackage"):
        read_boundaries(tmp_path / "d.gpkg")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.geojson", "{", "not valid JSON"),
        ("a.geojson", "[]", "FeatureCollection"),
        ("a.geojson", '{"features": []}', "no polygon"),
        ("a.geojson", '{"features": [{"geometry": {"type": "Nonsense"}}]}', "feature 0"),
        (
            "a.geojson",
            '{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
            "no polygon",
        ),
        ("a.geojson", '{"crs": {"properties": {"name": "EPSG:27700"}}, "features": []}', "27700"),
        ("a.shp", "x", "ogr2ogr"),
        ("a.parquet", "x", "GeoParquet"),
        ("none.gpkg", None, "no such file"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(GraticuleError, match=words):
        read_boundaries(tmp_path / name)


def test_metres_are_not_taken_for_degrees(tmp_path: Path) -> None:
    file = geojson(tmp_path / "m.geojson", [shapely.box(2e5, 6e6, 3e5, 7e6)], [{}])
    with pytest.raises(PartitionError, match="not degrees"):
        read_boundaries(file)


def test_the_atlas_has_indias_districts_and_others_regions() -> None:
    units = of_atlas("districts", "IN")
    assert 600 < len(units) < 900
    assert set(units.countries) == {"IN"}
    assert len(set(units.regions)) == 36
    border = atlas.country_polygons()["IN"]
    outside = shapely.area(shapely.difference(units.polygons, border)).sum()
    assert outside < 1e-6
    assert len(of_atlas("regions", "FR")) > 20
    with pytest.raises(PartitionError, match="ZZ"):
        of_atlas("districts", "ZZ")


def test_no_photo_in_any_unit(tmp_path: Path) -> None:
    units = read_boundaries(geojson(tmp_path / "g.geojson", [PARIS], [{"id": "p"}]))
    with pytest.raises(PartitionError, match="none of the 1"):
        regions([[0, 0]], units)
