"""A world map as SVG: points, circles and a choropleth, without any library but numpy and shapely.

>>> text = worldmap(points=[(39.9, 116.4)], circles=[(39.9, 116.4, 640)])
>>> text.startswith("<svg")
True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.draw.caps import cap
from graticule.draw.projection import densify, equal_earth, outline

FloatArray = npt.NDArray[np.float64]

#: The projected Earth is 2 × 2.70663 wide and 2 × 1.31736 high.
_HALF = (2.70663, 1.31736)
#: Inside a page the map takes the page's colours; as a file of its own it follows the reader's.
_STYLE = """
.sea{fill:var(--sea,#dde8ee)}.net{fill:none;stroke:var(--net,#cbdae2);stroke-width:.5}
.land{fill:var(--land,#f7f4ec);stroke:var(--coast,#9aa7ad);stroke-width:.4}
.borders{fill:none;stroke:var(--border,#c3c0b4);stroke-width:.4}
.edge{fill:none;stroke:var(--coast,#9aa7ad);stroke-width:.8}
.point{fill:var(--accent,#c8430a);stroke:var(--raised,#fff)}
.other{fill:var(--truth,#1763a6);stroke:var(--raised,#fff)}
.value{fill:var(--accent,#c8430a)}
.circle{fill:var(--accent,#c8430a);fill-opacity:.12;stroke:var(--accent,#c8430a)}
@media (prefers-color-scheme:dark){svg:root{--sea:#16212b;--net:#1f2d38;--land:#2a353e;
--coast:#5d6d79;--border:#475560;--accent:#ff8a4c;--raised:#12181e}}
"""


def worldmap(
    *,
    points: npt.ArrayLike = (),
    others: npt.ArrayLike = (),
    circles: Iterable[tuple[float, float, float]] = (),
    heat: Iterable[tuple[float, float, float]] = (),
    shapes: Sequence[tuple[Any, float]] = (),
    values: Mapping[str, float] | None = None,
    width: int = 960,
    title: str = "World map",
    base: str = "",
) -> str:
    """Draw the world in the Equal Earth projection.

    Args:
        points: (n, 2) latitude and longitude in degrees.
        others: likewise, in the second colour and shape: what the points are compared with.
        circles: latitude, longitude and radius in km of each.
        heat: latitude, longitude and weight of each spot; the heaviest is the darkest.
        shapes: shapely geometries in degrees, longitude first, each with a value of 0…1 for its
            colour; cells, for example.
        values: country code → value of 0…1, drawn like ``shapes``.
        width: of the picture in pixels.
        title: read aloud in place of the picture.
        base: id of a :func:`world` of the same width in the page, which is drawn instead of sea and
            land anew: many maps on one page need one.

    Returns:
        An ``<svg>`` element that stands in a page or in a file of its own.
    """
    plane = _Plane.of(width)
    if base:
        under, over = [f'<use href="#{escape(base)}"/>'], []
    else:
        under, over = _under(plane, values), _over(plane)
    parts = [
        _open(width, title),
        *under,
        *(_coloured(plane, shape, value) for shape, value in shapes),
        *over,
        *_spots(plane, heat),
        *(f'<path class="circle" d="{plane.shape(cap(*circle))}"/>' for circle in circles),
        # Two kinds must be told apart, which takes room.
        *_marks(plane, points, others, max(4.0 if len(np.asarray(others)) else 2.5, width / 300)),
        *([] if base else [_edge(plane)]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def world(width: int, name: str) -> str:
    """Sea and land as a symbol that :func:`worldmap` draws on, for pages with many maps.

    Args:
        width: of the maps, in pixels.
        name: its id in the page.
    """
    plane = _Plane.of(width)
    size = f"{width} {_height(width)}"
    return (
        f'<svg width="0" height="0" aria-hidden="true"><style>{_STYLE}</style>'
        f'<symbol id="{escape(name)}" viewBox="0 0 {size}">\n'
        + "\n".join([*_under(plane, None), *_over(plane), _edge(plane)])
        + "\n</symbol></svg>\n"
    )


def _open(width: int, title: str) -> str:
    height = _height(width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">'
        f"<style>{_STYLE}</style>"
    )


def _height(width: int) -> int:
    return round(width * _HALF[1] / _HALF[0])


def _under(plane: _Plane, values: Mapping[str, float] | None) -> list[str]:
    """Sea, net, land and coloured countries."""
    land = plane.path(atlas.outlines())
    borders = atlas.country_polygons() if values else {}
    countries = [(borders[code], v) for code, v in (values or {}).items() if code in borders]
    return [
        f'<path class="sea" d="{plane.path([outline()], projected=True)}"/>',
        f'<path class="net" d="{plane.path(_net())}"/>',
        f'<path class="land" fill-rule="evenodd" d="{land}"/>',
        # Borders run out to sea; what is coloured of a country is its land.
        f'<clipPath id="land"><path clip-rule="evenodd" d="{land}"/></clipPath>',
        '<g clip-path="url(#land)">',
        *(_coloured(plane, shape, value) for shape, value in countries),
        "</g>",
    ]


def _over(plane: _Plane) -> list[str]:
    return [f'<path class="borders" d="{plane.path(atlas.border_lines())}"/>']


def _edge(plane: _Plane) -> str:
    return f'<path class="edge" d="{plane.path([outline()], projected=True)}"/>'


def _marks(plane: _Plane, points: npt.ArrayLike, others: npt.ArrayLike, r: float) -> list[str]:
    """Points as discs, others as diamonds: shapes tell them apart where colours do not."""
    discs = [
        f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>'
        for x, y in plane.places(points)
    ]
    reach = 1.8 * r
    diamonds = [
        f'<path class="other" d="M{x:.1f} {y - reach:.1f}l{reach:.1f} {reach:.1f}l{-reach:.1f} '
        f'{reach:.1f}l{-reach:.1f} {-reach:.1f}z"/>'
        for x, y in plane.places(others)
    ]
    return discs + diamonds


class _Plane:
    """Degrees to the pixels of one picture."""

    def __init__(self, scale: float, x: float, y: float) -> None:
        self._scale, self._middle = scale, np.array([x, y])

    @classmethod
    def of(cls, width: int) -> _Plane:
        """The whole world on a picture of this width."""
        return cls(width / (2 * _HALF[0]) * 0.995, width / 2, _height(width) / 2)

    def pixels(self, projected: FloatArray) -> FloatArray:
        return np.asarray(self._middle + projected * (self._scale, -self._scale))

    def places(self, latlon: npt.ArrayLike) -> FloatArray:
        points = np.asarray(latlon, dtype=np.float64).reshape(-1, 2)
        return self.pixels(equal_earth(points[:, ::-1]))

    def path(self, lines: Iterable[FloatArray], *, projected: bool = False) -> str:
        drawn = []
        for line in lines:
            at = self.pixels(line if projected else equal_earth(densify(line)))
            drawn.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at))
        return "".join(drawn)

    def shape(self, shape: Any) -> str:
        import shapely

        rings = shapely.get_rings(shapely.get_parts(shape))
        return self.path([shapely.get_coordinates(ring) for ring in rings])


def _coloured(plane: _Plane, shape: Any, value: float) -> str:
    share = min(max(value, 0.0), 1.0)
    return (
        f'<path class="value" fill-opacity="{0.08 + 0.82 * share:.2f}" fill-rule="evenodd" '
        f'd="{plane.shape(shape)}"/>'
    )


def _spots(plane: _Plane, heat: Iterable[tuple[float, float, float]]) -> list[str]:
    spots = [spot for spot in heat if spot[2] > 0]
    if not spots:
        return []
    most = max(weight for *_, weight in spots)
    places = plane.places([(lat, lon) for lat, lon, _ in spots])
    gradient = (
        '<defs><radialGradient id="heat"><stop offset="0" stop-color="#d6540c" stop-opacity=".8"/>'
        '<stop offset=".5" stop-color="#d6540c" stop-opacity=".25"/>'
        '<stop offset="1" stop-color="#d6540c" stop-opacity="0"/></radialGradient></defs>'
    )
    return [gradient] + [
        f'<circle fill="url(#heat)" opacity="{np.sqrt(weight / most):.2f}" '
        f'cx="{x:.1f}" cy="{y:.1f}" r="18"/>'
        for (x, y), (*_, weight) in zip(places, spots, strict=True)
    ]


def _net() -> list[FloatArray]:
    meridians = [np.array([[lon, -90.0], [lon, 90.0]]) for lon in range(-150, 180, 30)]
    parallels = [np.array([[-180.0, lat], [180.0, lat]]) for lat in range(-60, 90, 30)]
    return meridians + parallels
