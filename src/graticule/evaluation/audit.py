"""Is a headline worth printing? What leaks from training into test, and what spoils the test.

Each check returns one finding: which test photos it concerns, examples to look at, and what it
means. Tables are checked here; pixels in :mod:`graticule.evaluation.pixels`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.evaluation.truth import Truth

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: Test photos this near a training photo were probably taken of the same thing.
NEAR_KM = 1.0
#: Photos of one place within this many hours are of one walk.
SAME_WALK_HOURS = 24.0
#: A photo this near a city may be said to be of it, and one further than the second is not: between
#: the two nothing is concluded.
OF_CITY_KM, FAR_FROM_CITY_KM = 50.0, 100.0
#: What the finding of GPS positions in files is called.
EXIF_POSITION = "EXIF position"
_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of leak or defect.

    Attributes:
        kind: short name, e.g. ``"same photographer"``.
        rows: bool (n,), the test photos it concerns.
        examples: up to five, each "test photo ← training photo" or the photo and why.
        means: what it does to the headline, in words.
        leak: whether it is a leak from training, or a defect of the test itself.
        spoils: whether its photos are left out of the clean number; some defects spoil only the
            numbers of systems that could have used them.
    """

    kind: str
    rows: BoolArray
    examples: tuple[str, ...]
    means: str
    leak: bool
    spoils: bool = True

    @property
    def count(self) -> int:
        """How many test photos it concerns."""
        return int(self.rows.sum())


def shared_key(column: str, means: str) -> Callable[[Truth, Truth], Finding]:
    """A check for test photos whose ``column`` has a value that a training photo has too."""

    def check(train: Truth, test: Truth) -> Finding:
        ours, theirs = test.column(column), train.column(column)
        first = {value: i for i, value in reversed(list(enumerate(theirs.tolist()))) if value}
        rows = np.array([value in first for value in ours.tolist()], dtype=bool)
        examples = [
            f"{test.paths[i]} ← {train.paths[first[ours[i]]]} ({column} {ours[i]})"
            for i in np.flatnonzero(rows)[:_EXAMPLES]
        ]
        return Finding(f"same {column}", rows, tuple(examples), means, leak=True)

    return check


def same_walk(train: Truth, test: Truth) -> Finding:
    """Test photos within a kilometre and a day of a training photo."""
    ours, theirs = _hours(test), _hours(train)
    rows = np.zeros(len(test), dtype=bool)
    examples: list[str] = []
    usable = np.flatnonzero(train.located & np.isfinite(theirs))
    asked = np.flatnonzero(test.located & np.isfinite(ours))
    if len(usable) and len(asked):
        near = _nearest_walk(
            _walk(train.latlon[usable], theirs[usable]), _walk(test.latlon[asked], ours[asked])
        )
        rows[asked[near >= 0]] = True
        examples = [
            f"{test.paths[asked[k]]} ← {train.paths[usable[near[k]]]}"
            for k in np.flatnonzero(near >= 0)[:_EXAMPLES]
        ]
    return Finding(
        "same place and time",
        rows,
        tuple(examples),
        "taken within a kilometre and a day of a training photo: probably on one walk",
        leak=True,
    )


def _walk(latlon: FloatArray, hours: FloatArray) -> FloatArray:
    """Place and time as (n, 4): one walk is what lies within 1 in space and within 1 in time."""
    space = sphere.unit_vectors(latlon) / float(sphere.chord(NEAR_KM))
    return np.column_stack([space, hours / SAME_WALK_HOURS])


def _nearest_walk(train: FloatArray, test: FloatArray) -> IntArray:
    """A row of ``train`` on one walk with each row of ``test``, −1 for none, int64 (n,).

    One neighbour is asked for, not all: of a town there may be a million pairs.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(train)
    gap, found = tree.query(test, p=np.inf, distance_upper_bound=1 + 1e-9)
    found = np.where(gap <= 1, found, -1)
    # The box around a kilometre has corners; who is in one may hide a photo that is nearer.
    there = np.flatnonzero(found >= 0)
    for row in there[np.linalg.norm(train[found[there], :3] - test[there, :3], axis=1) > 1]:
        box = np.array(tree.query_ball_point(test[row], 1, p=np.inf))
        ball = box[np.linalg.norm(train[box, :3] - test[row, :3], axis=1) <= 1]
        found[row] = ball[0] if len(ball) else -1
    return found


def near_training(train: Truth, test: Truth, radius_km: float = NEAR_KM) -> Finding:
    """Test photos within ``radius_km`` of a training photo."""
    usable, asked = np.flatnonzero(train.located), np.flatnonzero(test.located)
    rows = np.zeros(len(test), dtype=bool)
    examples: list[str] = []
    if len(usable) and len(asked):
        gap, nearest = _tree(train.latlon[usable]).query(sphere.unit_vectors(test.latlon[asked]))
        inside = sphere.arc(gap) <= radius_km
        rows[asked[inside]] = True
        examples = [
            f"{test.paths[asked[k]]} ← {train.paths[usable[nearest[k]]]} "
            f"({sphere.arc(gap[k]):.2f} km)"
            for k in np.flatnonzero(inside)[:_EXAMPLES]
        ]
    return Finding(
        f"within {radius_km:g} km of training",
        rows,
        tuple(examples),
        "the place was trained on: the score says how well it is remembered, not inferred",
        leak=True,
    )


def same_file(train: Truth, test: Truth) -> Finding:
    """Test photos whose file name is a training photo's: benchmark photos inside training."""

    def stem(path: str) -> str:
        return path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0].casefold()

    # Names such as 00001 say nothing; a photo id of a service does.
    known = {stem(path): path for path in train.paths if _tells(stem(path))}
    hits = [known.get(stem(path)) for path in test.paths]
    rows = np.array([hit is not None for hit in hits], dtype=bool)
    examples = [f"{test.paths[i]} ← {hits[i]}" for i in np.flatnonzero(rows)[:_EXAMPLES]]
    return Finding(
        "same file name", rows, tuple(examples), "the test photo itself may be in training", True
    )


def label_errors(test: Truth) -> Finding:
    """Coordinates that are impossible, or that the names beside them contradict.

    A country that does not hold them is an error. A region or city is one only where latitude and
    longitude turned round would put it right: names of regions and cities are spelt and drawn in
    too many ways for more.
    """
    reasons: dict[int, str] = {}
    lat, lon = test.latlon[:, 0], test.latlon[:, 1]
    finite = np.isfinite(test.latlon).all(axis=1)
    for i in np.flatnonzero(finite & (lat == 0) & (lon == 0)):
        reasons[int(i)] = "0, 0"
    for i in np.flatnonzero(finite & ~test.located):
        reasons[int(i)] = f"no place on Earth: {lat[i]:g}, {lon[i]:g}"
    has_country = test.column("country") != ""
    checked = np.flatnonzero(test.located & has_country & ~((lat == 0) & (lon == 0)))
    if len(checked):
        reasons |= _against_country(test, checked)
    rows = np.zeros(len(test), dtype=bool)
    rows[list(reasons)] = True
    examples = [f"{test.paths[i]}: {why}" for i, why in sorted(reasons.items())[:_EXAMPLES]]
    return Finding(
        "label error", rows, tuple(examples), "the truth itself is wrong for these photos", False
    )


def _against_country(test: Truth, rows: IntArray) -> dict[int, str]:
    """What is wrong with the coordinates of some rows by the country stated for them."""
    from graticule import atlas

    latlon, stated = test.latlon[rows], test.column("country")[rows]
    lies_in = atlas.countries(latlon)
    legal = np.abs(latlon[:, 1]) <= 90
    turned = np.full(len(rows), "", dtype=lies_in.dtype)
    turned[legal] = atlas.countries(latlon[legal][:, ::-1])
    reasons: dict[int, str] = {}
    # A photo at sea off its country's coast is no error.
    for k in np.flatnonzero((lies_in != "") & (lies_in != stated)):
        words = f"coordinates lie in {lies_in[k]}, not {stated[k]}"
        if turned[k] == stated[k]:
            words += " (swapped, they would lie there)"
        reasons[int(rows[k])] = words
    for k in np.flatnonzero((lies_in == "") & (turned == stated)):
        reasons[int(rows[k])] = f"at sea; swapped, they lie in {stated[k]}"
    either_way = rows[(lies_in == stated) & (turned == stated)]
    if len(either_way):
        reasons |= _against_city(test, either_way) | _against_region(test, either_way)
    return reasons


def _against_region(test: Truth, rows: IntArray) -> dict[int, str]:
    """Rows whose coordinates lie in the region stated for them only when turned round."""
    from graticule import atlas
    from graticule.evaluation.names import place_key

    rows = rows[test.column("region")[rows] != ""]
    country, stated = test.column("country")[rows], test.column("region")[rows]
    here, there = (
        atlas.regions(latlon, country)[1] for latlon in (test.latlon[rows], test.latlon[rows, ::-1])
    )
    return {
        int(i): f"coordinates lie in {a}; swapped, they lie in {name} as stated"
        for i, name, a, b in zip(rows, stated, here, there, strict=True)
        if place_key(b) == place_key(name) != place_key(a)
    }


def _against_city(test: Truth, rows: IntArray) -> dict[int, str]:
    """Rows whose coordinates lie near the city stated for them only when turned round."""
    from graticule import atlas

    city, country = test.column("city")[rows], test.column("country")[rows]
    reasons: dict[int, str] = {}
    for name, code in sorted(set(zip(city.tolist(), country.tolist(), strict=True))):
        found = atlas.find_towns(name, code) if name else []
        if not found:
            continue
        mine = rows[(city == name) & (country == code)]
        towns = np.array([(town.lat, town.lon) for town in found])
        here, there = (
            sphere.distances(latlon, towns).min(axis=1)
            for latlon in (test.latlon[mine], test.latlon[mine, ::-1])
        )
        reasons |= {
            int(mine[k]): f"coordinates lie {here[k]:,.0f} km from {name}; swapped, {there[k]:,.0f}"
            for k in np.flatnonzero((here > FAR_FROM_CITY_KM) & (there <= OF_CITY_KM))
        }
    return reasons


#: The checks of tables that need training and test.
LEAKS: tuple[Callable[[Truth, Truth], Finding], ...] = (
    same_file,
    shared_key("photographer", "one photographer's habits, camera and trips are on both sides"),
    shared_key("sequence", "frames of one drive or burst are on both sides"),
    shared_key("group", "near-duplicates are on both sides"),
    same_walk,
    near_training,
)
#: The checks that need the test alone.
DEFECTS: tuple[Callable[[Truth], Finding], ...] = (label_errors,)


def audit_tables(train: Truth | None, test: Truth) -> list[Finding]:
    """Every check of the tables; without training photos, only the defects of the test."""
    found = [check(test) for check in DEFECTS]
    if train is not None:
        found = [check(train, test) for check in LEAKS] + found
    return found


def clean_rows(findings: Sequence[Finding], n: int) -> BoolArray:
    """The test photos that no finding spoils, bool (n,)."""
    rows = np.ones(n, dtype=bool)
    for finding in findings:
        if finding.spoils:
            rows &= ~finding.rows
    return rows


def _tells(stem: str) -> bool:
    """Whether a file name is one of a kind: no counter, and long enough."""
    if stem.isdigit():
        return len(stem) >= 9 and not stem.startswith("0")  # the photo ids of services
    return len(stem) >= 8 and stem.count("0") <= len(stem) / 2


def _tree(latlon: FloatArray) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(sphere.unit_vectors(latlon))


def _hours(truth: Truth) -> FloatArray:
    """Capture time in hours, NaN where unknown; offsets are left out: a day's slack covers them."""
    column = truth.column("captured_at")
    out = np.full(len(truth), np.nan)
    for i in np.flatnonzero(column != ""):
        try:
            out[i] = np.datetime64(column[i][:19]).astype("datetime64[s]").astype(np.int64) / 3600
        except ValueError:
            continue
    return out
