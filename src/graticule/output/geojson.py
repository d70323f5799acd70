"""A GeoJSON feature a photo (RFC 7946), with the radius as an attribute."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from graticule.output.summary import flat

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.photos.photo import Source


class GeoJsonWriter:
    """Writes one FeatureCollection; an answer without a point is a feature without geometry."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        self._features = 0
        handle.write('{"type": "FeatureCollection",\n')
        handle.write('"description": "Places estimated from photos by graticule; not measured.",\n')
        handle.write('"features": [')

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one feature; see :class:`graticule.output.formats.Writer`."""
        self._handle.write(",\n" if self._features else "\n")
        json.dump(feature(answer), self._handle)
        self._features += 1

    def finish(self) -> None:
        """Close the collection."""
        self._handle.write("\n]}\n")


def feature(answer: Answer) -> dict[str, Any]:
    """The answer as a GeoJSON Feature: longitude first, everything but the point a property."""
    properties: dict[str, Any] = flat(answer)
    del properties["lat"], properties["lon"]
    point = answer.point
    geometry = {"type": "Point", "coordinates": [point.lon, point.lat]} if point else None
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"estimate": True, **properties},
    }
