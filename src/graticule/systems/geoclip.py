"""GeoCLIP: a photo matched against a gallery of coordinates, encoded once and memory-mapped.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``, unit vectors), ``gallery.npy`` (float32 unit
vectors, one a cell), ``partitions/gallery.parquet``. Settings: ``logit_scale``; ``density``, the
power of the area each point stands for that its weight is multiplied by.

A softmax over a gallery is no probability of places: where the gallery is dense, one place has many
points. ``density`` 0 is the package's own order; calibration fits it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle
from graticule.systems.system import Pixels, Prediction, System


class GeoClip(System):
    """Photos against a gallery."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._encoder = OnnxGraph(bundle.file("encoder.onnx"))
        self._gallery = bundle.partition("gallery")
        self._vectors = load_vectors(bundle, len(self._gallery))
        settings = bundle.manifest.settings
        self._scale = float(settings["logit_scale"])
        self._log_area = float(settings.get("density", 0.0)) * np.log(self._gallery.areas_km2)

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode the photos and compare them with every point of the gallery."""
        embedding = self._encoder(pixels_0=pixels[0])["embedding"]
        logits = self.similarities(embedding) + self._log_area
        return Prediction({"gallery": Belief.from_logits(self._gallery, logits)}, embedding)

    def similarities(self, embedding: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scaled cosine of photos (n, d) with all points, float32 (n, points)."""
        if embedding.shape[1] != self._vectors.shape[1]:
            raise BundleError(
                f"{self.bundle.path}: photos have {embedding.shape[1]} numbers and the gallery "
                f"{self._vectors.shape[1]}; both must come from one model"
            )
        return np.asarray(self._scale * (embedding @ self._vectors.T), dtype=np.float32)


def load_vectors(bundle: Bundle, n: int) -> npt.NDArray[np.float32]:
    """The gallery's vectors, memory-mapped, checked against its points.

    Raises:
        BundleError: there are more or fewer than points, or they are not numbers.
    """
    file = bundle.file("gallery.npy")
    try:
        vectors: npt.NDArray[np.float32] = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise BundleError(f"{file}: not an array of numbers ({error})") from error
    if vectors.ndim != 2 or len(vectors) != n or vectors.dtype != np.float32:
        raise BundleError(f"{file}: {vectors.dtype} {vectors.shape} for a gallery of {n} points")
    return vectors
