"""From manifest to batch: photos decoded, changed at random, and stacked, in the asked order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from graticule.encoders.maps import KeptMaps
from graticule.errors import PhotoError
from graticule.photos.augment import Augment, draw
from graticule.photos.photo import open_photo
from graticule.photos.preprocess import Preprocess

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        x: uint8 pixels (n, size, size, 3), float vectors (n, dim), or maps (n, …).
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


@dataclass(frozen=True)
class KeptVectors:
    """Vectors of all rows in memory.

    Attributes:
        values: float32 (n, dim); NaN is a photo that was not read.
    """

    values: Tensor

    @property
    def unread(self) -> npt.NDArray[np.bool_]:
        """Bool (n,): photos that could not be read."""
        return np.asarray(torch.isnan(self.values[:, 0]).numpy())

    def take(self, rows: IntArray) -> Tensor:
        """Vectors of some rows, nought for a photo that could not be read."""
        return torch.nan_to_num(self.values[torch.from_numpy(rows)])


@dataclass(frozen=True)
class KeptMapRows:
    """Maps on the disk for some rows of the manifest.

    Attributes:
        maps: in the order of their photos.
        at: int64 (n,) which of them each row has, −1 for none.
    """

    maps: KeptMaps
    at: IntArray

    @property
    def unread(self) -> npt.NDArray[np.bool_]:
        """Bool (n,): photos that could not be read."""
        return np.asarray((self.at < 0) | self.maps.unread[self.at])

    def take(self, rows: IntArray) -> Tensor:
        """Maps of some rows, nought for a photo that could not be read."""
        return torch.from_numpy(self.maps.take(self.at[rows]))


#: What a frozen part of a network said of every photo, in one view.
Kept: TypeAlias = KeptVectors | KeptMapRows


class KeptLoader:
    """Batches of kept vectors or maps in a given order: no decoding, no workers."""

    def __init__(self, views: Sequence[Kept], labels: Labels, batch_size: int, seed: int) -> None:
        """Take what was kept of all rows, a view each."""
        self.views = tuple(views)
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self._unread = views[0].unread
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
            x = self.views[0].take(rows)
            if len(self.views) > 1:
                drawn = rng.integers(0, len(self.views), len(rows))
                for number, view in enumerate(self.views[1:], 1):
                    x[torch.from_numpy(drawn == number)] = view.take(rows[drawn == number])
            yield self.labels.batch(x, rows, self._unread[rows])


Loader: TypeAlias = PhotoLoader | KeptLoader


class Batches(Protocol):
    """Batches in a given order, as the loop takes them."""

    @property
    def bad(self) -> int:
        """Photos that could not be read so far."""

    def set(self, order: IntArray, epoch: int) -> None:
        """Choose the rows of the next pass, and the epoch that they are changed for."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...
