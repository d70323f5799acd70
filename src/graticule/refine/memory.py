"""What the training photos themselves say: a belief from those that look alike.

Every photo votes for its cell with weight · exp(cosine / sharpness) (Nadaraya 1964, Watson 1964).
The vectors are kept as a few principal components in bytes, so that thousands fit in a bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.refine import tensors

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Photos of a query batch that are compared at once.
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Memory:
    """Training photos as compressed vectors.

    Attributes:
        mean: float32 (d,), taken off before projection.
        basis: float32 (d, k), principal directions, largest first.
        codes: int8 (n, k): the projected photos, of length 127 together.
        cells: int64 (n,), each photo's cell.
        weight: float32 (n,), what each photo's vote counts.
    """

    mean: Float32Array
    basis: Float32Array
    codes: npt.NDArray[np.int8]
    cells: IntArray
    weight: Float32Array

    def __len__(self) -> int:
        return len(self.cells)

    def cosines(self, vectors: npt.ArrayLike) -> Float32Array:
        """How alike each of (n, d) vectors and each photo of the memory are, (n, photos)."""
        seen = _unit((np.asarray(vectors, dtype=np.float32) - self.mean) @ self.basis)
        return np.asarray(seen @ _unit(self.codes.astype(np.float32)).T)

    def votes(self, vectors: npt.ArrayLike, cells: int, sharpness: float) -> FloatArray:
        """Share of each cell in the votes, (n, cells), rows sum to one.

        Args:
            vectors: (n, d).
            cells: how many there are.
            sharpness: cosine in which a photo's vote falls to 1/e.
        """
        seen = np.asarray(vectors, dtype=np.float32)
        chunks = [
            self.counted(self.cosines(seen[begin : begin + _CHUNK]), cells, sharpness)
            for begin in range(0, len(seen), _CHUNK)
        ]
        return np.concatenate(chunks) if chunks else np.zeros((0, cells))

    def counted(self, cosines: Float32Array, cells: int, sharpness: float) -> FloatArray:
        """The votes of photos whose cosines are known; see :meth:`votes`."""
        order = np.argsort(self.cells, kind="stable")
        owned, starts = np.unique(self.cells[order], return_index=True)
        near = cosines[:, order]
        raised = np.exp((near - near.max(axis=1, keepdims=True)) / np.float32(sharpness))
        raised *= self.weight[order]
        out = np.zeros((len(cosines), cells))
        out[:, owned] = np.add.reduceat(raised.astype(np.float64), starts, axis=1)
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        held: dict[str, npt.NDArray[Any]] = {
            "mean": self.mean,
            "basis": self.basis.astype(np.float16),
            "codes": self.codes,
            "cells": self.cells.astype(np.int32),
            "weight": self.weight.astype(np.float32),
        }
        tensors.write(path, held)

    @classmethod
    def load(cls, path: Path) -> Memory:
        """Read what :meth:`save` wrote.

        Raises:
            BundleError: it is no such file.
        """
        held = tensors.read(path, [field.name for field in fields(cls)], "a memory of photos")
        return cls(
            held["mean"].astype(np.float32),
            held["basis"].astype(np.float32),
            held["codes"],
            held["cells"].astype(np.int64),
            held["weight"],
        )


def build(
    vectors: npt.ArrayLike,
    cells: IntArray,
    weight: npt.ArrayLike,
    dims: int,
    like: Memory | None = None,
) -> Memory:
    """Compress training photos.

    Args:
        vectors: (n, d); photos with NaN in theirs are left out.
        cells: int64 (n,); photos of cell −1 are left out.
        weight: (n,) of the photos' votes.
        dims: principal components that are kept.
        like: take mean and directions of this one instead of finding them again.
    """
    seen = np.asarray(vectors, dtype=np.float32)
    sound = np.flatnonzero((cells >= 0) & np.isfinite(seen).all(axis=1))
    seen = seen[sound]
    mean = seen.mean(axis=0) if like is None else like.mean
    basis = principal(seen - mean, dims) if like is None else like.basis
    codes = np.round(127 * _unit((seen - mean) @ basis)).astype(np.int8)
    share = np.asarray(weight, dtype=np.float32)[sound]
    return Memory(mean, basis, codes, cells[sound].astype(np.int64), share)


def principal(centred: Float32Array, dims: int) -> Float32Array:
    """The first principal directions of centred rows, float32 (d, dims), the same every time.

    By a random projection and two power iterations (Halko, Martinsson & Tropp 2011, 4.3 to 4.4): a
    decomposition of all directions costs a hundred times as much and no use is made of it.
    """
    n, d = centred.shape
    dims = min(dims, n, d)
    wide = min(dims + 16, n, d)
    seen = centred @ np.random.default_rng(0).standard_normal((d, wide)).astype(np.float32)
    for _ in range(2):
        seen, _ = np.linalg.qr(seen)
        across, _ = np.linalg.qr(centred.T @ seen)
        seen = centred @ across
    basis, _ = np.linalg.qr(seen)
    _, _, directions = np.linalg.svd(basis.T @ centred, full_matrices=False)
    return np.asarray(directions[:dims].T, np.float32)


def _unit(x: npt.NDArray[np.floating]) -> Float32Array:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), np.float32)
