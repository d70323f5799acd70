"""From administrative units and photos to semantic cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from graticule import atlas, progress, sphere
from graticule.cells import geometry
from graticule.cells.adaptive import check_counts
from graticule.cells.areas import Areas
from graticule.cells.boundaries import Boundaries
from graticule.cells.partition import FloatArray, IntArray
from graticule.cells.regions import REACH_KM
from graticule.cells.semantic.merge import Group, merge
from graticule.cells.semantic.report import Report, Step
from graticule.cells.semantic.split import Piece, Round, split
from graticule.errors import PartitionError

#: A hole is a gap between borders if it is narrower than this on average.
_GAP_DEGREES: Final = 0.01
#: Square degrees that only rounding makes.
_NOTHING: Final = 1e-9


@dataclass(frozen=True)
class Settings:
    """How large cells are, and the rounds of OPTICS that split them.

    Attributes:
        min_photos: units with fewer are merged, and no piece has fewer.
        max_photos: cells with more are split.
        rounds: tried in order on each cell that is too large.
        halve: cut in two a cell without clusters, across its longer side (PIGEON leaves it).
    """

    min_photos: int
    max_photos: int
    rounds: tuple[Round, ...]
    halve: bool = False

    def __post_init__(self) -> None:
        check_counts(self.min_photos, self.max_photos, "photos")
        if not self.rounds or any(r.min_samples < 2 or not 0 < r.xi < 1 for r in self.rounds):
            raise PartitionError("OPTICS rounds need min_samples ≥ 2 and 0 < ξ < 1")


#: PIGEON's settings: for 100,000 photos and for 4 million.
PRESETS: Final[dict[str, Settings]] = {
    "small": Settings(30, 60, (Round(8, 0.05), Round(10, 0.025), Round(15, 0.015))),
    "large": Settings(1000, 2000, (Round(300, 0.05), Round(400, 0.005), Round(1000, 0.0001))),
}


@dataclass(frozen=True, eq=False)
class Semantic(Areas):
    """Polygons cut along borders where photos are few and along clusters where they are many."""

    kind: ClassVar[str] = "semantic"


def semantic(
    latlon: npt.ArrayLike,
    boundaries: Boundaries,
    settings: Settings = PRESETS["small"],
    *,
    name: str = "semantic",
) -> tuple[Semantic, Report]:
    """Build semantic cells.

    Args:
        latlon: (n, 2) places of photos, without NaN.
        boundaries: the units to begin from; :meth:`Boundaries.within` keeps one country's.
        settings: sizes and OPTICS rounds.
        name: of the partition.

    Returns:
        The cells, and what happened on the way.

    Raises:
        PartitionError: no photo lies in a unit.
        MissingExtraError: scikit-learn is not installed.
    """
    points = sphere.as_latlon(latlon)
    units, own = _with_photos(points, boundaries)
    report = Report(photos=len(points), outside=int((own < 0).sum()))
    counts = np.bincount(own[own >= 0], minlength=len(units)).astype(np.int64)
    report.steps.append(Step.of("administrative units", counts))
    places = geometry.centroids(units.polygons)
    groups, after_regions = merge(units, counts, places, settings.min_photos)
    report.steps.append(Step.of("merged within regions", after_regions))
    report.steps.append(Step.of("merged within countries", [group.photos for group in groups]))
    cells = _split_all(_ashore(points, units, own), units, own, groups, settings, report)
    made = _partition(points, cells, units, name)
    report.steps.append(Step.of("split", made.counts))
    return made, report


def _with_photos(points: FloatArray, boundaries: Boundaries) -> tuple[Boundaries, IntArray]:
    """The units of countries that have photos, by id, and the unit of each photo."""
    units = boundaries.only(np.argsort(boundaries.ids))
    own = _areas(units).assign(points) if len(points) else np.empty(0, np.int64)
    if not (own >= 0).any():
        raise PartitionError(
            f"none of the {len(points)} photos lies in one of the {len(units)} units"
        )
    countries = np.array(units.countries)
    kept = np.isin(countries, countries[own[own >= 0]])
    renumbered = np.append(np.cumsum(kept) - 1, -1)
    return units.only(kept), renumbered[own].astype(np.int64)


def _areas(units: Boundaries) -> Areas:
    centers = np.zeros((len(units), 2))
    return Areas("units", units.ids, centers, polygons=units.polygons, reach_km=REACH_KM)


def _ashore(points: FloatArray, units: Boundaries, own: IntArray) -> FloatArray:
    """The points, those off their unit's border moved onto it.

    So that a photo off the coast is split with the shore it belongs to, not with a town across the
    bay.
    """
    import shapely

    inside = own >= 0
    lat, lon = points[:, 0], sphere.wrap_longitude(points[:, 1])
    homes = units.polygons[own]
    off = np.flatnonzero(inside & ~shapely.intersects_xy(homes, lon, lat))
    moved = points.copy()
    gap = shapely.shortest_line(homes[off], shapely.points(lon[off], lat[off]))
    moved[off] = shapely.get_coordinates(shapely.get_point(gap, 0))[:, ::-1]
    return moved


@dataclass(frozen=True)
class _Cell:
    group: Group
    piece: Piece
    id: str


def _split_all(
    points: FloatArray,
    units: Boundaries,
    own: IntArray,
    groups: list[Group],
    settings: Settings,
    report: Report,
) -> list[_Cell]:
    """Every group as one cell or the pieces of it."""
    order = np.argsort(own, kind="stable")
    ends = np.searchsorted(own[order], np.arange(len(units) + 1))
    done: list[_Cell] = []
    with progress.bar("cells", total=int((own >= 0).sum())) as bar:
        for group in groups:
            rows = np.sort(np.concatenate([order[ends[i] : ends[i + 1]] for i in group.members]))
            polygon = _joined(units, group)
            base = units.ids[group.best]
            finished, stuck = _pieces(Piece(polygon, rows), points, settings, bar)
            # By photos, then by place: the numbers do not depend on the order of the work.
            finished.sort(key=lambda p: (-len(p.rows), p.polygon.bounds))
            for number, piece in enumerate(finished, start=1):
                cell = _Cell(group, piece, base if len(finished) == 1 else f"{base}.{number}")
                done.append(cell)
                if id(piece) in stuck:
                    report.unsplit[cell.id] = stuck[id(piece)]
                if len(piece.rows) < settings.min_photos:
                    report.small[cell.id] = "all of its country's photos are fewer"
    return done


def _joined(units: Boundaries, group: Group) -> Any:
    """The members as one shape, hairline gaps between generalised borders filled."""
    import shapely

    shape = geometry.areas_only(shapely.union_all(units.polygons[group.members]))
    rings, part = shapely.get_rings(shapely.get_parts(shape), return_index=True)
    inner = np.diff(part, prepend=-1) == 0
    if len(group.members) == 1 or not inner.any():
        return shape
    filled = np.zeros(len(rings), bool)
    filled[inner] = _is_gap(shapely.polygons(rings[inner]), units, group.country)
    each = np.split(rings[~filled], np.flatnonzero(np.diff(part[~filled])) + 1)
    whole = [shapely.polygons(own[0], own[1:]) for own in each]
    made = shapely.multipolygons(whole)
    # A sliver of land in a gap is inside its neighbour now.
    return made if shapely.is_valid(made) else geometry.areas_only(shapely.union_all(whole))


def _taken(units: Boundaries, points: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which points lie in a unit."""
    import shapely

    found = shapely.STRtree(units.polygons).query(points, predicate="intersects")[0]
    return np.isin(np.arange(len(points)), found)


def _is_gap(holes: npt.NDArray[Any], units: Boundaries, country: str) -> npt.NDArray[np.bool_]:
    """Which holes are thin and nobody's: not an enclave of another unit or another country."""
    import shapely

    thin = shapely.area(holes) < _GAP_DEGREES * shapely.length(holes)
    inside = shapely.point_on_surface(holes)
    border = atlas.country_polygons().get(country)
    if border is not None:
        thin &= shapely.area(shapely.difference(holes, border)) < _NOTHING
    return np.asarray(thin & ~_taken(units, inside))


def _pieces(
    whole: Piece, points: FloatArray, settings: Settings, bar: progress.Bar
) -> tuple[list[Piece], dict[int, str]]:
    """Split until no piece is too large, or none of the too large can be split."""
    waiting, finished, stuck = [whole], [], {}
    while waiting:
        piece = waiting.pop()
        found: list[Piece] | str = []
        if len(piece.rows) > settings.max_photos:
            found = split(piece, points, settings.rounds, settings.min_photos, halve=settings.halve)
        if isinstance(found, list) and found:
            waiting += found
            continue
        if isinstance(found, str):
            stuck[id(piece)] = found
        finished.append(piece)
        bar.advance(len(piece.rows))
    return finished, stuck


def _partition(points: FloatArray, cells: list[_Cell], units: Boundaries, name: str) -> Semantic:
    """The cells with counts and centres of the photos that their polygons hold."""
    polygons = np.empty(len(cells), dtype=object)
    polygons[:] = [cell.piece.polygon for cell in cells]
    columns: dict[str, Any] = {
        "name": name,
        "ids": tuple(cell.id for cell in cells),
        "names": tuple(_title(cell, units) for cell in cells),
        "polygons": polygons,
        "areas_km2": geometry.areas_km2(polygons),
        "parents": {
            "countries": tuple(cell.group.country for cell in cells),
            "regions": tuple(cell.group.region.partition("/")[2] for cell in cells),
            "units": tuple(units.ids[cell.group.best] for cell in cells),
        },
        "reach_km": REACH_KM,
    }
    bare = Semantic(centers=np.zeros((len(cells), 2)), **columns)
    own = bare.assign(points)
    centers = sphere.group_means(points, own, len(cells))
    empty = np.isnan(centers[:, 0])
    centers[empty] = geometry.centroids(polygons[empty])
    photos = np.bincount(own[own >= 0], minlength=len(cells)).astype(np.int64)
    return Semantic(centers=centers, counts=photos, **columns)


def _title(cell: _Cell, units: Boundaries) -> str:
    """The name of the unit with the most photos, and which piece of the group this is."""
    number = cell.id.removeprefix(units.ids[cell.group.best]).removeprefix(".")
    return f"{units.names[cell.group.best]} {number}".strip()
