"""Several coarse partitions overlaid: the small cells where one cell of each meets (CPlaNet).

Seo et al., "CPlaNet: Enhancing Image Geolocalization by Combinatorial Partitioning of Maps" (2018):
a few classifiers with few classes each tell many product cells apart.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.gallery import gallery
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError


@dataclass(frozen=True, eq=False)
class Combinatorial(Partition):
    """The combinations of coarse cells that occur among photos; a place in another is outside.

    Attributes:
        parts: the coarse partitions.
        codes: int64 (n, parts), the cell of each part that a product cell lies in.
    """

    kind: ClassVar[str] = "combinatorial"

    parts: tuple[Partition, ...] = ()

    @classmethod
    def from_settings(cls, **columns: Any) -> Self:
        """Build from a file's columns and settings."""
        from graticule.cells.files import from_bytes

        parts = tuple(from_bytes(base64.b64decode(part)) for part in columns.pop("parts"))
        return cls(parts=parts, **columns)

    def settings(self) -> dict[str, Any]:
        """The coarse partitions, each as a GeoParquet file in base 64."""
        from graticule.cells.files import to_bytes

        return {"parts": [base64.b64encode(to_bytes(part)).decode() for part in self.parts]}

    @cached_property
    def codes(self) -> IntArray:
        """The cell of each part that each product cell lies in, int64 (n, parts)."""
        return np.stack([self.parents_in(part) for part in self.parts], axis=1)

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The product cell of each point, int64 (n,); −1 where its combination had no photo."""
        own = np.stack([part.assign(latlon) for part in self.parts], axis=1)
        # Each distinct row gets one number, so that rows compare as numbers.
        rows, number = np.unique(np.concatenate([self.codes, own]), axis=0, return_inverse=True)
        number = number.reshape(-1)  # numpy 2.0 gives it a second axis
        cell = np.full(len(rows), -1, np.int64)
        cell[number[: len(self)]] = np.arange(len(self))
        return cell[number[len(self) :]]

    def combine(
        self, log_p: Sequence[npt.ArrayLike], how: Literal["sum", "product"] = "sum"
    ) -> FloatArray:
        """The log-weights of the product cells from the beliefs over the parts.

        Args:
            log_p: for each part (n, its cells).
            how: ``"sum"`` adds the parts' probabilities, as CPlaNet does: a cell wins by what most
                parts say; ``"product"`` multiplies them, as if they were independent.

        Returns:
            float64 (n, product cells).
        """
        if len(log_p) != len(self.parts):
            raise PartitionError(f"{len(self.parts)} parts need as many beliefs, not {len(log_p)}")
        terms = [
            np.asarray(part, dtype=np.float64)[:, own]
            for part, own in zip(log_p, self.codes.T, strict=True)
        ]
        return np.asarray(np.logaddexp.reduce(terms) if how == "sum" else np.sum(terms, axis=0))


def combinatorial(
    latlon: npt.ArrayLike, parts: Sequence[Partition], *, name: str = "combinatorial"
) -> Combinatorial:
    """Overlay partitions; the cells are the combinations that photos occur in.

    Args:
        latlon: (n, 2) places of photos.
        parts: two partitions or more, of different names.
        name: of the partition.

    Raises:
        PartitionError: fewer than two parts, parts of one name, or no photo that is in all.
    """
    names = [part.name for part in parts]
    if len(parts) < 2 or len(set(names)) < len(names):
        raise PartitionError(f"overlay two partitions or more of different names, not {names}")
    points = sphere.as_latlon(latlon)
    own = np.stack([part.assign(points) for part in parts], axis=1)
    inside = (own >= 0).all(axis=1)
    if not inside.any():
        raise PartitionError("no photo lies in a cell of every part")
    codes, group = np.unique(own[inside], axis=0, return_inverse=True)
    written = [tuple(part.ids[i] for i in codes[:, k]) for k, part in enumerate(parts)]
    group = group.reshape(-1).astype(np.int64)
    return Combinatorial(
        name=name,
        ids=tuple("+".join(ids) for ids in zip(*written, strict=True)),
        centers=sphere.group_means(points[inside], group, len(codes)),
        counts=np.bincount(group).astype(np.int64),
        parents=dict(zip(names, written, strict=True)),
        parts=tuple(parts),
    )


def random_parts(latlon: npt.ArrayLike, parts: int, cells: int, seed: int = 0) -> list[Partition]:
    """Coarse partitions to overlay: the places nearest to ``cells`` photos drawn at random.

    Partitions that nest, as S2's do, have no products finer than the finest of them; these cross.

    Raises:
        PartitionError: fewer places than cells.
    """
    places = np.unique(sphere.as_latlon(latlon), axis=0)
    if len(places) < cells:
        raise PartitionError(f"{cells} cells need as many places; the photos have {len(places)}")
    rng = np.random.default_rng(seed)
    return [
        gallery(places[np.sort(rng.choice(len(places), cells, replace=False))], name=f"part{k + 1}")
        for k in range(parts)
    ]
