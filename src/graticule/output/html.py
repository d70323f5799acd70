"""A map in one HTML file that opens with the network blocked."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.draw import page
from graticule.output.summary import status

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.photos.photo import Source

#: Longer side of a thumbnail in pixels: sharp in the list, some 3 kB each.
THUMBNAIL = 128
#: Cells and names of a photo that the page shows.
CELLS, NAMES = 12, 5
_SCRIPTS = ("projection.js", "map.js", "hands.js", "list.js", "main.js")
_TITLE = "Where these photos were taken: estimates by graticule"


class HtmlWriter:
    """Writes the page around one line of JSON a photo, so that memory does not grow."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        self._script = page.shared("theme.js") + "".join(map(_part, _SCRIPTS))
        styles = [_part("map.css")]
        handle.write(page.head(_TITLE, styles=styles, scripts=[self._script]))
        handle.write(_part("body.html"))
        handle.write('<script type="application/x-ndjson" id="photos">\n')

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one photo; see :class:`graticule.output.formats.Writer`."""
        line = record(answer)
        line["thumb"] = thumbnail(answer.photo if photo is None else photo)
        self._handle.write(page.json_text(line) + "\n")

    def finish(self) -> None:
        """Write the outlines and the script after the last photo."""
        self._handle.write(
            '</script>\n<script type="application/json" id="world">'
            f"{page.json_text(_world())}</script>\n"
            f"<script>{self._script}</script>\n</body>\n</html>\n"
        )


def record(answer: Answer) -> dict[str, Any]:
    """What the page shows of an answer, as JSON."""
    return {
        "photo": answer.photo,
        "status": status(answer),
        "point": answer.point.model_dump() if answer.point else None,
        "radius": answer.radius_km if answer.point else {},
        "countries": [(c.code, c.name, c.probability) for c in answer.countries[:NAMES]],
        "regions": [(r.code, r.name, r.probability) for r in answer.regions[:NAMES]],
        "districts": [(d.code, d.name, d.probability) for d in answer.districts[:NAMES]],
        "cities": [(c.name, c.country, c.probability) for c in answer.cities[:NAMES]],
        "cells": [
            (round(c.lat, 2), round(c.lon, 2), round(c.probability, 4))
            for c in answer.cells[:CELLS]
        ],
        "hypotheses": [
            (h.name, h.point.lat, h.point.lon, h.probability) for h in answer.hypotheses
        ],
        "matches": [(m.photo, m.lat, m.lon, m.share) for m in answer.matches],
        "scene": (answer.scene.name, answer.scene.probability) if answer.scene else None,
        "spoke": answer.spoke,
        "why": answer.error or answer.reason,
        "exif": answer.exif.model_dump() if answer.exif else None,
        "model": answer.model.model_dump(exclude={"sha256"}) if answer.model else None,
    }


def thumbnail(photo: Source, side: int = THUMBNAIL) -> str | None:
    """A small JPEG as a data URI, or None for a photo that cannot be read. No metadata goes in.

    Args:
        photo: the photo.
        side: longer side in pixels, at most.
    """
    from graticule.errors import PhotoError
    from graticule.photos.photo import open_photo

    try:
        image = open_photo(photo, draft=side).image.copy()
    except PhotoError:
        return None
    image.thumbnail((side, side))
    return page.jpeg(image)


def pack(lines: Iterable[npt.NDArray[np.float64]]) -> str:
    """Lines (n, 2) lon/lat as text for the page's ``unpack``.

    Each line is its length, then steps in hundredths of a degree; all numbers are zigzag varints,
    the whole base64. Points that fall together are dropped.
    """
    out = bytearray()
    for line in lines:
        points = np.round(np.asarray(line) * 100).astype(int)
        moved = np.ones(len(points), dtype=bool)
        moved[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
        points = points[moved]
        if len(points) < 2:
            continue
        steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=int))
        for value in (len(points), *steps.ravel().tolist()):
            number = 2 * value if value >= 0 else -2 * value - 1
            while number > 127:
                out.append(number & 127 | 128)
                number >>= 7
            out.append(number)
    return base64.b64encode(out).decode()


def _world() -> dict[str, str]:
    from graticule import atlas

    return {
        "far": pack(atlas.outlines("110m")),
        "near": pack(atlas.outlines("50m")),
        "borders": pack(atlas.border_lines("50m")),
    }


def _part(name: str) -> str:
    return files(__package__).joinpath("map_page", name).read_text(encoding="utf-8")
