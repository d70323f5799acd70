"""Geo-embeddings (S2): what a photo looks like beside what its place is like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]


def geo_embedding(
    vectors: npt.ArrayLike, attributes: Sequence[npt.ArrayLike], scale: float
) -> Float32Array:
    """Vectors (n, d) beside the probabilities of each attribute's outcomes (n, a), float32.

    Args:
        vectors: from the encoder.
        attributes: probabilities by attribute: ones and noughts where the place is known, what the
            picture says where it is not.
        scale: what all attributes together weigh: photos that differ in every one are √2 · scale
            further apart.
    """
    seen = np.asarray(vectors, dtype=np.float32)
    if not attributes or scale == 0:
        return seen
    weight = np.float32(scale / np.sqrt(len(attributes)))
    blocks = [weight * np.asarray(p, dtype=np.float32) for p in attributes]
    return np.concatenate([seen, *blocks], axis=1)


def spread(vectors: npt.ArrayLike) -> float:
    """Root mean square distance of vectors (n, d) to their mean; NaN rows are left out."""
    sound = np.asarray(vectors, dtype=np.float64)
    sound = sound[np.isfinite(sound).all(axis=1)]
    return float(np.sqrt(sound.var(axis=0).sum())) if len(sound) else 0.0
