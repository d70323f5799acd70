"""How unlike the photos a model was calibrated on a photo is, from the encoder's vector alone.

A Mahalanobis distance in the few directions the known photos spread in, and the length that they
do not explain (Lee et al., "A simple unified framework for detecting out-of-distribution samples",
NeurIPS 2018; Wang et al., "ViM", CVPR 2022). Some hundred kilobytes beside a bundle.
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
        unit = _unit(vectors)
        if len(unit) < 10:
            raise GraticuleError(f"novelty needs ten photos, got {len(unit)}")
        middle = unit.mean(axis=0)
        centred = unit - middle
        k = max(1, min(_DIRECTIONS, centred.shape[1] - 1, len(unit) // _PHOTOS_EACH))
        values, axes = np.linalg.eigh(centred.T @ centred / len(unit))
        kept = axes[:, ::-1][:, :k]
        spread = np.sqrt(np.maximum(values[::-1][:k], 1e-12))
        rest = float(np.sqrt(max(float(values[::-1][k:].sum()), 1e-12)))
        return cls(
            middle.astype(np.float32), kept.astype(np.float32), spread.astype(np.float32), rest
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
        centred = _unit(vectors, keep=True) - self.middle
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


def _unit(vectors: npt.NDArray[np.floating], *, keep: bool = False) -> FloatArray:
    values = np.asarray(vectors, dtype=np.float64)
    if not keep:
        values = values[np.isfinite(values).all(axis=1)]
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))
