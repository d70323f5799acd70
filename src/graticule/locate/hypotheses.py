"""The places far apart that a point was chosen among, as answers list them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from graticule import atlas
from graticule.answer import Hypothesis, Point
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.locate.beliefs import probability
from graticule.locate.places import LEAST, TOWN_KM
from graticule.refine.hypotheses import Hypotheses
from graticule.sphere import FloatArray


class Told:
    """The hypotheses of a batch of photos.

    Args:
        found: of the system.
        belief: over the cells of the point, as the answers tell it.
    """

    def __init__(self, found: Hypotheses, belief: Belief[Partition]) -> None:
        self._points, self._mass = found.points, found.mass(belief.p)
        there = np.isfinite(found.points).all(axis=2)
        # The point's own always stands there, however little it is.
        self._kept = there & ((self._mass >= LEAST) | (np.arange(there.shape[1]) == 0))

    @cached_property
    def _names(self) -> atlas.Names:
        return atlas.names(self._points[self._kept])

    def of(
        self, row: int, point: Point, rounded: Callable[[FloatArray], Point]
    ) -> tuple[Hypothesis, ...]:
        """Those of one photo: the point's, then the others, likeliest first.

        Args:
            row: the photo.
            point: as the answer tells it.
            rounded: makes a point that claims no more digits than that one.
        """
        columns = np.flatnonzero(self._kept[row])
        name = int(self._kept[:row].sum())  # of the first of this photo among all names
        made = []
        for column in columns.tolist():
            called = self._names[name]
            near = bool(called.town) and called.town_km <= TOWN_KM
            made.append(
                Hypothesis(
                    point=rounded(self._points[row, column]) if column else point,
                    probability=probability(self._mass[row, column]),
                    country=called.country,
                    country_name=called.country_name,
                    region=called.region_name,
                    city=called.town if near else "",
                )
            )
            name += 1
        first, others = made[:1], made[1:]
        return (*first, *sorted(others, key=lambda one: -one.probability))
