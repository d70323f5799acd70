"""Embeddings of the rows, as the photos are and without colour, through the feature cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.encoders.cache import Encode, FeatureCache
from graticule.encoders.weights import digest
from graticule.errors import GraticuleError
from graticule.photos.preprocess import Preprocess
from graticule.training.mini.probe import Float32Array
from graticule.training.mini.rows import Rows
from graticule.training.mini.trunk import Trunk, embed

#: The whole photo, its sides made equal: travel photos say much at their edges.
PREPROCESS = Preprocess(size=224, resize="squash")


@dataclass(frozen=True)
class Features:
    """Embeddings of rows.

    Attributes:
        plain: (n, d).
        grey: (n, d) without colour; zero where the row has no scene.
    """

    plain: Float32Array
    grey: Float32Array


def compute(rows: Rows, trunk: Trunk, root: Path) -> Features:
    """Embeddings of all rows; those in the cache under ``root`` are not computed again.

    Raises:
        GraticuleError: a photo cannot be read.
    """
    files = rows.manifest.files()
    name = "mobilenetv2/root"
    weights = digest(trunk)
    plain = FeatureCache(root, name, weights, PREPROCESS).vectors(files, _encoder(trunk))
    scenes = np.flatnonzero(rows.scene >= 0)
    grey = np.zeros_like(plain)
    if len(scenes):
        cache = FeatureCache(root, name, weights, PREPROCESS, "grey")
        grey[scenes] = cache.vectors([files[i] for i in scenes], _encoder(trunk))
    for row in np.flatnonzero(np.isnan(plain).any(axis=1)):
        raise GraticuleError(f"{files[row]}: cannot be read; leave it out with data check")
    return Features(plain, grey)


def _encoder(trunk: Trunk) -> Encode:
    def encode(pixels: npt.NDArray[np.uint8]) -> Float32Array:
        return embed(trunk, iter([pixels]))

    return encode
