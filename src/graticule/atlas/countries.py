"""The country of a point, and what countries are called and look like.

Codes are ISO 3166-1 alpha-2, with XK for Kosovo; a territory with a code of its own has it (French
Guiana is GF). A country reaches twelve nautical miles out to sea, so that a beach, a pier or a boat
in sight of the coast has one; beyond, the code is ``""``. Disputed borders are drawn as the source
has them, which follows who administers a place; the exceptions are in ``data/PROVENANCE.md``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.atlas import shapes
from graticule.atlas.land import land_index
from graticule.atlas.lookup import ShapeIndex
from graticule.errors import GraticuleError


@cache
def layer() -> shapes.Layer:
    """The borders as they are stored."""
    return shapes.read("countries")


@cache
def _index() -> ShapeIndex:
    return ShapeIndex(layer().geometries(), shapes.read_grid("countries"))


@cache
def _codes() -> npt.NDArray[np.str_]:
    # The empty code comes last, so that index −1 means no country.
    return np.array([*layer().columns["code"], ""])


@cache
def _rows() -> dict[str, int]:
    return {code: i for i, code in enumerate(layer().columns["code"])}


def country_codes() -> tuple[str, ...]:
    """All codes of the atlas, sorted."""
    return tuple(_rows())


def countries(latlon: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """The code of the country at each point, (n,); ``""`` at sea.

    Args:
        latlon: (n, 2) degrees, latitude first, or one pair.

    Raises:
        GraticuleError: a coordinate is not finite or its latitude is outside ±90.
    """
    return _codes()[_index().find(latlon)]


def country_name(code: str) -> str:
    """The English name of a country; ``""`` for the code ``""``.

    Raises:
        GraticuleError: no country has the code.
    """
    return str(column("name")[code]) if code else ""


@cache
def column(name: str) -> dict[str, Any]:
    """One column of the table of countries by code, as ``alpha3`` or ``name``."""
    return _Countries(zip(layer().columns["code"], layer().columns[name], strict=True))


class _Countries(dict[str, Any]):
    """Values by code; an unknown code is an error a person can act on."""

    def __missing__(self, code: str) -> Any:
        raise GraticuleError(
            f"no country has the code {code!r}: use ISO 3166-1 alpha-2 in capitals, as IN or FR"
        )


@cache
def country_polygons() -> dict[str, Any]:
    """Code → the country's land, a shapely MultiPolygon in lon/lat order.

    Land only, to about a kilometre, cut at the antimeridian; :func:`countries` answers for coastal
    waters too.
    """
    return dict(zip(layer().columns["code"], land_index().shapes, strict=True))


def continent(code: str) -> str:
    """The continent of a country, one of seven, in English.

    As the United Nations draw them (M49), the Americas apart; Russia whole is in Europe.
    """
    return str(column("continent")[code])


def road_side(code: str) -> str:
    """The side traffic keeps to in a country: ``"left"`` or ``"right"``."""
    return str(column("road_side")[code])
