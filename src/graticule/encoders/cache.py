"""Vectors of frozen encoders, computed once: a store of shards that grows and never lies.

    FOLDER/KEY/store.json           what the key stands for
    FOLDER/KEY/00000-3f5a.npz       up to 1,024 vectors, with the SHA-256 of each photo

The key is the encoder, the hash of its weights and the transform of the pixels; a row is the
photo's own bytes. So a renamed photo is found again, a changed one is not, and two runs that were
killed half way add up to one that was not. A shard is whole or absent, and two runs that fill one
store at the same time never write the same one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import GraticuleError, PhotoError
from graticule.progress import bar

if TYPE_CHECKING:
    from graticule.photos.preprocess import Preprocess

Float32Array = npt.NDArray[np.float32]
Encode = Callable[[npt.NDArray[np.uint8]], Float32Array]

#: Vectors a shard; a run that is killed loses at most this many.
SHARD = 1024
_VERSION = 1


def photo_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, the first 32 hexadecimal digits; "" if it cannot be read."""
    try:
        seen = path.stat()
        return _hash(path, seen.st_size, seen.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=1 << 20)
def _hash(path: Path, _size: int, _changed: int) -> str:
    """The hash of a file as it was when it had this size and time of change."""
    return files.sha256(path)[:32]


class FeatureCache:
    """One encoder's vectors.

    Attributes:
        folder: where its shards lie.
        missing: photos of the last :meth:`vectors` that could not be read, with the reason.
    """

    def __init__(
        self, root: str | Path, encoder: str, weights: str, preprocess: Preprocess, view: str = ""
    ) -> None:
        """Open or begin a store.

        Args:
            root: the folder of all stores.
            encoder: name, pooling and normalisation.
            weights: hash of the weights.
            preprocess: how photos become pixels.
            view: a fixed change of the pixels ("flip", "grey"), kept apart by the key.
        """
        what = {
            "version": _VERSION,
            "encoder": encoder,
            "weights": weights,
            "preprocess": preprocess.model_dump(mode="json"),
            "view": view,
        }
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = Path(root) / key
        self.preprocess = preprocess
        self.view = view
        self.missing: dict[int, str] = {}
        if not (self.folder / "store.json").is_file():
            files.write_json(self.folder / "store.json", what)

    def vectors(
        self, paths: Sequence[Path], encode: Encode, *, batch: int = 32, workers: int = 2
    ) -> Float32Array:
        """The vector of each photo, float32 (n, d); what is not in the store is computed now.

        A photo that cannot be read has a row of NaN and a line in :attr:`missing`.

        Args:
            paths: the photos.
            encode: uint8 (n, size, size, 3) → float32 (n, d).
            batch: photos at a time.
            workers: threads that decode.

        Raises:
            GraticuleError: no photo could be read.
        """
        return self._gather(self._fill(paths, encode, batch=batch, workers=workers))

    def _fill(
        self, paths: Sequence[Path], encode: Encode, *, batch: int, workers: int
    ) -> list[str]:
        """Compute what is not in the store; each photo's hash, "" for one that is not there."""
        with ThreadPoolExecutor(max(1, workers)) as pool:
            hashes = list(pool.map(photo_hash, paths, chunksize=64))
            self.missing = {i: "no such file" for i, name in enumerate(hashes) if not name}
            stored = self._stored()
            todo: dict[str, int] = {}
            for i, name in enumerate(hashes):
                if name and name not in stored:
                    todo.setdefault(name, i)
            with bar("encoding photos", len(todo)) as moving:
                for part in _chunks(list(todo.items()), self._shard_size()):
                    names, rows = self._encode(
                        part, paths=paths, encode=encode, batch=batch, pool=pool, moving=moving
                    )
                    if names:
                        self._write(names, rows)
        return hashes

    def _shard_size(self) -> int:
        return SHARD

    def _encode(
        self,
        part: list[tuple[str, int]],
        *,
        paths: Sequence[Path],
        encode: Encode,
        batch: int,
        pool: ThreadPoolExecutor,
        moving: Any,
    ) -> tuple[list[str], Float32Array]:
        names: list[str] = []
        rows: list[Float32Array] = []
        for few in _chunks(part, batch):
            opened = list(pool.map(self._pixels, (paths[i] for _, i in few)))
            good = []
            for (name, i), pixels in zip(few, opened, strict=True):
                if isinstance(pixels, str):
                    self.missing[i] = pixels
                else:
                    good.append((name, pixels))
            if good:
                vectors = encode(np.stack([pixels for _, pixels in good]))
                if not np.isfinite(vectors).all():
                    raise GraticuleError(
                        f"the encoder gave NaN for a photo among {paths[few[0][1]]} …; "
                        "its weights are broken"
                    )
                names += [name for name, _ in good]
                rows.append(self._narrowed(vectors))
            moving.advance(len(few))
        return names, np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _narrowed(self, values: Float32Array) -> Float32Array:
        """Values as they are stored."""
        return values.astype(np.float32)

    def _pixels(self, path: Path) -> npt.NDArray[np.uint8] | str:
        from graticule.photos.photo import open_photo

        try:
            pixels = self.preprocess(open_photo(path).image)
        except PhotoError as error:
            return str(error)
        return VIEWS[self.view](pixels)

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.npz"))

    def _stored(self) -> dict[str, tuple[Path, int]]:
        found: dict[str, tuple[Path, int]] = {}
        for shard in self._shards():
            with np.load(shard, allow_pickle=False) as data:
                found |= {str(name): (shard, i) for i, name in enumerate(data["photos"])}
        return found

    def _new_shard(self) -> str:
        """A name that no other run takes, even one that writes at this moment."""
        taken = (int(shard.stem.partition("-")[0]) for shard in self._shards())
        return f"{max(taken, default=-1) + 1:05d}-{secrets.token_hex(4)}"

    def _write(self, names: list[str], rows: Float32Array) -> None:
        target = self.folder / f"{self._new_shard()}.npz"
        with files.atomic_path(target) as part, part.open("wb") as handle:
            np.savez(handle, photos=np.array(names), vectors=rows)

    def _gather(self, hashes: list[str]) -> Float32Array:
        wanted: dict[str, list[int]] = {}
        for i, name in enumerate(hashes):
            wanted.setdefault(name, []).append(i)
        out: Float32Array | None = None
        for shard in self._shards():
            with np.load(shard, allow_pickle=False) as data:
                here = [(j, wanted[n]) for j, n in enumerate(data["photos"]) if n in wanted]
                if not here:
                    continue
                vectors = data["vectors"]
                if out is None:
                    out = np.full((len(hashes), vectors.shape[1]), np.nan, np.float32)
                for j, rows in here:
                    out[rows] = vectors[j]
        if out is None:
            why = next(iter(self.missing.values()), "there are none")
            raise GraticuleError(f"no photo could be encoded ({why}); check the manifest's paths")
        return out


def _grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    return np.repeat(np.rint(luma).astype(np.uint8)[..., None], 3, axis=2)


#: Fixed changes of the pixels, uint8 (size, size, 3) → the same.
VIEWS: dict[str, Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]] = {
    "": lambda pixels: pixels,
    "flip": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "grey": _grey,
}


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
