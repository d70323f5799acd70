"""The interface of every system: crops of photos in, beliefs over its partitions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, Labels
from graticule.cells.partition import Partition
from graticule.refine.hypotheses import Hypotheses, Picked

if TYPE_CHECKING:
    from PIL.Image import Image

    from graticule.calibration import Calibration
    from graticule.photos.photo import Photo, Source
    from graticule.photos.preprocess import Preprocess
    from graticule.systems.bundle import Bundle
    from graticule.systems.plan import Rows

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """What a system says about n photos, before priors, calibration and decoding.

    Attributes:
        beliefs: by task ("countries", "regions", "cities", "fine" …), each over its partition.
        embedding: float32 (n, d), for nearest photos, prototypes and novelty.
        scenes: belief over scene names, or None.
        labels: beliefs over other outcomes (climate, road side …).
        spoke: for routed systems, which part answered for each photo.
        points: degrees (n, 2) where the system picks its points itself; else the decoder does.
        hypotheses: the places that they were chosen among, or None.
    """

    beliefs: Mapping[str, Belief[Partition]]
    embedding: npt.NDArray[np.float32]
    scenes: Belief[Labels] | None = None
    labels: Mapping[str, Belief[Labels]] = field(default_factory=dict)
    spoke: tuple[str, ...] | None = None
    points: npt.NDArray[np.float64] | None = None
    hypotheses: Hypotheses | None = None


class System(ABC):
    """Encoder + partitions + heads + decoding, loaded from a bundle; runs ONNX and numpy only.

    Attributes:
        bundle: the folder it was loaded from, with its partitions, calibration and card.
        inputs: how photos are cropped, one for each encoder; the pipeline makes one uint8 array
            (n, size, size, 3) RGB for each. Normalisation is inside the ONNX graphs.
        point_task: the belief that the point is decoded from; "" for one that tells no places.
        gallery_key: of the user's gallery that takes the place of the bundle's cells, or None.
        finest: whether points may be finer than a city, because the user gave them.
        notes: what a user should know of how it runs, a line each.
    """

    inputs: tuple[Preprocess, ...]
    point_task: str
    gallery_key: str | None = None
    finest: bool = False
    notes: tuple[str, ...] = ()

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @abstractmethod
    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Beliefs for a batch: one uint8 array (n, size, size, 3) for each of ``inputs``."""

    def pick(self, belief: Belief[Partition], embedding: npt.NDArray[np.float32]) -> Picked:
        """Where photos were taken, once a user's evidence has changed what the system believes.

        A system with points of its own picks them here as :meth:`predict` does.

        Args:
            belief: over the cells of ``point_task``, with the evidence in it.
            embedding: of the photos, as :meth:`predict` gave it.
        """
        return Picked()

    def report(
        self, rows: Rows, batches: Iterable[tuple[npt.NDArray[np.int64], Sequence[Pixels]]]
    ) -> tuple[dict[str, Any], str] | None:
        """The tables that this system's training reports, for other photos.

        Args:
            rows: the photos and what is known of them.
            batches: numbers (n,) of rows, and what :meth:`predict` takes of their photos; rows that
                cannot be read are in none. Read only by a system that has tables of its own.

        Returns:
            The tables as numbers and as Markdown; None for a system that has none, or where nothing
            it tells is known of the photos.
        """
        return None

    def open(self, source: Source, name: str | None = None) -> Photo:
        """A photo decoded as finely as the largest of ``inputs`` wants, and no finer.

        Everything that runs a system opens photos here, so that all of it sees the same pixels.

        Raises:
            PhotoError: one line saying what is wrong with it.
        """
        from graticule.photos.photo import open_photo

        return open_photo(source, name, draft=2 * max(p.size for p in self.inputs))

    def crops(self, image: Image) -> list[Pixels]:
        """What each encoder sees of an upright RGB image: one array for each of ``inputs``."""
        return [preprocess(image) for preprocess in self.inputs]

    @cached_property
    def calibration(self) -> Calibration:
        """What the bundle was calibrated to; the defaults where it was not.

        Beside another gallery than the one it was fitted with, what is left of it.
        """
        from graticule.calibration import Calibration

        if not self.bundle.has("calibration.json"):
            return Calibration()
        fitted = Calibration.load(self.bundle.file("calibration.json"))
        return fitted.beside(self.gallery_key)

    @cached_property
    def partitions(self) -> Mapping[str, Partition]:
        """The bundle's partitions, by the task whose belief is over each."""
        names = (Path(name) for name in self.bundle.manifest.files)
        tasks = (name.stem for name in names if name.parent.name == "partitions")
        return {task: self.bundle.partition(task) for task in tasks}
