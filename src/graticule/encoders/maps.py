"""Feature maps of an encoder's frozen lower part, computed once and read from the disk.

    FOLDER/KEY/store.json           what the key stands for
    FOLDER/KEY/00000-3f5a.npy       up to 256 maps, memory-mapped when they are read
    FOLDER/KEY/00000-3f5a.json      the SHA-256 of each photo; a shard without it is not there

Keyed as the feature cache is (`graticule.encoders.cache`). A map is a thousand times a vector: a
photo of ResNet50's third stage takes 0.4 MB at 224 pixels, 0.2 MB at 160.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.encoders.cache import Encode, FeatureCache, Float32Array
from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.photos.preprocess import Preprocess

#: Maps a shard; a run that is killed loses at most this many.
SHARD = 256


@dataclass(frozen=True)
class KeptMaps:
    """The maps of n photos, on the disk.

    Attributes:
        files: the shards.
        shard: int64 (n,) which of them, −1 for a photo that could not be read.
        place: int64 (n,) where in it.
        shape: of one map.
        dtype: of its values.
    """

    files: tuple[Path, ...]
    shard: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    shape: tuple[int, ...]
    dtype: np.dtype[np.floating]

    def __len__(self) -> int:
        return len(self.shard)

    @property
    def unread(self) -> npt.NDArray[np.bool_]:
        """Bool (n,): photos that could not be read."""
        return np.asarray(self.shard < 0)

    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
        """Maps of some rows, (k, *shape); nought for a photo that could not be read."""
        out = np.zeros((len(rows), *self.shape), self.dtype)
        shard = self.shard[rows]
        for number in np.unique(shard[shard >= 0]):
            here = np.flatnonzero(shard == number)
            # Opened for each batch: a handle for every shard would be too many.
            maps = np.load(self.files[number], mmap_mode="r", allow_pickle=False)
            out[here] = maps[self.place[rows[here]]]
        return out


class MapCache(FeatureCache):
    """One lower part's maps."""

    def __init__(
        self,
        root: str | Path,
        encoder: str,
        weights: str,
        preprocess: Preprocess,
        view: str = "",
        precision: str = "float16",
    ) -> None:
        """Open or begin a store; see :class:`FeatureCache`.

        Args:
            root: the folder of all stores.
            encoder: name, normalisation and where it is cut.
            weights: hash of the weights below the cut.
            preprocess: how photos become pixels.
            view: a fixed change of the pixels.
            precision: of the stored values, ``float16`` or ``float32``.
        """
        super().__init__(root, f"{encoder}/{precision}", weights, preprocess, view)
        self.dtype = np.dtype(precision)

    def maps(
        self, paths: Sequence[Path], encode: Encode, *, batch: int = 32, workers: int = 2
    ) -> KeptMaps:
        """The map of each photo; what is not in the store is computed now.

        Args:
            paths: the photos.
            encode: uint8 (n, size, size, 3) → float (n, …).
            batch: photos at a time.
            workers: threads that decode.

        Raises:
            GraticuleError: no photo could be read, or a value is too large for the precision.
        """
        hashes = self._fill(paths, encode, batch=batch, workers=workers)
        stored = self._stored()
        shards = sorted({file for file, _ in stored.values()})
        number = {file: i for i, file in enumerate(shards)}
        found = [stored.get(name) for name in hashes]
        if not any(found):
            why = next(iter(self.missing.values()), "there are none")
            raise GraticuleError(f"no photo could be encoded ({why}); check the manifest's paths")
        first = np.load(shards[0], mmap_mode="r", allow_pickle=False)
        return KeptMaps(
            tuple(shards),
            np.array([number[f[0]] if f else -1 for f in found], dtype=np.int64),
            np.array([f[1] if f else 0 for f in found], dtype=np.int64),
            first.shape[1:],
            self.dtype,
        )

    def _shard_size(self) -> int:
        return SHARD

    def _narrowed(self, values: Float32Array) -> Float32Array:
        with np.errstate(over="ignore"):
            out = values.astype(self.dtype)
        if not np.isfinite(out).all():
            raise GraticuleError(
                f"the encoder's maps hold {np.abs(values).max():.3g}, too large for {self.dtype}; "
                "set map_precision=float32"
            )
        return out

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.json"))

    def _stored(self) -> dict[str, tuple[Path, int]]:
        return {
            name: (shard.with_suffix(".npy"), i)
            for shard in self._shards()
            for i, name in enumerate(files.read_json(shard))
        }

    def _write(self, names: list[str], rows: Float32Array) -> None:
        target = self.folder / f"{self._new_shard()}.npy"
        with files.atomic_path(target) as part, part.open("wb") as handle:
            np.save(handle, rows, allow_pickle=False)
        files.write_json(target.with_suffix(".json"), names)
