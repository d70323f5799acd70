"""S5: the vectors of several frozen encoders side by side, and a head over countries or regions.

Okkerman 2024: CLIP's image embedding beside a ViT's, or a ViT on the photo beside the same ViT on
its segmentation map; which ones is the recipe's (``encoder`` and ``fuse``). Settings of a recipe:
``divisions``: ``countries`` or ``regions``; ``center``: ``polygon`` (the document: a place lies at
its division's centroid) or ``photos``; ``min_photos`` of a region.

Bundle: see :class:`graticule.systems.networks.Networks`; ``partitions/DIVISIONS.parquet``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief
from graticule.cells.countries import countries
from graticule.cells.partition import Partition
from graticule.errors import RecipeError
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import Job, Outcome, Plan, Rows, Task, country_codes
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


def divisions(
    rows: Rows, kind: str, center: str, min_photos: int
) -> tuple[Partition, npt.NDArray[np.int64]]:
    """The partition of the training photos, and the true cell of every row (−1 where unknown).

    Raises:
        RecipeError: an unknown kind or center.
    """
    if center not in ("polygon", "photos"):
        raise RecipeError(f"settings.center {center!r}: polygon or photos")
    if kind == "countries":
        codes = country_codes(rows)
        learned = rows.train & (codes != "")
        partition: Partition = countries(
            np.where(learned, codes, ""),
            np.where(learned[:, None], rows.latlon, np.nan),
            center=center,  # type: ignore[arg-type]
            name=kind,
        )
        return partition, partition.index(codes)
    if kind == "regions":
        from graticule.cells.boundaries import of_atlas
        from graticule.cells.regions import regions

        partition = regions(
            rows.latlon[rows.train & rows.located],
            of_atlas("regions"),
            center=center,  # type: ignore[arg-type]
            name=kind,
            min_photos=min_photos,
        )
        target = np.full(len(rows), -1, np.int64)
        target[rows.located] = partition.assign(rows.latlon[rows.located])
        return partition, target
    raise RecipeError(f"settings.divisions {kind!r}: countries or regions")


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network over the divisions."""
    kind = str(settings.get("divisions", "countries"))
    partition, target = divisions(
        rows, kind, str(settings.get("center", "polygon")), int(settings.get("min_photos", 1))
    )
    network = yield Job(NETWORK, NETWORK, {kind: Task(partition.ids, target, partition)})
    return Outcome(
        kind,
        {kind: partition},
        {},
        target=target,
        log_p=lambda wanted: network.log_p(kind, wanted),
    )
