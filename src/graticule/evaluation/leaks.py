"""What leaks from training into test, by the tables alone.

Each check holds what it must know of the test photos, and training photos pass by in portions: its
memory is that of the test, however many were learnt from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.evaluation.finding import Finding, leaked
from graticule.evaluation.truth import Truth

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: Test photos this near a training photo were probably taken of the same thing.
NEAR_KM = 1.0
#: Photos of one place within this many hours are of one walk.
SAME_WALK_HOURS = 24.0


class Leak(ABC):
    """One check of test photos against training photos, of which it has seen none at first.

    Args:
        test: the judged photos.
    """

    def __init__(self, test: Truth) -> None:
        self.test = test

    @abstractmethod
    def see(self, train: Truth) -> None:
        """Look at some more training photos."""

    @abstractmethod
    def finding(self) -> Finding:
        """What was found among all that were seen."""


class SharedKey(Leak):
    """Test photos whose ``column`` has a value that a training photo has too."""

    def __init__(self, test: Truth, column: str, means: str) -> None:
        super().__init__(test)
        self._column, self._means = column, means
        self._wanted = set(test.column(column).tolist()) - {""}
        self._first: dict[str, str] = {}

    def see(self, train: Truth) -> None:
        """Keep the first training photo of each value that the test has."""
        if not self._wanted:
            return
        for path, value in zip(train.paths, train.column(self._column).tolist(), strict=True):
            if value in self._wanted:
                self._wanted.remove(value)
                self._first[value] = path

    def finding(self) -> Finding:
        """The test photos of these values."""
        ours = self.test.column(self._column).tolist()
        rows = np.array([value in self._first for value in ours], dtype=bool)
        return leaked(
            f"same {self._column}",
            self.test.paths,
            rows,
            lambda i: f"{self._first[ours[i]]} ({self._column} {ours[i]})",
            self._means,
        )


class SameFile(Leak):
    """Test photos whose file name is a training photo's: benchmark photos inside training."""

    def __init__(self, test: Truth) -> None:
        super().__init__(test)
        # Names such as 00001 say nothing; a photo id of a service does.
        self._wanted = {stem for stem in map(_stem, test.paths) if _tells(stem)}
        self._first: dict[str, str] = {}

    def see(self, train: Truth) -> None:
        """Keep the first training photo of each name that the test has."""
        if not self._wanted:
            return
        for path in train.paths:
            stem = _stem(path)
            if stem in self._wanted:
                self._wanted.remove(stem)
                self._first[stem] = path

    def finding(self) -> Finding:
        """The test photos of these names."""
        hits = [self._first.get(_stem(path)) for path in self.test.paths]
        rows = np.array([hit is not None for hit in hits], dtype=bool)
        return leaked(
            "same file name",
            self.test.paths,
            rows,
            lambda i: str(hits[i]),
            "the test photo itself may be in training",
        )


class SameWalk(Leak):
    """Test photos within a kilometre and a day of a training photo."""

    def __init__(self, test: Truth) -> None:
        super().__init__(test)
        hours = _hours(test)
        self._asked = np.flatnonzero(test.located & np.isfinite(hours))
        self._walks = _walk(test.latlon[self._asked], hours[self._asked])
        self._twin: dict[int, str] = {}

    def see(self, train: Truth) -> None:
        """Keep a training photo on one walk with each test photo that has none yet."""
        if not len(self._asked):
            return
        hours = _hours(train)
        usable = np.flatnonzero(train.located & np.isfinite(hours))
        if not len(usable):
            return
        near = _nearest_walk(_walk(train.latlon[usable], hours[usable]), self._walks)
        hit = near >= 0
        for row, twin in zip(self._asked[hit], usable[near[hit]], strict=True):
            self._twin[int(row)] = train.paths[twin]
        self._asked, self._walks = self._asked[~hit], self._walks[~hit]

    def finding(self) -> Finding:
        """The test photos that have one."""
        rows = np.zeros(len(self.test), dtype=bool)
        rows[list(self._twin)] = True
        return leaked(
            "same place and time",
            self.test.paths,
            rows,
            self._twin.__getitem__,
            "taken within a kilometre and a day of a training photo: probably on one walk",
        )


class NearTraining(Leak):
    """Test photos within ``radius_km`` of a training photo."""

    def __init__(self, test: Truth, radius_km: float = NEAR_KM) -> None:
        super().__init__(test)
        self.radius_km = radius_km
        self._asked = np.flatnonzero(test.located)
        self._points = sphere.unit_vectors(test.latlon[self._asked])
        self._km = np.full(len(test), np.inf)
        self._twin: dict[int, str] = {}

    def see(self, train: Truth) -> None:
        """Keep the nearest training photo of each test photo so far."""
        usable = np.flatnonzero(train.located)
        if not len(usable) or not len(self._asked):
            return
        # A little more than the radius, which rounding would cut off; what counts is the arc.
        gap, nearest = _tree(sphere.unit_vectors(train.latlon[usable])).query(
            self._points, distance_upper_bound=float(sphere.chord(self.radius_km)) * (1 + 1e-9)
        )
        found = np.flatnonzero(np.isfinite(gap))
        rows, km = self._asked[found], sphere.arc(gap[found])
        nearer = (km <= self.radius_km) & (km < self._km[rows])
        self._km[rows[nearer]] = km[nearer]
        for row, twin in zip(rows[nearer], usable[nearest[found[nearer]]], strict=True):
            self._twin[int(row)] = train.paths[twin]

    def finding(self) -> Finding:
        """The test photos that have one."""
        rows = np.isfinite(self._km)
        return leaked(
            f"within {self.radius_km:g} km of training",
            self.test.paths,
            rows,
            lambda i: f"{self._twin[i]} ({self._km[i]:.2f} km)",
            "the place was trained on: the score says how well it is remembered, not inferred",
        )


#: The columns that a training table is read for, beside path and place.
COLUMNS = ("photographer", "sequence", "group", "captured_at")


def checks(test: Truth, radius_km: float = NEAR_KM) -> list[Leak]:
    """Every check of tables that needs training photos, before it has seen any.

    Args:
        test: the judged photos.
        radius_km: how near a training photo a test photo may not be.
    """
    return [
        SameFile(test),
        SharedKey(
            test, "photographer", "one photographer's habits, camera and trips are on both sides"
        ),
        SharedKey(test, "sequence", "frames of one drive or burst are on both sides"),
        SharedKey(test, "group", "near-duplicates are on both sides"),
        SameWalk(test),
        NearTraining(test, radius_km),
    ]


def _walk(latlon: FloatArray, hours: FloatArray) -> FloatArray:
    """Place and time as (n, 4): one walk is what lies within 1 in space and within 1 in time."""
    space = sphere.unit_vectors(latlon) / float(sphere.chord(NEAR_KM))
    return np.column_stack([space, hours / SAME_WALK_HOURS])


def _nearest_walk(train: FloatArray, test: FloatArray) -> IntArray:
    """A row of ``train`` on one walk with each row of ``test``, −1 for none, int64 (n,).

    One neighbour is asked for, not all: of a town there may be a million pairs.
    """
    gap, found = (tree := _tree(train)).query(test, p=np.inf, distance_upper_bound=1 + 1e-9)
    found = np.where(gap <= 1, found, -1)
    # The box around a kilometre has corners; who is in one may hide a photo that is nearer.
    there = np.flatnonzero(found >= 0)
    for row in there[np.linalg.norm(train[found[there], :3] - test[there, :3], axis=1) > 1]:
        box = np.array(tree.query_ball_point(test[row], 1, p=np.inf))
        ball = box[np.linalg.norm(train[box, :3] - test[row, :3], axis=1) <= 1]
        found[row] = ball[0] if len(ball) else -1
    return found


def _tree(points: FloatArray) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(points)


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


def _stem(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0].casefold()


def _tells(stem: str) -> bool:
    """Whether a file name is one of a kind: no counter, and long enough."""
    if stem.isdigit():
        return len(stem) >= 9 and not stem.startswith("0")  # the photo ids of services
    return len(stem) >= 8 and stem.count("0") <= len(stem) / 2
