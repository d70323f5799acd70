"""How unlike the photos a model was calibrated on a photo is, from the encoder's vector alone.

A Mahalanobis distance in the few directions the known photos spread in, and the length that they
do not explain (Lee et al., "A simple unified framework for detecting out-of-distribution samples",
NeurIPS 2018; Wang et al., "ViM", CVPR 2022). Beside a bundle it takes 65 numbers for each of the
vector: half a megabyte for 2,048, six for the 25,088 of a flattened VGG16.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import BundleError, GraticuleError

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

#: What the file of a bundle is called.
FILE = "novelty.npz"
#: Directions kept, and photos needed for each.
_DIRECTIONS, _PHOTOS_EACH = 64, 5
#: Vectors longer than this are told from so many photos at most: all directions of 25,088 numbers
#: would be a matrix of 5 GB, and those of a thousand photos hold the 64 that are kept.
_WIDE, _ENOUGH = 2048, 1024
#: Numbers that are scored at a time: 128 MB of float64.
_CHUNK = 2**24


@dataclass(frozen=True)
class Novelty:
    """The known photos, summed up.

    Attributes:
        middle: float32 (d,), their mean.
        axes: float32 (d, k), the directions they spread in, of unit length.
        spread: float32 (k,), their standard deviation along each.
        rest: root mean square of what the directions leave out.
    """

    middle: Float32Array
    axes: Float32Array
    spread: Float32Array
    rest: float

    @classmethod
    def fit(cls, vectors: npt.NDArray[np.floating]) -> Novelty:
        """From the vectors of known photos (n, d); rows that are not finite are left out.

        Raises:
            GraticuleError: fewer than ten.
        """
        unit = _unit(_sample(vectors))
        if len(unit) < 10:
            raise GraticuleError(f"novelty needs ten photos, got {len(unit)}")
        middle = unit.mean(axis=0)
        centred = unit - middle
        k = max(1, min(_DIRECTIONS, centred.shape[1] - 1, len(unit) // _PHOTOS_EACH))
        values, axes = _directions(centred, k)
        spread = np.sqrt(np.maximum(values[:k], 1e-12))
        rest = float(np.sqrt(max(float(values[k:].sum()), 1e-12)))
        return cls(
            middle.astype(np.float32), axes.astype(np.float32), spread.astype(np.float32), rest
        )

    def score(self, vectors: npt.NDArray[np.floating]) -> FloatArray:
        """How unlike each of ``vectors`` (n, d) is, (n,): about one for known photos.

        Raises:
            GraticuleError: vectors of another length.
        """
        if vectors.shape[1] != len(self.middle):
            raise GraticuleError(
                f"novelty was fitted on vectors of {len(self.middle)} numbers, these have "
                f"{vectors.shape[1]}"
            )
        rows = max(1, _CHUNK // vectors.shape[1])
        parts = [self._score(vectors[i : i + rows]) for i in range(0, len(vectors), rows)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _score(self, vectors: npt.NDArray[np.floating]) -> FloatArray:
        centred = _unit(vectors) - self.middle
        along = centred @ self.axes
        inside = ((along / self.spread) ** 2).mean(axis=1)
        outside = np.maximum((centred**2).sum(axis=1) - (along**2).sum(axis=1), 0.0)
        return np.asarray(np.sqrt((inside + outside / self.rest**2) / 2), dtype=np.float64)

    def save(self, path: str | Path) -> None:
        """Write it."""
        with files.atomic_path(Path(path)) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle,
                middle=self.middle,
                axes=self.axes,
                spread=self.spread,
                rest=np.float64(self.rest),
            )

    @classmethod
    def load(cls, path: str | Path) -> Novelty:
        """Read it.

        Raises:
            BundleError: it is not one.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                whole = {name: np.asarray(found[name], np.float32) for name in found.files}
            return cls(whole["middle"], whole["axes"], whole["spread"], float(whole["rest"]))
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{path}: not a novelty file ({error})") from error


def _sample(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Rows that are finite; of long vectors :data:`_ENOUGH` at most, evenly from all of them."""
    sound = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if vectors.shape[1] > _WIDE and len(sound) > _ENOUGH:
        sound = sound[np.linspace(0, len(sound) - 1, _ENOUGH).astype(np.int64)]
    return vectors[sound]


def _directions(centred: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Variance along every direction that (n, d) photos spread in, falling, and the first k axes.

    Where there are fewer photos than numbers, their products with one another (n, n) have the
    variances of the covariance (d, d), and its axes are sums of the photos.
    """
    n, d = centred.shape
    if n >= d:
        values, axes = np.linalg.eigh(centred.T @ centred / n)
        return values[::-1], axes[:, ::-1][:, :k]
    values, shares = np.linalg.eigh(centred @ centred.T / n)
    # QR gives unit length, and axes also where photos are so alike that a variance is nought.
    axes, _ = np.linalg.qr(centred.T @ shares[:, ::-1][:, :k])
    return values[::-1], axes


def _unit(vectors: npt.NDArray[np.floating]) -> FloatArray:
    values = np.asarray(vectors, dtype=np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))
