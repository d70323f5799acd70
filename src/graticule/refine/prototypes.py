"""From likely cells to coordinates: prototypes of each cell (PIGEON, S2), and plainer ways.

A cell's photos are clustered by place; a cluster's prototype is the mean of its vectors. Among the
prototypes of the likeliest cells the one with the largest p(cell) · exp(−distance / T) wins, and
the answer is where its photo with the nearest vector was taken (Haas et al. 2023, T = 1.6).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray
from graticule.errors import GraticuleError
from graticule.refine import tensors
from graticule.refine.offset import Offsets

Float32Array = npt.NDArray[np.float32]

How = Literal["prototypes", "nearest", "weighted", "offset", "mean"]
HOWS: tuple[str, ...] = get_args(How)
#: PIGEON's temperature of the distance, and how far a point may be moved.
TEMPERATURE = 1.6
LIMIT_KM = 1000.0
#: "weighted" takes the mean over photos so near to the most similar one.
NEAR_KM = 50.0


@dataclass(frozen=True)
class Prototypes:
    """Prototypes and photos of all cells, in the order of the cells.

    Attributes:
        vectors: float32 (m, d), of the prototypes.
        cells: int64 (m,), the cell of each, ascending.
        photo_vectors: float16 (k, d), in the order of their prototypes.
        photo_places: float64 (k, 2).
        photo_prototypes: int64 (k,), ascending.
    """

    vectors: Float32Array
    cells: IntArray
    photo_vectors: npt.NDArray[np.float16]
    photo_places: FloatArray
    photo_prototypes: IntArray

    @cached_property
    def _photos(self) -> IntArray:
        """Where each prototype's photos begin, and the last one's end, (m + 1,)."""
        return np.searchsorted(self.photo_prototypes, np.arange(len(self.cells) + 1))

    def of_cell(self, cell: int) -> tuple[int, int]:
        """First and one past the last of a cell's prototypes; equal where it has none."""
        first, end = np.searchsorted(self.cells, [cell, cell + 1])
        return int(first), int(end)

    def save(self, path: str | Path) -> None:
        """Write ``prototypes.safetensors``, whole or not at all."""
        tensors.write(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> Prototypes:
        """Read what :meth:`save` wrote.

        Raises:
            BundleError: it is no such file.
        """
        names = [field.name for field in fields(cls)]
        return cls(**tensors.read(path, names, "prototypes"))


def build(
    vectors: npt.ArrayLike,
    places: npt.ArrayLike,
    cells: IntArray,
    *,
    min_samples: int = 5,
    xi: float = 0.05,
) -> Prototypes:
    """Cluster each cell's photos by place and take the mean vector of each cluster.

    What OPTICS calls noise joins the nearest cluster; a cell without clusters is one.

    Args:
        vectors: (n, d); photos with NaN in theirs are left out.
        places: (n, 2) degrees.
        cells: int64 (n,); photos of cell −1 are left out.
        min_samples: of OPTICS, and the fewest photos of a cluster; 2 or more.
        xi: of OPTICS.

    Raises:
        GraticuleError: ``min_samples`` below 2.
        MissingExtraError: scikit-learn is not installed.
    """
    if min_samples < 2:
        raise GraticuleError(f"prototypes: min_samples {min_samples}: OPTICS needs 2 or more")
    seen = np.asarray(vectors, dtype=np.float32)
    points = sphere.as_latlon(places)
    sound = np.flatnonzero((cells >= 0) & np.isfinite(seen).all(axis=1))
    order = sound[np.argsort(cells[sound], kind="stable")]
    own = cells[order]
    cluster = np.empty(len(order), np.int64)
    first = 0
    owners: list[int] = []
    for cell in np.unique(own).tolist():
        here = slice(*np.searchsorted(own, [cell, cell + 1]))
        found = _clusters(points[order[here]], min_samples, xi)
        cluster[here] = first + found
        first += int(found.max()) + 1
        owners += [cell] * (int(found.max()) + 1)
    by_cluster = np.argsort(cluster, kind="stable")
    order, cluster = order[by_cluster], cluster[by_cluster]
    means = np.zeros((first, seen.shape[1]))
    np.add.at(means, cluster, seen[order].astype(np.float64))
    counts = np.bincount(cluster, minlength=first)[:, None]
    return Prototypes(
        (means / np.maximum(counts, 1)).astype(np.float32),
        np.array(owners, dtype=np.int64),
        seen[order].astype(np.float16),
        points[order],
        cluster,
    )


def _clusters(points: FloatArray, min_samples: int, xi: float) -> IntArray:
    """Clusters of one cell's places, 0 … without gaps and without noise."""
    from graticule.cells.semantic.optics import clusters

    if (points == points[0]).all():
        return np.zeros(len(points), np.int64)
    xy = sphere.to_plane(points, sphere.mean(points))
    found = clusters(xy, min_samples, xi, min_samples)
    kept, inside = np.unique(found[found >= 0], return_inverse=True)
    if not len(kept):
        return np.zeros(len(points), np.int64)
    label = np.full(len(points), -1, np.int64)
    label[found >= 0] = inside
    middles = np.array([xy[label == i].mean(axis=0) for i in range(len(kept))])
    noise = np.flatnonzero(label < 0)
    label[noise] = np.linalg.norm(xy[noise, None] - middles, axis=2).argmin(axis=1)
    return label


@dataclass(frozen=True)
class Refiner:
    """Picks a point inside the likeliest cells.

    Attributes:
        prototypes: of the cells; not needed by ``mean``.
        centers: (cells, 2), where a point lies that nothing moves.
        how: ``prototypes``; ``nearest``: where the photo with the nearest vector in any of the
            cells was taken; ``weighted``: the mean of the photos near that one, by similarity;
            ``offset``: the likeliest cell's place, moved by a learned offset;
            ``mean``: the likeliest cell's own place.
        temperature: T, in the vectors' own unit.
        limit_km: a point further than this from the likeliest cell's place is not taken.
        offsets: of the cells, needed by ``offset``.
    """

    prototypes: Prototypes | None
    centers: FloatArray
    how: str = "prototypes"
    temperature: float = TEMPERATURE
    limit_km: float = LIMIT_KM
    offsets: Offsets | None = None

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise GraticuleError(f"refine.how {self.how!r}: one of {', '.join(HOWS)}")
        if self.temperature <= 0 or self.limit_km < 0:
            raise GraticuleError("refine: temperature must be above 0, limit_km not below")

    def points(self, cells: IntArray, p: FloatArray, vectors: npt.ArrayLike) -> FloatArray:
        """The point of each photo, degrees (n, 2).

        Args:
            cells: int64 (n, k), the likeliest cells.
            p: (n, k), their probabilities; a cell of nought takes no part.
            vectors: (n, d), of the photos.

        Raises:
            GraticuleError: the vectors are of another encoder.
        """
        best = cells[np.arange(len(cells)), p.argmax(axis=1)]
        start: FloatArray = self.centers[best].astype(np.float64)
        seen = np.asarray(vectors, dtype=np.float32)
        if self.how == "offset" and self.offsets is not None:
            return self._limited(start, self.offsets.points(self.centers, best, seen))
        stored = self.prototypes
        if self.how in {"mean", "offset"} or stored is None or not len(stored.cells):
            return start
        if seen.shape[1] != stored.vectors.shape[1]:
            raise GraticuleError(
                f"vectors of length {seen.shape[1]}, the prototypes' have "
                f"{stored.vectors.shape[1]}: they are of another encoder"
            )
        moved = start.copy()
        for row in range(len(seen)):
            wanted = [(int(c), float(q)) for c, q in zip(cells[row], p[row], strict=True) if q > 0]
            found = self._point(stored, wanted, seen[row])
            if found is not None:
                moved[row] = found
        return self._limited(start, moved)

    def _limited(self, start: FloatArray, moved: FloatArray) -> FloatArray:
        far = sphere.haversine(start, moved) > self.limit_km
        return np.asarray(np.where(far[:, None], start, moved))

    def _point(
        self, stored: Prototypes, wanted: list[tuple[int, float]], vector: Float32Array
    ) -> FloatArray | None:
        """The point of one photo, None where no cell has a prototype."""
        spans = [(*stored.of_cell(cell), np.log(p)) for cell, p in wanted]
        spans = [span for span in spans if span[1] > span[0]]
        if not spans:
            return None
        if self.how == "prototypes":
            numbers = np.concatenate([np.arange(a, b) for a, b, _ in spans])
            prior = np.concatenate([np.full(b - a, log_p) for a, b, log_p in spans])
            away = np.linalg.norm(stored.vectors[numbers] - vector, axis=1)
            best = int(numbers[(prior - away / self.temperature).argmax()])
            spans = [(best, best + 1, 0.0)]
        ends = stored._photos
        photos = np.concatenate([np.arange(ends[a], ends[b]) for a, b, _ in spans])
        away = np.linalg.norm(stored.photo_vectors[photos].astype(np.float32) - vector, axis=1)
        nearest = int(away.argmin())
        places = stored.photo_places[photos]
        if self.how != "weighted":
            return np.asarray(places[nearest])
        near = sphere.haversine(places[nearest], places) <= NEAR_KM
        weight = np.exp(-(away[near] - away[nearest]) / self.temperature)
        return np.asarray(sphere.mean(places[near], weight))
