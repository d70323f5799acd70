"""Countries: npm ``@rapideditor/country-coder``, ISC licence.

Its 314 areas become one shape an ISO 3166-1 code. Where the source leaves a choice, the rule is:
a territory with a code of its own keeps it (French Guiana is GF, Macau MO); an area with an
exceptionally reserved code takes the officially assigned one it belongs to (the Canary Islands ES);
Kosovo is XK. Three areas follow ISO 3166-2, which the source's own ``country`` does not or leaves
open: Crimea is UA-43 there, Northern Cyprus is part of CY, and Bir Tawil belongs to nobody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from atlas_sources import natural_earth
from atlas_sources.clean import on_grid, polygonal
from atlas_sources.coast import discs, widened
from atlas_sources.packages import unpacked
from graticule.atlas.lookup import grid
from graticule.atlas.shapes import from_geometries, read, write, write_grid
from graticule.atlas.towns import towns

#: Exceptionally reserved codes and their officially assigned ones.
RESERVED = {
    "AC": "SH", "TA": "SH", "DG": "IO", "CP": "FR", "CQ": "GG", "EA": "ES", "IC": "ES", "FX": "FR",
}  # fmt: skip
#: Wikidata ids of the areas that follow ISO 3166-2; "" is nobody's.
RULED = {"Q7835": "UA", "Q23681": "CY", "Q620634": ""}
CONTINENTS = {"002": "Africa", "009": "Oceania", "019": "Americas", "142": "Asia", "150": "Europe"}
#: 1e-5° is about a metre; the source gives no more.
STEP = 1e-5
#: Land is drawn to about 50 m.
LAND_STEP = 5e-4
#: Twelve nautical miles: how far the waters of a coast reach.
COASTAL_KM = 22.224
#: A town outside all coastlines stands on an island of this radius.
VILLAGE_KM = 1.5
#: 512 rows are boxes of 0.35°.
GRID_ROWS = 512


def features(work: Path) -> list[dict[str, Any]]:
    """All areas of the source, groups without a polygon too."""
    path = unpacked("@rapideditor/country-coder", work) / "src" / "data" / "borders.json"
    return list(json.loads(path.read_text())["features"])


def _code(properties: dict[str, Any], assigned: set[str]) -> str:
    if properties["wikidata"] in RULED:
        return RULED[properties["wikidata"]]
    candidates = [properties.get("iso1A2"), *properties.get("groups", [])]
    candidates = [RESERVED.get(code, code) for code in candidates]
    own = [code for code in candidates if code in assigned]
    return str(own[0] if own else properties["country"])


def build(work: Path, data: Path) -> None:
    """Write ``countries`` (with coastal waters) and ``land``, each with its grid."""
    areas = features(work)
    by_id = {key: a["properties"] for a in areas for key in _ids(a["properties"])}
    assigned = {
        p["iso1A2"] for p in by_id.values() if p.get("iso1A2") and p.get("isoStatus") != "excRes"
    }
    pieces: dict[str, list[Any]] = {}
    members: dict[str, list[dict[str, Any]]] = {}
    for area in areas:
        code = _code(area["properties"], assigned) if area["geometry"] else ""
        if code:
            shape = _to_the_edge(polygonal([shapely.geometry.shape(area["geometry"])])[0])
            pieces.setdefault(code, []).append(shape)
            members.setdefault(code, []).append(area["properties"])
    codes = sorted(pieces)
    borders = [shapely.union_all(pieces[code]) for code in codes]
    main = {c: members[c][int(np.argmax(shapely.area(pieces[c])))] for c in codes}
    columns = {
        "code": codes,
        "alpha3": [by_id[c].get("iso1A3", "") for c in codes],
        "name": [by_id[c]["nameEn"] for c in codes],
        "continent": [_continent(c, main[c].get("groups", [])) for c in codes],
        "road_side": [_side(main[c], by_id) for c in codes],
    }
    land = _land(work, borders)
    near_land = widened(land, COASTAL_KM, 0.02)
    for name, cover, step in (("countries", near_land, STEP), ("land", land, LAND_STEP)):
        shapes = on_grid([_within(border, cover) for border in borders], step)
        write(data / f"{name}.npz", from_geometries(columns, shapes), step)
        # The grid is drawn from what is read back, so that both answer alike.
        cells = grid(read(name).geometries(), GRID_ROWS)
        write_grid(data / f"{name}-grid.npz", cells)


def _land(work: Path, borders: list[Any]) -> Any:
    """Natural Earth's land, and the villages and the smallest countries that it misses."""
    land = natural_earth.land(work)
    shapely.prepare(land)
    places = towns().latlon
    missed = places[~shapely.intersects_xy(land, places[:, 1], places[:, 0])]
    islets = [b for b in borders if not shapely.intersects(land, b)]
    centers = np.array([(p.y, p.x) for p in shapely.centroid(islets)]).reshape(-1, 2)
    return shapely.union_all([land, *discs(np.concatenate([missed, centers]), VILLAGE_KM)])


def _within(border: Any, cover: Any) -> Any:
    """The part of ``cover`` inside a border, without lines and points where they only touch."""
    near = shapely.clip_by_rect(cover, *shapely.bounds(border))
    return polygonal([shapely.intersection(near, border)])[0]


def _to_the_edge(shape: Any) -> Any:
    """Points less than 0.02° from the antimeridian moved onto it, over a crack in the source."""

    def moved(points: np.ndarray) -> np.ndarray:
        lon = points[:, 0]
        return np.stack(
            [np.where(np.abs(lon) > 179.98, np.sign(lon) * 180, lon), points[:, 1]], axis=1
        )

    return shapely.transform(shape, moved)


def _ids(properties: dict[str, Any]) -> list[str]:
    keys = (properties.get(k) for k in ("iso1A2", "m49", "wikidata"))
    return [str(key) for key in keys if key]


def _side(properties: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> str:
    """The side of the road: the area's own, else its groups', else right, as in the source."""
    above = [*properties.get("groups", []), properties.get("country", "")]
    sides = [p.get("driveSide") for p in (properties, *(by_id.get(g, {}) for g in above))]
    return next((str(side) for side in sides if side), "right")


def _continent(code: str, groups: list[str]) -> str:
    """The United Nations' region of the largest area; the Americas apart, Russia in Europe."""
    if code in ("AQ", "BV", "HM", "TF", "GS"):
        return "Antarctica"
    if code == "RU":
        return "Europe"
    if "005" in groups:
        return "South America"
    for m49, name in CONTINENTS.items():
        if m49 in groups:
            return "North America" if name == "Americas" else name
    raise ValueError(f"{code}: no continent in {groups}")
