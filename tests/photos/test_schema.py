from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from graticule.photos import schema
from graticule.photos.manifest import Manifest

DOCUMENT = Path(__file__).parents[2] / "docs" / "manifest.md"


def test_the_schema_that_ships_is_the_one_of_the_columns() -> None:
    """Else: python -m graticule data schema > src/graticule/photos/manifest.schema.json."""
    shipped = json.loads(
        files("graticule.photos").joinpath("manifest.schema.json").read_text("utf-8")
    )
    assert shipped == schema.json_schema()
    Draft202012Validator.check_schema(shipped)


def test_rows_of_the_planet_keep_the_schema(planet: Manifest) -> None:
    validator = Draft202012Validator(schema.json_schema())
    for row in planet.table.slice(0, 50).to_pylist():
        known = {name: value for name, value in row.items() if value is not None}
        validator.validate(known)


@pytest.mark.parametrize(
    "row",
    [
        {"lat": 1.0, "lon": 2.0},
        {"path": ""},
        {"path": "a", "lat": 91.0, "lon": 0.0},
        {"path": "a", "lat": 1.0},
        {"path": "a", "country": "France"},
        {"path": "a", "captured_at": "2019:07:14"},
        {"path": "a", "split_place": "training"},
        {"path": "a", "scene_p": 2.0},
    ],
)
def test_bad_rows_break_it(row: dict[str, object]) -> None:
    assert not Draft202012Validator(schema.json_schema()).is_valid(row)


def test_examples_are_good() -> None:
    for column in schema.COLUMNS:
        value = float(column.example) if column.kind == "number" else column.example
        rule = schema.json_schema()["properties"][column.name]
        assert Draft202012Validator(rule).is_valid(value), column.name


@pytest.mark.parametrize(
    ("name", "kind"),
    [("lat", "number"), ("scene_p", "number"), ("split_place", "text"), ("x", "text")],
)
def test_kinds(name: str, kind: str) -> None:
    assert schema.kind_of(name) == kind


def test_the_document_explains_every_column() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for column in schema.COLUMNS:
        assert re.search(rf"^\| `{column.name}` \|.*{re.escape(column.meaning[:20])}", text, re.M)
