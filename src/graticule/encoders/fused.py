"""Several frozen encoders as one: their vectors side by side (S5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graticule.encoders.cache import Float32Array
from graticule.encoders.frozen import Frozen


@dataclass(frozen=True)
class Fused:
    """Encoders whose vectors stand side by side, in order.

    Attributes:
        parts: each with its own pixels.
        unit: bring each part's vector to unit length first, so that none drowns the others.
    """

    parts: tuple[Frozen, ...]
    unit: bool = False

    @property
    def dim(self) -> int:
        """Length of the whole vector: read from the parts, never assumed."""
        return sum(part.dim for part in self.parts)

    @property
    def label(self) -> str:
        """What the parts are called, and whether they are brought to unit length."""
        return " + ".join(part.label for part in self.parts) + (" (unit)" if self.unit else "")

    @property
    def weights(self) -> str:
        """The parts' hashes, one after another."""
        return "+".join(part.weights for part in self.parts)

    def vectors(
        self, paths: Sequence[Path], root: Path, *, view: str = "", batch: int = 32
    ) -> Float32Array:
        """Vectors of photos through the parts' caches, float32 (n, dim)."""
        found = [part.vectors(paths, root, view=view, batch=batch) for part in self.parts]
        return joined(found, unit=self.unit)


def joined(vectors: Sequence[Float32Array], *, unit: bool) -> Float32Array:
    """Vectors (n, d1), (n, d2) … side by side, float32 (n, d1 + d2 + …)."""
    if unit:
        vectors = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in vectors]
    return np.concatenate(vectors, axis=1).astype(np.float32, copy=False)
