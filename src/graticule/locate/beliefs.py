"""The beliefs about a batch of photos, with what is derived from them once for all photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule import atlas, calibration, conformal, metrics
from graticule.answer import Cell, City, Place
from graticule.belief import FLOOR, Belief, Labels
from graticule.cells.partition import Partition
from graticule.cells.places import cell_countries, extents_km
from graticule.cells.taught import PREFIX, TaughtCells
from graticule.errors import GraticuleError
from graticule.locate import albums, places
from graticule.refine.neighbours import Neighbours

if TYPE_CHECKING:
    from graticule.locate.decode import Decoder

#: Coordinates finer than this are a street, and nobody asked for one: two decimals are a city.
CITY_DECIMALS = 2
#: The same in a gallery of the user's own, who knows those places already.
OWN_DECIMALS = 4
#: Names listed of each kind.
TOP = 10
#: Shares of the belief in percent whose smallest area is told on request.
AREAS = (50, 90)


def lands_of(partition: Partition) -> tuple[Labels, npt.NDArray[np.int64]]:
    """The countries of some cells, and which of them each cell lies in (−1 for none).

    Raises:
        GraticuleError: no cell lies in any.
    """
    codes = cell_countries(partition)
    names = tuple(str(code) for code in np.unique(codes[codes != ""]))
    if not names:
        raise GraticuleError("no cell of this model lies in any country")
    groups = np.where(codes == "", -1, np.searchsorted(names, codes)).astype(np.int64)
    return Labels(names), groups


def countries_of(
    beliefs: Mapping[str, Belief[Partition]],
    point_task: str,
    lands: Callable[[], tuple[Labels, npt.NDArray[np.int64]]] | None = None,
) -> Belief[Labels]:
    """The belief over countries: a system's own, else the point's cells added up by country.

    Args:
        beliefs: by task.
        point_task: whose cells are added up.
        lands: gives what :func:`lands_of` gives for them, where that is kept.
    """
    if "countries" in beliefs:
        found = beliefs["countries"]
        return Belief(Labels(found.over.ids), found.log_p)
    point = beliefs[point_task]
    names, groups = lands_of(point.over) if lands is None else lands()
    return Belief(names, point.grouped(groups, names).log_p)


class Beliefs:
    """The beliefs of a batch, with what is derived from them once for all photos."""

    def __init__(
        self,
        beliefs: dict[str, Belief[Partition]],
        decoder: Decoder,
        found: Sequence[Neighbours | None],
        points: npt.NDArray[np.float64] | None,
        scenes: Belief[Labels] | None,
        novel: npt.NDArray[np.bool_],
    ) -> None:
        fitted, self._novel = decoder.fitted, novel
        self.beliefs, self._decoder = beliefs, decoder
        self.point = beliefs[decoder.system.point_task]
        if points is None:
            points = calibration.pick_points(self.point, fitted.point_km)
        self.points = albums.drawn(points, found, fitted.point_km)
        levels = sorted(decoder.radius_mass)
        masses = self._masses(levels, scenes)
        radii = calibration.radii_holding(self.point, self.points, masses)
        self.radii = dict(zip(levels, radii.T, strict=True))
        self.areas = self._areas() if decoder.options.areas else {}

    def _areas(self) -> dict[int, npt.NDArray[np.float64]]:
        cells = np.pi * extents_km(self.point.over) ** 2
        return {k: metrics.covering_areas_km2(self.point.p, cells, k / 100) for k in AREAS}

    def _masses(
        self, levels: Sequence[int], scenes: Belief[Labels] | None
    ) -> npt.NDArray[np.float64]:
        """The mass each radius must hold, (n, levels): of its scene or continent, widened if new.

        Where both have levels of their own the wider counts.
        """
        fitted, decoder = self._decoder.fitted, self._decoder
        out = np.tile([decoder.radius_mass[level] for level in levels], (len(self.points), 1))
        # Groups were fitted without an index.
        groups = fitted.radius_mass_by if decoder.album is None else {}
        names = {}
        if "scene" in groups and scenes is not None:
            names["scene"] = np.array(scenes.over.ids)[scenes.log_p.argmax(axis=1)]
        if "continent" in groups:
            names["continent"] = conformal.continents_at(self.points)
        own = np.zeros_like(out)
        for kind, found in names.items():
            for name, masses in groups[kind].items():
                mine = found == name
                own[mine] = np.maximum(own[mine], [masses[level] for level in levels])
        out = np.where(own > 0, own, out)
        if self._novel.any() and fitted.radius_mass_novel:
            wide = [fitted.radius_mass_novel[level] for level in levels]
            out[self._novel] = np.maximum(out[self._novel], wide)
        return out

    @cached_property
    def country_sets(self) -> dict[int, npt.NDArray[np.int64]]:
        """How many countries each coverage takes, by level, (n,) each."""
        fitted = self._decoder.fitted
        found = {}
        for level, mass in sorted(fitted.country_mass.items()):
            wide = max(mass, fitted.country_mass_novel.get(level, mass))
            masses = np.where(self._novel, wide, mass)
            found[level] = conformal.set_sizes(self._countries, masses)
        return found

    def surest(self, row: int) -> float:
        """Probability of the first country."""
        return float(np.exp(self._countries.log_p[row].max()))

    @cached_property
    def _countries(self) -> Belief[Labels]:
        task = self._decoder.system.point_task
        return countries_of(self.beliefs, task, lambda: self._decoder.lands)

    def countries(self, row: int, most: int | None) -> tuple[Place, ...]:
        """Countries of one photo, best first."""
        return tuple(
            Place(code=code, name=atlas.country_name(code), probability=p)
            for code, p in ranked(self._countries, row, most)
        )

    def places(self, task: str, row: int, most: int | None) -> tuple[Place, ...]:
        """Regions or districts of one photo, best first."""
        belief = self.beliefs.get(task)
        if belief is None:
            grouping = self._decoder.groupings.get(task)
            return grouping.places(self.point, row, most) if grouping else ()
        names = dict(zip(belief.over.ids, belief.over.names, strict=True))
        return tuple(
            Place(code=code, name=names[code], probability=p)
            for code, p in ranked(belief, row, most)
        )

    def cities(self, row: int) -> tuple[City, ...]:
        """Cities of one photo, best first."""
        taught = self._taught(row)
        if not taught:
            return self._cities(row)
        names = {city.name for city in taught}
        others = (city for city in self._cities(row) if city.name not in names)
        return tuple(sorted((*taught, *others), key=lambda city: -city.probability)[:TOP])

    def _taught(self, row: int) -> tuple[City, ...]:
        """The places a user taught the model that have a share in this photo."""
        over = self.point.over
        if not isinstance(over, TaughtCells):
            return ()
        p = np.exp(self.point.log_p[row, over.places.start :].astype(np.float64))
        return tuple(
            City(name=over.names[i], country=self._codes[i], probability=probability(share))
            for i, share in zip(over.places, p, strict=True)
            if share >= places.LEAST
        )

    @cached_property
    def _codes(self) -> npt.NDArray[np.str_]:
        return cell_countries(self.point.over)

    def _cities(self, row: int) -> tuple[City, ...]:
        belief = self.beliefs.get("cities")
        if belief is None:
            return self._towns[row]
        cities = (
            (id_.partition(":"), p)
            for id_, p in ranked(belief, row, None)
            if not id_.startswith(PREFIX)
        )
        # An id without a name, as "FR:", is the rest of a country.
        named = (
            City(name=name, country=country, probability=p)
            for (country, _, name), p in cities
            if name
        )
        return tuple(islice(named, TOP))

    @cached_property
    def _towns(self) -> list[tuple[City, ...]]:
        if "cities" in self._decoder.system.partitions:  # ruled out by the evidence
            return [()] * len(self.point)
        belief = self.point
        if isinstance(belief.over, TaughtCells):
            # A taught place is named itself; what it took is not the town's beside it as well.
            log_p = belief.log_p.copy()
            log_p[:, belief.over.places.start :] = FLOOR
            belief = Belief(belief.over, log_p)
        return places.towns(belief, self.points)

    def cells(self, row: int) -> tuple[Cell, ...]:
        """The likeliest cells of one photo."""
        partition = self.point.over
        decimals = OWN_DECIMALS if self._decoder.system.finest else CITY_DECIMALS
        numbers, p = self.point[slice(row, row + 1)].top(TOP)
        return tuple(
            Cell(
                id=partition.ids[cell],
                name=partition.names[cell],
                lat=round(float(partition.centers[cell, 0]), decimals),
                lon=round(float(partition.centers[cell, 1]), decimals),
                probability=probability(share),
            )
            for cell, share in zip(numbers[0], p[0], strict=True)
        )


def ranked(
    belief: Belief[Partition] | Belief[Labels], row: int, most: int | None
) -> Iterator[tuple[str, float]]:
    """Ids and probabilities of one photo's outcomes, best first."""
    one = belief[slice(row, row + 1)]
    cells, p = one.top(most or len(belief.over.ids))
    for cell, share in zip(cells[0], p[0], strict=True):
        yield belief.over.ids[cell], probability(share)


def probability(value: float) -> float:
    """A probability as answers write it: four digits, never outside 0 and 1."""
    return round(min(1.0, max(0.0, float(value))), 4)
