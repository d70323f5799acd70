"""Neighbouring administrative units joined until each group has enough photos."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.boundaries import Boundaries
from graticule.cells.partition import FloatArray, IntArray

#: Units closer than this are neighbours: generalised borders of one line can part a little.
_GAP_DEGREES = 0.01


@dataclass
class Group:
    """Units that became one cell.

    Attributes:
        members: the units' numbers, ascending.
        best: the member with the most photos, which the cell is called after.
        most: its photos.
        photos: of all members.
        country: of all members.
        region: of all members, "" once it holds several.
        around: the numbers of neighbouring groups.
    """

    members: list[int]
    best: int
    most: int
    photos: int
    country: str
    region: str
    around: set[int] = field(default_factory=set)


def neighbours(boundaries: Boundaries) -> list[set[int]]:
    """The units beside each unit, over the antimeridian too."""
    import shapely

    shapes = boundaries.polygons
    tree = shapely.STRtree(shapes)
    near: list[set[int]] = [set() for _ in shapes]

    def meet(others: npt.NDArray[np.object_], numbers: IntArray) -> None:
        one, other = tree.query(others, predicate="dwithin", distance=_GAP_DEGREES)
        for a, b in zip(numbers[one].tolist(), other.tolist(), strict=True):
            if a != b:
                near[a].add(b)
                near[b].add(a)

    meet(shapes, np.arange(len(shapes)))
    at_edge = np.flatnonzero(shapely.bounds(shapes)[:, 2] > 180 - _GAP_DEGREES)
    turned = shapely.transform(shapes[at_edge], lambda xy: xy - [360.0, 0.0])
    meet(turned, at_edge)
    return near


def merge(
    boundaries: Boundaries, photos: IntArray, places: FloatArray, min_photos: int
) -> tuple[list[Group], list[int]]:
    """Join units with fewer than ``min_photos``, the fewest first, each to the nearest of its kind.

    First inside their region, then inside their country; a neighbour before one apart, so that an
    island or an exclave still comes to its own. Nothing crosses a country's border.

    Args:
        boundaries: the units.
        photos: (n,) photos in each.
        places: (n, 2) a point in each.
        min_photos: what a group needs.

    Returns:
        The groups by their number, and the photos of each as they were after the regions' step.
    """
    units = zip(photos.tolist(), boundaries.countries, boundaries.regions, strict=True)
    groups = {
        i: Group([i], i, count, count, country, f"{country}/{region}")
        for i, (count, country, region) in enumerate(units)
    }
    for i, around in enumerate(neighbours(boundaries)):
        groups[i].around = around
    vectors = sphere.unit_vectors(places)
    _join(groups, vectors, min_photos, lambda group: group.region)
    after_regions = [group.photos for group in groups.values()]
    _join(groups, vectors, min_photos, lambda group: group.country)
    return [groups[i] for i in sorted(groups)], after_regions


def _join(
    groups: dict[int, Group], vectors: FloatArray, min_photos: int, kind: Callable[[Group], str]
) -> None:
    """One step: groups only join groups of one kind (region or country)."""
    kin: dict[str, set[int]] = {}
    for number, group in groups.items():
        kin.setdefault(kind(group), set()).add(number)
    heap = [(group.photos, number) for number, group in groups.items()]
    heapq.heapify(heap)
    while heap:
        count, number = heapq.heappop(heap)
        found = groups.get(number)
        if found is None or found.photos != count or count >= min_photos:
            continue
        family = kin[kind(found)] - {number}
        others = sorted(found.around & family) or sorted(family)
        if not others:
            continue
        gaps = np.linalg.norm(vectors[others] - vectors[number], axis=1)
        into = others[int(gaps.argmin())]
        _absorb(groups, into, number)
        kin[kind(found)].discard(number)
        heapq.heappush(heap, (groups[into].photos, into))


def _absorb(groups: dict[int, Group], into: int, number: int) -> None:
    """Join one group to another, which keeps its number and its place."""
    taken, kept = groups.pop(number), groups[into]
    kept.members = sorted(kept.members + taken.members)
    kept.photos += taken.photos
    if (-taken.most, taken.best) < (-kept.most, kept.best):
        kept.best, kept.most = taken.best, taken.most
    kept.region = kept.region if kept.region == taken.region else ""
    for other in taken.around:
        groups[other].around.discard(number)
        if other != into:
            groups[other].around.add(into)
    kept.around = (kept.around | taken.around) - {into, number}
