"""A cell with too many photos, cut along the clusters in it.

OPTICS finds where photos gather; the Voronoi cells around the photos, joined by cluster and clipped
to the cell, are the pieces. All of it happens in a plane of equal areas about the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graticule import sphere
from graticule.cells import s2
from graticule.cells.geometry import areas_only, cut_at_antimeridian
from graticule.cells.partition import FloatArray, IntArray
from graticule.cells.semantic.optics import clusters

#: OPTICS looks at no more photos of a cell than these: its time grows with their square.
SAMPLE: Final = 4000
#: The photos that stand for the rest when borders are drawn.
SITES: Final = 1500
#: A cell that reaches further than this from its middle is cut in a cylinder's plane instead.
_FAR_KM: Final = 7000.0


@dataclass(frozen=True)
class Round:
    """One setting of OPTICS, as PIGEON names them."""

    min_samples: int
    xi: float


@dataclass(frozen=True)
class Piece:
    """A cell on its way: its lon/lat polygon and the rows of its photos."""

    polygon: Any
    rows: IntArray


class Plane:
    """The plane that a cell is cut in: azimuthal, or cylindrical where that one would fold."""

    def __init__(self, polygon: Any, points: FloatArray) -> None:
        import shapely

        self.origin = sphere.mean(points)
        self.polygon = _unwrapped_shape(polygon, float(self.origin[1]))
        west, south, east, north = shapely.bounds(self.polygon)
        outline = shapely.segmentize(shapely.box(west, south, east, north), 1.0)
        self.meridian = (west + east) / 2
        corners = shapely.get_coordinates(outline)[:, ::-1]
        xy = sphere.to_plane(corners, self.origin)
        poles = sphere.to_plane([[90.0, 0.0], [-90.0, 0.0]], self.origin)
        low, high = xy.min(axis=0), xy.max(axis=0)
        # Round a pole, or over most of the Earth, straight lines of the plane fold on the map.
        self.cylinder = bool(
            ((poles >= low) & (poles <= high)).all(axis=1).any() or np.abs(xy).max() > _FAR_KM
        )
        if self.cylinder:
            xy = sphere.to_cylinder(corners)
            low, high = xy.min(axis=0), xy.max(axis=0)
        self.box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    def to_plane(self, latlon: FloatArray) -> FloatArray:
        """Degrees, latitude first, (n, 2) → km (n, 2)."""
        if not self.cylinder:
            return sphere.to_plane(latlon, self.origin)
        lon = self.meridian + sphere.wrap_longitude(latlon[:, 1] - self.meridian)
        return sphere.to_cylinder(np.column_stack([latlon[:, 0], lon]))

    def to_lonlat(self, xy: FloatArray) -> FloatArray:
        """The inverse, longitude first and without a jump at the antimeridian."""
        if self.cylinder:
            return sphere.from_cylinder(xy)[:, ::-1]
        latlon = sphere.from_plane(xy, self.origin)
        lon = self.origin[1] + sphere.wrap_longitude(latlon[:, 1] - self.origin[1])
        return np.column_stack([lon, latlon[:, 0]])


def _unwrapped_shape(polygon: Any, lon: float) -> Any:
    """The shape with every part on the turn that brings it nearest to ``lon``."""
    import shapely

    parts = shapely.get_parts(polygon)
    bounds = shapely.bounds(parts)
    turns = np.round((lon - (bounds[:, 0] + bounds[:, 2]) / 2) / 360.0) * 360.0
    if not turns.any():
        return polygon
    moved = [
        shapely.transform(part, lambda xy, turn=turn: xy + np.array([turn, 0.0]))
        for part, turn in zip(parts, turns, strict=True)
    ]
    return areas_only(shapely.union_all(moved))


def split(
    piece: Piece,
    points: FloatArray,
    rounds: tuple[Round, ...],
    min_photos: int,
    *,
    halve: bool = False,
) -> list[Piece] | str:
    """Cut a cell by the first round that finds clusters to cut by.

    Args:
        piece: the cell.
        points: (n, 2) places of all photos.
        rounds: OPTICS settings, tried in order.
        min_photos: no piece has fewer.
        halve: cut in two what has no clusters.

    Returns:
        Two pieces or more, or why there are none.
    """
    own = points[piece.rows]
    if (own == own[0]).all():
        return "all photos at one place"
    plane = Plane(piece.polygon, own)
    # Along the Hilbert curve every k-th photo is a fair sample, the same one on every machine.
    order = np.argsort(s2.cell_ids(own), kind="stable")
    sample = order[:: -(-len(order) // SAMPLE)]
    share = len(sample) / len(own)
    xy = plane.to_plane(own)
    # Distances are true near the middle of this plane, whichever one the cell is cut in.
    near = sphere.to_plane(own[sample], plane.origin)
    places, site_of = _sites(own[sample])
    sites = plane.to_plane(places)
    for each in rounds:
        labels = clusters(
            near,
            max(2, round(each.min_samples * share)),
            each.xi,
            max(2, round(min_photos * share)),
        )
        kept, rows_label = _enough(_majority(labels, site_of, len(sites)), sites, xy, min_photos)
        if kept is not None:
            return _cut(piece, plane, sites, kept, rows_label)
    if halve:
        kept, rows_label = _enough(_halves(sites, xy), sites, xy, min_photos)
        if kept is not None:
            return _cut(piece, plane, sites, kept, rows_label)
    return "no clusters of enough photos"


def _sites(latlon: FloatArray) -> tuple[FloatArray, IntArray]:
    """Photos gathered to at most ``SITES`` places, (m, 2), and the number of each one's place."""
    leaves = s2.cell_ids(latlon)
    for level in range(s2.MAX_LEVEL, -1, -1):
        cells, site_of = np.unique(s2.parent(leaves, level), return_inverse=True)
        if len(cells) <= SITES:
            break
    site_of = site_of.astype(np.int64)
    return sphere.group_means(latlon, site_of, len(cells)), site_of


def _majority(labels: IntArray, site_of: IntArray, n_sites: int) -> IntArray:
    """The label most photos of each site have."""
    votes = np.zeros((n_sites, labels.max() + 2), np.int64)
    np.add.at(votes, (site_of, labels + 1), 1)
    return np.asarray(votes.argmax(axis=1) - 1, np.int64)


def _halves(sites: FloatArray, xy: FloatArray) -> IntArray:
    """The sites on either side of the photos' median along their longer axis, 0 or 1."""
    middle = xy.mean(axis=0)
    axis = np.linalg.svd(np.cov((xy - middle).T))[0][:, 0]
    along = (xy - middle) @ axis
    return np.asarray((sites - middle) @ axis > np.median(along), np.int64)


def _enough(
    labels: IntArray, sites: FloatArray, xy: FloatArray, min_photos: int
) -> tuple[IntArray | None, IntArray]:
    """Labels of sites such that each has enough of all photos, or None; and those of the photos.

    Small clusters fall to the rest of the cell; a rest that is too small, to the nearest clusters.
    """
    from scipy.spatial import cKDTree

    nearest = np.asarray(cKDTree(sites).query(xy)[1], np.int64)
    own = labels[nearest]
    counts = np.bincount(own + 1, minlength=labels.max() + 2)
    small = np.flatnonzero(counts[1:] < min_photos)
    labels = np.where(np.isin(labels, small), -1, labels)
    rest = labels < 0
    if not rest.all() and np.isin(nearest, np.flatnonzero(rest)).sum() < min_photos:
        solid = np.flatnonzero(~rest)
        labels = labels.copy()
        labels[rest] = labels[solid[cKDTree(sites[solid]).query(sites[rest])[1]]]
    own = labels[nearest]
    return (labels if len(np.unique(own)) > 1 else None), own


def _cut(
    piece: Piece, plane: Plane, sites: FloatArray, labels: IntArray, rows_label: IntArray
) -> list[Piece] | str:
    """The pieces: one polygon a label, together the cell, without gaps or overlaps."""
    import shapely

    regions = _voronoi(sites, plane.box)
    if regions is None:
        return "no Voronoi cells around its photos"
    whole = np.ptp(np.reshape(plane.box, (2, 2)), axis=0).max()
    frame = shapely.box(*shapely.buffer(shapely.box(*plane.box), whole / 100).bounds)
    numbers = np.unique(labels)
    numbers = numbers[np.argsort(np.bincount(labels + 1)[numbers + 1], kind="stable")]
    left, pieces = plane.polygon, []
    for number in numbers:
        if number != numbers[-1]:
            # Straight in the plane is bent on the map: points between follow the bend.
            zone = shapely.intersection(_union(regions[labels == number]), frame)
            zone = shapely.segmentize(areas_only(zone), whole / 128)
            zone = shapely.make_valid(shapely.transform(zone, plane.to_lonlat))
            shape = areas_only(shapely.intersection(left, zone))
            left = areas_only(shapely.difference(left, zone))
        else:
            shape = left
        if shapely.is_empty(shape):
            return "its photos lie outside its border"
        rows = piece.rows[rows_label == number]
        pieces.append(Piece(areas_only(cut_at_antimeridian(shape)), rows))
    return pieces


def _union(regions: Any) -> Any:
    """The regions as one; where rounding makes them cross, to the nearest decimetre."""
    import shapely

    try:
        return shapely.union_all(regions)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapely.make_valid(regions), grid_size=1e-4)


def _voronoi(sites: FloatArray, box: tuple[float, float, float, float]) -> Any:
    """The Voronoi cell of each site, object (m,), reaching past ``box``; None if there is none."""
    import shapely

    low, high = np.array(box[:2]), np.array(box[2:])
    middle, reach = (low + high) / 2, 4 * max(float((high - low).max()), 1.0)
    # Four far sites close the outer cells, and spread sites that lie on one line.
    far = middle + reach * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1.01]])
    everything = shapely.multipoints(np.concatenate([sites, far]))
    try:
        cells = shapely.get_parts(shapely.voronoi_polygons(everything))
    except shapely.errors.GEOSException:
        return None
    site, cell = shapely.STRtree(cells).query(shapely.points(sites), predicate="intersects")
    found = np.empty(len(sites), dtype=object)
    found[site[::-1]] = cells[cell[::-1]]
    return None if shapely.is_missing(found).any() else found
