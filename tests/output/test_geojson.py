"""GeoJSON as RFC 7946 has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graticule.answer import Answer
from graticule.output import write


@pytest.fixture
def file(answers: list[Answer], tmp_path: Path) -> Path:
    write(answers, "geojson", tmp_path / "a.geojson")
    return tmp_path / "a.geojson"


def test_features(file: Path, answers: list[Answer]) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["type"] == "FeatureCollection"
    first, *_, sixth = found["features"]
    assert first["type"] == "Feature"
    assert first["geometry"] == {"type": "Point", "coordinates": [116.4, 39.9]}
    assert first["properties"]["radius_km_90"] == 1480.0
    assert first["properties"]["estimate"] is True
    assert found["features"][3]["geometry"] is None
    assert sixth["properties"]["photo"] == answers[5].photo


def test_a_stranger_opens_it(file: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    table = geopandas.read_file(file)
    assert len(table) == 6
    assert table.geometry[1].x == pytest.approx(179.9)
    assert table.crs.to_epsg() == 4326
