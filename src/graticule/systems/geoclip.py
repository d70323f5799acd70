"""GeoCLIP: a photo matched against a gallery of coordinates, encoded once and memory-mapped.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``, unit vectors), ``gallery.npy`` (float32 unit
vectors, one a cell), ``partitions/gallery.parquet``; with ``location.onnx`` (``latlon`` →
``embedding``) a gallery of the user's can take its place. Settings: ``logit_scale``.

A softmax over a gallery is no probability of places: where the gallery is dense, one place has many
points. As it stands it is the package's own order; calibration weighs each point by a power of the
area that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.systems import own_gallery
from graticule.systems.bundle import Bundle
from graticule.systems.own_gallery import OwnGallery
from graticule.systems.system import Pixels, Prediction, System

if TYPE_CHECKING:
    from graticule.photos.photo import Photo, Source


class GeoClip(System):
    """Photos against a gallery.

    Attributes:
        own: the user's gallery that takes the bundle's place, or None.
    """

    def __init__(self, bundle: Bundle, gallery: str | Path | None = None) -> None:
        """Load a bundle.

        Args:
            bundle: as described above.
            gallery: points of the user's in place of its own; encoded now where they are new.

        Raises:
            BundleError: the bundle is broken, or takes no other gallery.
            PartitionError: the gallery's file is none.
        """
        super().__init__(bundle)
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        own = None if gallery is None else own_gallery.open_gallery(gallery, bundle)
        self.own, self._gallery, self._vectors = own, *_points_of(bundle, own)
        if own is not None:
            self.gallery_key, self.notes = own.key, own.notes
        self.finest = own is not None
        self._scale = float(bundle.manifest.settings["logit_scale"])
        self._encoder = OnnxGraph(bundle.file("encoder.onnx"))

    @cached_property
    def partitions(self) -> Mapping[str, Partition]:
        """The gallery in use."""
        return {"gallery": self._gallery}

    def open(self, source: Source, name: str | None = None) -> Photo:
        """A photo decoded in full, as the package does: a coarser decoding moves its answers."""
        from graticule.photos.photo import open_photo

        return open_photo(source, name, draft=0)

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode the photos and compare them with every point of the gallery."""
        # One at a time: one photo fills the cores already, and of several the layers' values no
        # longer fit the cache (a sixth slower at eight).
        parts = [self._encoder(pixels_0=one[None])["embedding"] for one in pixels[0]]
        embedding = np.concatenate(parts)
        logits = self.similarities(embedding)
        return Prediction({"gallery": Belief.from_logits(self._gallery, logits)}, embedding)

    def similarities(self, embedding: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scaled cosine of photos (n, d) with all points, float32 (n, points).

        Of an own gallery that is searched by FAISS, −inf for the points it does not find.
        """
        if embedding.shape[1] != self._vectors.shape[1]:
            raise BundleError(
                f"{self.bundle.path}: photos have {embedding.shape[1]} numbers and the gallery "
                f"{self._vectors.shape[1]}; both must come from one model"
            )
        if self.own is not None and self.own.search is not None:
            cosine = own_gallery.narrowed(embedding, self.own)
        else:
            cosine = own_gallery.compared(embedding, self._vectors)
        return np.asarray(self._scale * cosine, dtype=np.float32)


def _points_of(
    bundle: Bundle, own: OwnGallery | None
) -> tuple[Partition, npt.NDArray[np.floating[Any]]]:
    if own is not None:
        return own.partition, own.vectors
    points = bundle.partition("gallery")
    return points, load_vectors(bundle, len(points))


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
