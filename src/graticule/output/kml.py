"""KML for Google Earth: a placemark a photo, its circles as polygons on the ground."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from graticule.draw.caps import cap
from graticule.output.summary import (
    country,
    km,
    others,
    percent,
    status,
    sure_unit,
    xml_text,
)

if TYPE_CHECKING:
    from graticule.answer import Answer, Point
    from graticule.photos.photo import Source

#: Coverage in percent → style; colours are aabbggrr.
CIRCLES = {"50": "half", "90": "most"}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2">
<Document>
<name>Places estimated by graticule</name>
<description>Estimates from what the photos show, not measured positions.</description>
<Style id="photo"><IconStyle><color>ff1a56e8</color></IconStyle></Style>
<Style id="half"><LineStyle><color>ff1a56e8</color><width>2</width></LineStyle>\
<PolyStyle><color>331a56e8</color></PolyStyle></Style>
<Style id="most"><LineStyle><color>801a56e8</color><width>1</width></LineStyle>\
<PolyStyle><color>191a56e8</color></PolyStyle></Style>
"""


class KmlWriter:
    """Writes one document with a folder a photo."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        handle.write(_HEAD)

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one folder; see :class:`graticule.output.formats.Writer`."""
        parts = [f"<Folder><name>{xml_text(answer.photo)}</name>"]
        if answer.point is None:
            why = answer.error or answer.reason or "no point"
            parts.append(f"<description>{xml_text(f'{status(answer)}: {why}')}</description>")
        else:
            parts.append(_placemark(answer, answer.point))
            parts += [
                _circle(answer.point, answer.radius_km[level], level, style)
                for level, style in CIRCLES.items()
                if level in answer.radius_km
            ]
        self._handle.write("\n".join(parts) + "\n</Folder>\n")

    def finish(self) -> None:
        """Close the document."""
        self._handle.write("</Document>\n</kml>\n")


def _placemark(answer: Answer, point: Point) -> str:
    return (
        f"<Placemark><name>{xml_text(answer.photo)}</name>"
        f"<description>{xml_text(_words(answer))}</description><styleUrl>#photo</styleUrl>"
        f"<Point><coordinates>{point.lon},{point.lat}</coordinates></Point></Placemark>"
    )


def _words(answer: Answer) -> str:
    best, unit = country(answer), sure_unit(answer)
    said = [f"{best.name} ({percent(best.probability)})"] if best else []
    said += [f"{unit.name} ({percent(unit.probability)})"] if unit else []
    said += [f"{level} % within {km(radius)}" for level, radius in answer.radius_km.items()]
    said += [f"or {one.name} ({percent(one.probability)})" for one in others(answer)]
    return "Estimate: " + "; ".join(said)


def _circle(point: Point, radius_km: float, level: str, style: str) -> str:
    shape = cap(point.lat, point.lon, radius_km)
    polygons = "".join(_polygon(part) for part in getattr(shape, "geoms", [shape]))
    return (
        f"<Placemark><name>{level} %: {km(radius_km)}</name><styleUrl>#{style}</styleUrl>"
        f"<MultiGeometry>{polygons}</MultiGeometry></Placemark>"
    )


def _polygon(shape: Any) -> str:
    inner = "".join(f"<innerBoundaryIs>{_ring(ring)}</innerBoundaryIs>" for ring in shape.interiors)
    return (
        f"<Polygon><tessellate>1</tessellate><outerBoundaryIs>{_ring(shape.exterior)}"
        f"</outerBoundaryIs>{inner}</Polygon>"
    )


def _ring(ring: Any) -> str:
    corners = " ".join(f"{lon:.4f},{lat:.4f}" for lon, lat in ring.coords)
    return f"<LinearRing><coordinates>{corners}</coordinates></LinearRing>"
