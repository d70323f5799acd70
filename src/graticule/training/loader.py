"""From manifest to batch: photos decoded, changed at random, and stacked, in the asked order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from graticule.errors import PhotoError
from graticule.photos.augment import Augment, draw
from graticule.photos.photo import open_photo
from graticule.photos.preprocess import Preprocess

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        x: uint8 pixels (n, size, size, 3), or float vectors (n, dim).
        targets: int64 (n,) by task, −1 where unknown.
        places: float64 (n, 2), NaN where unknown.
        rows: int64 (n,) of the manifest.
    """

    x: Tensor
    targets: Mapping[str, Tensor]
    places: Tensor
    rows: Tensor

    def to(self, device: Any) -> Batch:
        """The batch on a device."""
        return Batch(
            self.x.to(device, non_blocking=True),
            {name: value.to(device, non_blocking=True) for name, value in self.targets.items()},
            self.places,
            self.rows,
        )


@dataclass(frozen=True)
class Labels:
    """What is known of every row of the manifest."""

    targets: Mapping[str, IntArray]
    places: npt.NDArray[np.float64]

    def batch(self, x: Tensor, rows: IntArray, bad: npt.NDArray[np.bool_]) -> Batch:
        """A batch of these rows; those that could not be read have no label."""
        targets = {
            name: torch.from_numpy(np.where(bad, -1, value[rows]))
            for name, value in self.targets.items()
        }
        return Batch(x, targets, torch.from_numpy(self.places[rows]), torch.from_numpy(rows))


class Photos(Dataset[tuple[Tensor, bool]]):
    """Pixels of rows, by (epoch, row): what worker processes run."""

    def __init__(
        self, files: list[Path], preprocess: Preprocess, augment: Augment | None, seed: int
    ) -> None:
        self.files = files
        self.preprocess = preprocess
        self.augment = augment
        self.seed = seed

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, bool]:
        """The pixels of a row in an epoch, and whether the photo could not be read."""
        epoch, row = key
        size = self.preprocess.size
        try:
            image = open_photo(self.files[row], draft=max(448, 2 * size)).image
        except PhotoError:
            return torch.zeros(size, size, 3, dtype=torch.uint8), True
        if self.augment is None or not self.augment.random:
            pixels = self.preprocess(image)
        else:
            pixels = self.augment(image, size, draw(self.seed, epoch, row))
        return torch.from_numpy(np.array(pixels)), False


def _stack(items: list[tuple[Tensor, bool]]) -> tuple[Tensor, npt.NDArray[np.bool_]]:
    return torch.stack([x for x, _ in items]), np.array([bad for _, bad in items])


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


class PhotoLoader:
    """Batches of photos in a given order; iterate once an epoch after :meth:`set`."""

    def __init__(self, photos: Photos, labels: Labels, batch_size: int, workers: int) -> None:
        self.labels = labels
        self.batch_size = batch_size
        self._keys: list[list[tuple[int, int]]] = []
        self._loader = DataLoader(
            photos,
            batch_sampler=_Batches(self),
            collate_fn=_stack,
            num_workers=workers,
            worker_init_fn=_one_thread if workers else None,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            # Workers hold no locks of the threads that decode elsewhere.
            multiprocessing_context="forkserver" if workers else None,
        )
        self.bad = 0

    def set(self, order: IntArray, epoch: int) -> None:
        """Choose the rows of the next pass and the epoch that their changes are drawn for."""
        self._keys = [
            [(epoch, int(row)) for row in order[start : start + self.batch_size]]
            for start in range(0, len(order), self.batch_size)
        ]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Batch]:
        for keys, (x, bad) in zip(self._keys, self._loader, strict=True):
            self.bad += int(bad.sum())
            yield self.labels.batch(x, np.array([row for _, row in keys]), bad)


class _Batches:
    def __init__(self, owner: PhotoLoader) -> None:
        self.owner = owner

    def __len__(self) -> int:
        return len(self.owner._keys)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        yield from self.owner._keys


class VectorLoader:
    """Batches of kept vectors in a given order: no decoding, no workers."""

    def __init__(self, views: list[Tensor], labels: Labels, batch_size: int, seed: int) -> None:
        """Take vectors (n, dim) of all rows, a view each; NaN is a photo that was not read."""
        self.views = [torch.nan_to_num(vectors) for vectors in views]
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self._unread = torch.isnan(views[0][:, 0]).numpy()
        self._epoch = 0
        self._order: IntArray = np.empty(0, np.int64)
        self.bad = 0

    def set(self, order: IntArray, epoch: int) -> None:
        """Choose the rows of the next pass, and the epoch that their views are drawn for."""
        self._order, self._epoch = order, epoch

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng([self.seed, self._epoch, 11])
        for start in range(0, len(self._order), self.batch_size):
            rows = self._order[start : start + self.batch_size]
            which = torch.from_numpy(rows)
            x = self.views[0][which]
            if len(self.views) > 1:
                drawn = torch.from_numpy(rng.integers(0, len(self.views), len(rows)))
                for number, view in enumerate(self.views[1:], 1):
                    x[drawn == number] = view[which[drawn == number]]
            yield self.labels.batch(x, rows, self._unread[rows])


Loader: TypeAlias = PhotoLoader | VectorLoader
