"""What a manifest may hold: the columns, their types, and the words that mean "unknown"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["text", "number"]


@dataclass(frozen=True)
class Column:
    """One column of a manifest.

    Attributes:
        name: as it stands in the header.
        kind: how values are read; text stays as it is.
        meaning: one sentence for the documentation.
        rule: what a value must fulfil, as JSON Schema keywords.
        example: a good value.
    """

    name: str
    kind: Kind
    meaning: str
    rule: dict[str, Any]
    example: str


#: ISO 8601: a year, a month, a day, or a moment with or without seconds and zone.
DATE_PATTERN: Final = (
    r"^\d{4}(-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$"
)

COLUMNS: Final = (
    Column(
        "path",
        "text",
        "The photo, relative to the manifest's folder, with / between folders. Unique.",
        {"minLength": 1},
        "paris/0001.jpg",
    ),
    Column(
        "lat",
        "number",
        "Latitude, WGS84 degrees; empty where unknown.",
        {"minimum": -90, "maximum": 90},
        "48.8584",
    ),
    Column(
        "lon",
        "number",
        "Longitude, WGS84 degrees; empty where unknown.",
        {"minimum": -180, "maximum": 180},
        "2.2945",
    ),
    Column(
        "country",
        "text",
        "ISO 3166-1 alpha-2 code in capitals (XK for Kosovo).",
        {"pattern": "^[A-Z]{2}$"},
        "FR",
    ),
    Column(
        "region",
        "text",
        "State, province or other first division, as people call it.",
        {},
        "Île-de-France",
    ),
    Column("city", "text", "City or town, as people call it.", {}, "Paris"),
    Column("landmark", "text", "The thing photographed, where it has a name.", {}, "Eiffel Tower"),
    Column(
        "scene",
        "text",
        "A scene of graticule's taxonomy, of Places365, or of a declared list.",
        {},
        "city",
    ),
    Column("photographer", "text", "Who took it, as the source names them.", {}, "35034346050@N01"),
    Column("sequence", "text", "Photos taken in one drive, walk or burst share one.", {}, "Lz5o7"),
    Column("group", "text", "Near-duplicates share one; a split keeps a group together.", {}, "42"),
    Column(
        "captured_at",
        "text",
        "When it was taken, ISO 8601; as precise as is known.",
        {"pattern": DATE_PATTERN},
        "2019-07-14T21:30:00+02:00",
    ),
    Column(
        "split",
        "text",
        "The split that came with the data; never changed. Ours are split_KEY.",
        {},
        "train",
    ),
    Column("fold", "text", "The fold of a cross-validation that came with the data.", {}, "3"),
    Column("source", "text", "The collection that the photo is from.", {}, "flickr"),
    Column("licence", "text", "The photo's own licence, as its source states it.", {}, "CC BY 2.0"),
    Column(
        "attribution",
        "text",
        "What the licence asks to be said with the photo.",
        {},
        "Ana, flickr.com/…",
    ),
)

BY_NAME: Final = {column.name: column for column in COLUMNS}
REQUIRED: Final = ("path",)

#: Families of columns: a pattern of the name, the kind, and what they hold.
PATTERNS: Final = (
    (
        r"^split_[a-z0-9_]+$",
        "text",
        "A split that graticule made: train, val or test, empty for a row left out.",
    ),
    (r"^[a-z0-9_]+_p$", "number", "Probability of the label in the column before _p, 0 to 1."),
)

#: Words for "unknown". NA is not among those of text: it is Namibia.
UNKNOWN_TEXT: Final = ("", "N/A", "n/a", "null", "NULL", "None", "nan", "NaN")
UNKNOWN_NUMBER: Final = (*UNKNOWN_TEXT, "NA", "na", "none", "-", "--", "?", "unknown")

#: Names that other tables use for our columns; used to say what to rename.
OTHER_NAMES: Final = {
    "path": "path file filename file_name filepath image image_path img img_id photo name id",
    "lat": "latitude lat_deg gps_latitude y",
    "lon": "longitude long lng lon_deg gps_longitude x",
    "country": "country_code iso iso2 cc",
    "photographer": "author user user_id owner userid uid user_nsid",
    "sequence": "sequence_id seq",
    "captured_at": "date datetime date_taken datetaken taken timestamp",
    "licence": "license",
}


def kind_of(name: str) -> Kind:
    """How the values of a column are read: ``"number"`` or ``"text"``."""
    if name in BY_NAME:
        return BY_NAME[name].kind
    for pattern, kind, _ in PATTERNS:
        if re.match(pattern, name):
            return "number" if kind == "number" else "text"
    return "text"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one row, unknown values left out."""
    types = {"text": "string", "number": "number"}
    patterns: dict[str, Any] = {}
    for pattern, kind, meaning in PATTERNS:
        rule: dict[str, Any] = {"type": types[kind], "description": meaning}
        if kind == "number":
            rule |= {"minimum": 0, "maximum": 1}
        else:
            rule |= {"enum": ["train", "val", "test"]}
        patterns[pattern] = rule
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One row of a graticule manifest",
        "type": "object",
        "properties": {
            column.name: {
                "type": types[column.kind],
                "description": column.meaning,
                "examples": [float(column.example) if column.kind == "number" else column.example],
                **column.rule,
            }
            for column in COLUMNS
        },
        "patternProperties": patterns,
        "additionalProperties": True,
        "required": list(REQUIRED),
        "dependentRequired": {"lat": ["lon"], "lon": ["lat"]},
    }
