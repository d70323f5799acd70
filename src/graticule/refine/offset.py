"""Classify, then shift: each cell's place moved by what the picture says (a learned offset).

Ridge regression of the offsets of photos from their cell, km east and north, on their vectors;
a cell at a time, since the same look means another direction elsewhere (the hybrid of OSV-5M,
Astruc et al. 2024, which learns it as a layer of the network). How strongly it is held back is
chosen by the error that each photo has when it is left out; where no strength helps, nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.refine import tensors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Ridges tried, in units of a cell's mean squared length of a vector about its mean.
RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
#: Fewest photos of a cell that moves.
FEWEST = 5


@dataclass(frozen=True)
class Offsets:
    """A linear map a cell.

    Attributes:
        means: float32 (cells, d), the mean vector of each cell.
        weights: float32 (cells, d, 2), km east and north by a vector about its mean.
        shifts: float32 (cells, 2), km from the cell's place to the mean of its photos.
        reach_km: float32 (cells,), of the photo furthest from the cell's place: none moves further.
        ridge: that was chosen, inf where nothing moves.
    """

    means: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    shifts: npt.NDArray[np.float32]
    reach_km: npt.NDArray[np.float32]
    ridge: float

    def points(
        self, centers: FloatArray, cells: IntArray, vectors: npt.NDArray[np.float32]
    ) -> FloatArray:
        """The moved place of each photo, degrees (n, 2).

        Args:
            centers: (cells, 2) places of the cells.
            cells: (n,) of the photos.
            vectors: (n, d); a row of NaN does not move.

        Raises:
            GraticuleError: the vectors are of another encoder.
        """
        if vectors.shape[1] != self.means.shape[1]:
            raise GraticuleError(
                f"vectors of length {vectors.shape[1]}, the offsets' have {self.means.shape[1]}: "
                "they are of another encoder"
            )
        about = vectors - self.means[cells]
        km = self.shifts[cells] + np.einsum("nd,ndk->nk", about, self.weights[cells])
        km = np.nan_to_num(km).astype(np.float64)
        length = np.linalg.norm(km, axis=1)
        held = np.minimum(length, self.reach_km[cells])
        bearing = np.degrees(np.arctan2(km[:, 0], km[:, 1]))
        return np.asarray(sphere.offset(centers[cells], bearing, held))

    def save(self, path: str | Path) -> None:
        """Write ``offsets.safetensors``, whole or not at all."""
        held = {field.name: np.atleast_1d(getattr(self, field.name)) for field in fields(self)}
        tensors.write(path, held)

    @classmethod
    def load(cls, path: str | Path) -> Offsets:
        """Read what :meth:`save` wrote.

        Raises:
            BundleError: it is no such file.
        """
        names = [field.name for field in fields(cls)]
        found: dict[str, Any] = tensors.read(path, names, "offsets")
        return cls(**(found | {"ridge": float(found["ridge"][0])}))


def fit(
    vectors: npt.ArrayLike, places: npt.ArrayLike, cells: IntArray, centers: FloatArray
) -> Offsets:
    """Learn the offsets of photos from their cells' places.

    Args:
        vectors: (n, d); photos with NaN in theirs are left out.
        places: (n, 2) degrees.
        cells: int64 (n,); photos of cell −1 are left out.
        centers: (cells, 2) degrees.
    """
    seen = np.asarray(vectors, dtype=np.float64)
    points = sphere.as_latlon(places)
    sound = np.flatnonzero((cells >= 0) & np.isfinite(seen).all(axis=1))
    width = seen.shape[1]
    made = Offsets(
        np.zeros((len(centers), width), np.float32),
        np.zeros((len(centers), width, 2), np.float32),
        np.zeros((len(centers), 2), np.float32),
        np.zeros(len(centers), np.float32),
        np.inf,
    )
    errors = np.zeros(len(RIDGES) + 1)  # the last: the cell's mean alone
    owners: list[tuple[int, IntArray, FloatArray]] = []
    for cell in np.unique(cells[sound]).tolist():
        rows = sound[cells[sound] == cell]
        if len(rows) < FEWEST:
            continue
        km = sphere.to_plane(points[rows], centers[cell])
        made.means[cell] = seen[rows].mean(axis=0)
        made.shifts[cell] = km.mean(axis=0)
        made.reach_km[cell] = np.linalg.norm(km, axis=1).max()
        owners.append((cell, rows, km))
        errors += _left_out(seen[rows], km)
    best = int(errors.argmin())
    if best == len(RIDGES):
        return made
    for cell, rows, km in owners:
        about = seen[rows] - seen[rows].mean(axis=0)
        gram = about @ about.T
        held = gram + RIDGES[best] * _scale(gram) * np.eye(len(rows))
        made.weights[cell] = about.T @ np.linalg.solve(held, km - km.mean(axis=0))
    return Offsets(made.means, made.weights, made.shifts, made.reach_km, RIDGES[best])


def _left_out(seen: FloatArray, km: FloatArray) -> FloatArray:
    """Squared error of each photo when it is left out, by ridge and for the mean alone."""
    about, goal = seen - seen.mean(axis=0), km - km.mean(axis=0)
    values, axes = np.linalg.eigh(about @ about.T)
    values = np.maximum(values, 0.0)
    turned = axes.T @ goal
    n = len(seen)
    out = []
    for ridge in RIDGES:
        share = values / (values + ridge * max(values.sum() / n, 1e-12))
        # The mean is fitted too: it takes 1/n of every photo.
        own = (axes**2 * share).sum(axis=1) + 1 / n
        rest = goal - axes @ (share[:, None] * turned)
        out.append(((rest / np.maximum(1 - own, 1e-6)[:, None]) ** 2).sum())
    out.append(((goal / (1 - 1 / n)) ** 2).sum())
    return np.array(out)


def _scale(gram: FloatArray) -> float:
    return max(float(np.trace(gram)) / len(gram), 1e-12)
