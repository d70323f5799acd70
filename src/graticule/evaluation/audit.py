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

#: Test photos this near a training photo were probably taken of the same thing.
NEAR_KM = 1.0
#: Photos of one place within this many hours are of one walk.
SAME_WALK_HOURS = 24.0
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
        named = theirs != ""
        first = dict(zip(theirs[named][::-1], np.array(train.paths)[named][::-1], strict=True))
        rows = np.array([value != "" and value in first for value in ours], dtype=bool)
        examples = [
            f"{test.paths[i]} ← {first[ours[i]]} ({column} {ours[i]})"
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
    for i, neighbours in zip(asked, _within(train, usable, test, asked, NEAR_KM), strict=True):
        close = [j for j in neighbours if abs(theirs[usable[j]] - ours[i]) <= SAME_WALK_HOURS]
        if close:
            rows[i] = True
            examples.append(f"{test.paths[i]} ← {train.paths[usable[close[0]]]}")
    return Finding(
        "same place and time",
        rows,
        tuple(examples[:_EXAMPLES]),
        "taken within a kilometre and a day of a training photo: probably on one walk",
        leak=True,
    )


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
    """Coordinates that are impossible or disagree with the country beside them."""
    from graticule import atlas

    reasons: dict[int, str] = {}
    lat, lon = test.latlon[:, 0], test.latlon[:, 1]
    finite = np.isfinite(test.latlon).all(axis=1)
    for i in np.flatnonzero(finite & (lat == 0) & (lon == 0)):
        reasons[int(i)] = "0, 0"
    for i in np.flatnonzero(finite & ~test.located):
        reasons[int(i)] = f"no place on Earth: {lat[i]:g}, {lon[i]:g}"
    stated = test.column("country")
    checked = np.array(
        [i for i in np.flatnonzero(test.located & (stated != "")) if int(i) not in reasons],
        dtype=np.int64,
    )
    if len(checked):
        lies_in = atlas.countries(test.latlon[checked])
        swapped = test.latlon[checked][:, ::-1]
        legal = np.abs(swapped[:, 0]) <= 90
        turned = np.full(len(checked), "", dtype=object)
        turned[legal] = atlas.countries(swapped[legal])
        for i, here, there in zip(checked, lies_in, turned, strict=True):
            # A photo at sea off its country's coast is no error.
            if here not in ("", stated[i]):
                words = f"coordinates lie in {here}, not {stated[i]}"
                if there == stated[i]:
                    words += " (swapped, they would lie there)"
                reasons[int(i)] = words
            elif here == "" and there == stated[i]:
                reasons[int(i)] = f"at sea; swapped, they lie in {stated[i]}"
    rows = np.zeros(len(test), dtype=bool)
    rows[list(reasons)] = True
    examples = [f"{test.paths[i]}: {why}" for i, why in sorted(reasons.items())[:_EXAMPLES]]
    return Finding(
        "label error", rows, tuple(examples), "the truth itself is wrong for these photos", False
    )


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
    return len(stem) >= 8 and not stem.lstrip("0").isdigit() | (stem.count("0") > len(stem) / 2)


def _tree(latlon: npt.NDArray[np.float64]) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(sphere.unit_vectors(latlon))


def _within(
    train: Truth,
    usable: npt.NDArray[np.int64],
    test: Truth,
    asked: npt.NDArray[np.int64],
    km: float,
) -> Sequence[Sequence[int]]:
    if not len(usable) or not len(asked):
        return [()] * len(asked)
    tree = _tree(train.latlon[usable])
    found: Sequence[Sequence[int]] = tree.query_ball_point(
        sphere.unit_vectors(test.latlon[asked]), float(sphere.chord(km))
    )
    return found


def _hours(truth: Truth) -> npt.NDArray[np.float64]:
    """Capture time in hours, NaN where unknown; offsets are left out: a day's slack covers them."""
    column = truth.column("captured_at")
    out = np.full(len(truth), np.nan)
    for i in np.flatnonzero(column != ""):
        try:
            out[i] = np.datetime64(column[i][:19]).astype("datetime64[s]").astype(np.int64) / 3600
        except ValueError:
            continue
    return out
