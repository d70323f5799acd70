"""Any system with places of the user's own beside what it was trained for (``graticule teach``).

A taught place becomes one more cell of the partition that points are decoded from: it takes its
probability from the model's cells, and the answer names it as it names them. What the model says of
countries and other cells moves along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.belief import FLOOR, Belief
from graticule.calibration import Calibration, log_areas, pick_points
from graticule.cells.partition import Partition
from graticule.cells.taught import with_places
from graticule.refine.hypotheses import Picked
from graticule.refine.taught import Taught
from graticule.systems.system import Pixels, Prediction, System

if TYPE_CHECKING:
    from PIL.Image import Image

    from graticule.photos.photo import Photo, Source
    from graticule.systems.bundle import Bundle

FloatArray = npt.NDArray[np.float64]

#: What the file of taught places begins with; the rest is of its content.
FILE = "taught-"


def taught_file(bundle: Bundle) -> str | None:
    """The name of the file of a bundle's taught places, None where it has none."""
    return next((name for name in bundle.manifest.files if name.startswith(FILE)), None)


class TaughtSystem(System):
    """Another system, and places it was taught.

    Attributes:
        inner: the other system.
        taught: the places.
    """

    def __init__(self, inner: System, taught: Taught) -> None:
        super().__init__(inner.bundle)
        self.inner, self.taught = inner, taught
        self.inputs, self.point_task = inner.inputs, inner.point_task
        self.gallery_key, self.finest, self.notes = inner.gallery_key, inner.finest, inner.notes
        places = taught.places
        self._cells = with_places(
            inner.partitions[inner.point_task],
            [place.name for place in places],
            taught.latlon,
            [place.radius_km for place in places],
            [len(place.photos) for place in places],
        )

    def open(self, source: Source, name: str | None = None) -> Photo:
        """As the other system opens it."""
        return self.inner.open(source, name)

    def crops(self, image: Image) -> list[Pixels]:
        """As the other system crops it."""
        return self.inner.crops(image)

    @cached_property
    def partitions(self) -> Mapping[str, Partition]:
        """The other system's, the taught places behind the cells of its point."""
        return dict(self.inner.partitions) | {self.point_task: self._cells}

    @cached_property
    def calibration(self) -> Calibration:
        """The other system's, which knows the taught places to be rare."""
        own = self.inner.calibration
        prior = own.prior.get(self.point_task)
        if prior is None or len(prior) != len(self._cells.base or ()):
            return own
        share = np.array([max(place.share, 1e-6) for place in self.taught.places])
        whole = np.concatenate([np.array(prior) * (1 - share.sum()), share])
        return own.model_copy(update={"prior": own.prior | {self.point_task: whole.tolist()}})

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """What the other system says, with the probability of the taught places moved to them."""
        said = self.inner.predict(pixels)
        share = self.taught.shares(said.embedding)
        beliefs = {
            task: self._extended(task, belief, share)
            if task == self.point_task
            else self._moved(task, belief, share)
            for task, belief in said.beliefs.items()
        }
        own = Picked(said.points, said.hypotheses)
        picked = self._picked(beliefs[self.point_task], own)
        return replace(said, beliefs=beliefs, points=picked.points, hypotheses=picked.hypotheses)

    def pick(self, belief: Belief[Partition], embedding: npt.NDArray[np.float32]) -> Picked:
        """As the other system picks it from its own cells, or the taught place that wins."""
        cells = self.inner.partitions[self.point_task]
        own = Belief.from_logits(cells, belief.log_p[:, : len(cells)])
        return self._picked(belief, self.inner.pick(own, embedding))

    def _extended(
        self, task: str, belief: Belief[Partition], share: FloatArray
    ) -> Belief[Partition]:
        own = self.inner.calibration.temper(task, belief).log_p.astype(np.float64)
        with np.errstate(divide="ignore"):
            rest = np.log(np.maximum(1 - share.sum(axis=1, keepdims=True), 1e-12))
            whole = np.concatenate([own + rest, np.maximum(np.log(share), float(FLOOR))], axis=1)
        return self._raised(task, self._cells, whole)

    def _moved(self, task: str, belief: Belief[Partition], share: FloatArray) -> Belief[Partition]:
        """The shares of the places that lie in a cell of another task, given to it."""
        cells = belief.over.assign(self.taught.latlon)
        inside = cells >= 0
        own = self.inner.calibration.temper(task, belief).p.astype(np.float64)
        mixed = own * (1 - share[:, inside].sum(axis=1, keepdims=True))
        np.add.at(mixed.T, cells[inside], share[:, inside].T)
        with np.errstate(divide="ignore"):
            return self._raised(task, belief.over, np.maximum(np.log(mixed), float(FLOOR)))

    def _raised(self, task: str, cells: Partition, log_p: FloatArray) -> Belief[Partition]:
        """Log-probabilities as the calibration's temperature and density will leave them."""
        fitted = self.inner.calibration
        density = fitted.density.get(task, 0.0)
        if density:
            log_p = log_p - density * log_areas(cells)
        return Belief.from_logits(cells, log_p, 1 / fitted.temperatures.get(task, 1.0))

    def _picked(self, belief: Belief[Partition], own: Picked) -> Picked:
        """The taught place where it is the likeliest cell, else the other system's point."""
        fitted = self.inner.calibration
        tempered = fitted.temper(self.point_task, belief)
        best = tempered.log_p.argmax(axis=1)
        won = best >= self._cells.places.start
        if not won.any():
            return own
        points = pick_points(tempered, fitted.point_km) if own.points is None else own.points
        points = np.where(won[:, None], self._cells.centers[best], points)
        others = own.hypotheses
        return Picked(points, None if others is None else others.led(won, best, points))
