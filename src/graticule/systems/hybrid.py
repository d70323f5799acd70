"""S5: the vectors of several frozen encoders side by side, and a head over countries or regions.

Okkerman 2024: CLIP's image embedding beside a ViT's, or a ViT on the photo beside the same ViT on
its segmentation map; which ones is the recipe's (``encoder`` and ``fuse``). Settings of a recipe:
see :class:`Settings`.

Bundle: see :class:`graticule.systems.networks.Networks`; ``partitions/DIVISIONS.parquet``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationInfo, field_validator

from graticule.belief import Belief
from graticule.cells.adaptive import adaptive
from graticule.cells.boundaries import of_atlas, read_boundaries
from graticule.cells.countries import countries
from graticule.cells.partition import Partition
from graticule.cells.regions import regions
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import Job, Outcome, Plan, Rows, Task, country_codes
from graticule.systems.settings import SystemSettings
from graticule.systems.system import Pixels, Prediction, System

NETWORK = "divisions"


class Hybrid(System):
    """Fused encoders, one head."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._networks = Networks(bundle, [NETWORK])
        self._partition = bundle.partition(self.point_task)

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode with every encoder, then the head."""
        outputs, embedding = self._networks.run(NETWORK, pixels)
        belief = Belief.from_logits(self._partition, outputs[self.point_task])
        return Prediction({self.point_task: belief}, embedding)


class Settings(SystemSettings):
    """What the world is divided into.

    Attributes:
        divisions: ``countries``, ``regions``, or ``s2``: cells of about equally many photos, for
            comparison.
        center: ``polygon`` (the document: a place lies at its division's centroid) or ``photos``;
            S2 cells always lie at their photos' mean.
        boundaries: a file of the user's for ``regions`` (GADM, say) instead of the atlas, of
            countries where it is one of countries; "" for none.
        min_photos: divisions with fewer training photos are left out.
        max_photos: an S2 cell with more is split.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (NETWORK,)

    divisions: Literal["countries", "regions", "s2"] = "countries"
    center: Literal["polygon", "photos"] = "polygon"
    boundaries: str = ""
    min_photos: int = Field(1, ge=1)
    max_photos: int = Field(60, ge=1)

    @field_validator("boundaries")
    @classmethod
    def _heard(cls, file: str, info: ValidationInfo) -> str:
        divisions = info.data.get("divisions", "regions")
        if file and divisions != "regions":
            raise ValueError(f"only divisions=regions reads a file of borders, not {divisions}")
        return file

    def cut(self, rows: Rows) -> tuple[Partition, npt.NDArray[np.int64]]:
        """The partition of the training photos, and the true cell of every row (−1 if unknown)."""
        if self.divisions == "countries":
            codes = country_codes(rows)
            learned = rows.train & (codes != "")
            known = countries(
                np.where(learned, codes, ""),
                np.where(learned[:, None], rows.latlon, np.nan),
                center=self.center,
                name=self.divisions,
            )
            return known, known.index(codes)
        partition = self._located(rows.latlon[rows.train & rows.located])
        target = np.full(len(rows), -1, np.int64)
        target[rows.located] = partition.assign(rows.latlon[rows.located])
        return partition, target

    def _located(self, latlon: npt.NDArray[np.float64]) -> Partition:
        if self.divisions == "s2":
            return adaptive(latlon, self.max_photos, self.min_photos, levels=(0, 30), name="s2")
        units = read_boundaries(self.boundaries) if self.boundaries else of_atlas("regions")
        return regions(
            latlon,
            units,
            center=self.center,
            name=self.divisions,
            min_photos=self.min_photos,
        )


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network over the divisions."""
    wanted = Settings.of(settings)
    kind = wanted.divisions
    partition, target = wanted.cut(rows)
    network = yield Job(NETWORK, NETWORK, {kind: Task(partition.ids, target, partition)})
    return Outcome(
        kind,
        {kind: partition},
        {},
        target=target,
        log_p=lambda of: network.log_p(kind, of),
    )
