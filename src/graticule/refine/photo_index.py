"""Vectors of located photos on disk: grown and thinned in place, searched exactly or by FAISS.

    index.json             what made the vectors, and which shards count; written last
    00000.npy              float16 (n, d) unit vectors, memory-mapped
    00000.parquet          photo, lat, lon, sha256, hash of each row
    00007.faiss            coarse search over all shards, where FAISS is installed

A shard never changes: adding writes a new one, which takes in smaller ones before it, and deleting
writes the rest of one anew. Both become true when ``index.json`` takes its name, so a kill at any
moment leaves the index as it was before, and files that it does not list are removed by the next
change. One process changes an index at a time; ``.lock`` keeps others out and ends with its holder.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import GraticuleError
from graticule.refine import coarse
from graticule.refine.rows import Rows

SCHEMA_VERSION = 1
#: Held while an index is changed.
LOCK = ".lock"
#: Vectors that are compared one by one; beyond, FAISS narrows the search where it is installed.
EXACT = coarse.EXACT
#: Rows of one shard at most, and of one block that is made float32 for the product.
SHARD = 65_536
_BLOCK = 16_384
#: How many more rows than asked for the coarse search gives to be compared exactly.
_WIDER = 4

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class PhotoIndex:
    """An index folder, opened.

    Attributes:
        path: the folder.
        about: what ``index.json`` says: the model, its key, the width, the shards, how much matches
            count, and whether that was fitted on the shards as they are (``weighed``).
    """

    def __init__(self, path: str | Path) -> None:
        """Open an index.

        Raises:
            GraticuleError: the folder is none, is broken, or is from a newer version.
        """
        self.path = Path(path)
        self._depth = 0
        self.about: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        listing = self.path / "index.json"
        if not listing.is_file():
            raise GraticuleError(
                f"{self.path}: not an index (no index.json); graticule index makes one"
            )
        self.about = files.read_json(listing)
        found = self.about.get("schema_version") if isinstance(self.about, dict) else None
        if not isinstance(found, int) or not isinstance(self.about.get("shards"), list):
            raise GraticuleError(f"{listing}: not the listing of an index; make it again")
        if found > SCHEMA_VERSION:
            raise GraticuleError(
                f"{listing}: index layout {found} is newer than this graticule reads "
                f"({SCHEMA_VERSION}); pip install -U graticule"
            )

    @classmethod
    def create(cls, path: str | Path, *, model: str, key: str) -> PhotoIndex:
        """An empty index, or the one that is there already.

        Args:
            path: the folder.
            model: name of the model whose vectors come in.
            key: what tells its vectors from another's.

        Raises:
            GraticuleError: the index there was built by another model.
        """
        folder = Path(path)
        with files.locked(folder / LOCK, _busy(folder)):
            if not (folder / "index.json").is_file():
                files.write_json(
                    folder / "index.json",
                    {
                        "schema_version": SCHEMA_VERSION,
                        "model": model,
                        "key": key,
                        "width": None,
                        "next": 0,
                        "shards": [],
                    },
                )
        index = cls(folder)
        index.check_model(model, key)
        return index

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep other processes from changing the index for the block; blocks may be nested.

        Raises:
            GraticuleError: another process is changing it.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        with files.locked(self.path / LOCK, _busy(self.path)):
            before = self.about
            self._read()  # what others wrote since it was opened
            if self.about != before:
                self._forget()
            self._depth = 1
            try:
                yield
            finally:
                self._depth = 0

    @property
    def fingerprint(self) -> str:
        """What tells this index, as it is now, from every other: its model and its rows."""
        what = [self.about["key"], [shard["sha256"] for shard in self.about["shards"]]]
        what.append(self.about.get("weighing"))
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]

    def check_model(self, model: str, key: str) -> None:
        """Refuse vectors that mean something else.

        Raises:
            GraticuleError: another model built this index.
        """
        if self.about["key"] != key:
            raise GraticuleError(
                f"{self.path}: built by {self.about['model']} (key {self.about['key'][:8]}), not "
                f"by {model} ({key[:8]}); use that model, or index again with -o elsewhere"
            )

    def __len__(self) -> int:
        return sum(shard["rows"] for shard in self.about["shards"])

    @cached_property
    def rows(self) -> Rows:
        """All rows, in the order of the vectors."""
        return Rows.load([self._file(shard, "parquet") for shard in self.about["shards"]])

    @cached_property
    def vectors(self) -> list[npt.NDArray[np.float16]]:
        """The shards' vectors, memory-mapped, checked against their listing."""
        out = []
        for shard in self.about["shards"]:
            file = self._file(shard, "npy")
            try:
                part = np.load(file, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise GraticuleError(f"{file}: cannot be read ({error}); index again") from error
            if part.shape != (shard["rows"], self.about["width"]) or part.dtype != np.float16:
                raise GraticuleError(
                    f"{file}: {part.dtype} {part.shape}, not what index.json says; index again"
                )
            out.append(part)
        return out

    def file(self, row: int) -> Path | None:
        """The photo of a row as a file; None where its folder is unknown or it is gone."""
        at = 0
        for shard in self.about["shards"]:
            if row < at + shard["rows"]:
                root = shard.get("root")
                found = None if root is None else self.path / root / self.rows.photos[row]
                return found if found is not None and found.is_file() else None
            at += shard["rows"]
        return None

    def add(
        self,
        vectors: npt.NDArray[np.floating[Any]],
        rows: Rows,
        root: str | os.PathLike[str] | None = None,
    ) -> int:
        """Add photos; a file that is there already (by its checksum) is passed over.

        Args:
            vectors: (n, d), of any length but zero.
            rows: what is known of them.
            root: the folder that the photos' names are relative to, so that they can be shown; kept
                relative to the index, which may move along with it.

        Returns:
            How many were added.

        Raises:
            GraticuleError: other widths, values that are not finite, or rows that do not match.
        """
        with self.changing():
            home = {} if root is None else {"root": self._from_here(root)}
            return self._add(vectors, rows, home)

    def _add(self, vectors: npt.NDArray[np.floating[Any]], rows: Rows, home: dict[str, str]) -> int:
        width = self.about["width"] or vectors.shape[1]
        if vectors.shape != (len(rows), width):
            raise GraticuleError(
                f"{self.path}: vectors {vectors.shape} for {len(rows)} photos and {width} numbers"
            )
        norms = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not (norms > 0).all():
            raise GraticuleError(f"{self.path}: a vector is zero or not finite; nothing was added")
        seen = {sha for sha in self.rows.sha256 if sha}
        kept = np.array([not sha or sha not in seen for sha in rows.sha256], dtype=bool)
        if not kept.any():
            return 0
        unit = (vectors / norms)[kept].astype(np.float16)
        fresh = rows[kept]
        known = self.rows + fresh
        shards, number = list(self.about["shards"]), int(self.about["next"])
        # Shards no larger than what follows are taken in, so that however small the portions are,
        # there are few shards and each row is written a few times.
        at, parts, size = len(self.rows), [unit], len(unit)
        while shards and _joins(shards[-1], size, home):
            parts.insert(0, np.asarray(self.vectors[len(shards) - 1]))
            size += shards[-1]["rows"]
            at -= shards.pop()["rows"]
        unit = np.concatenate(parts)
        for start in range(0, len(unit), SHARD):
            here = np.zeros(len(known), dtype=bool)
            here[at + start : at + min(start + SHARD, len(unit))] = True
            shard = self._write(number, unit[start : start + SHARD], known[here])
            shards.append(shard | home)
            number += 1
        self._list(shards, number, width=width)
        self.__dict__["rows"] = known
        return len(fresh)

    def delete(self, patterns: Sequence[str]) -> int:
        """Take out photos whose names match a pattern (``*``, ``?``); returns how many."""
        with self.changing():
            return self._delete(patterns)

    def _delete(self, patterns: Sequence[str]) -> int:
        gone = np.array(
            [any(fnmatch.fnmatchcase(name, p) for p in patterns) for name in self.rows.photos],
            dtype=bool,
        )
        if not gone.any():
            return 0
        shards, number, at = [], int(self.about["next"]), 0
        for shard, vectors in zip(self.about["shards"], self.vectors, strict=True):
            kept = np.zeros(len(gone), dtype=bool)
            kept[at : at + shard["rows"]] = ~gone[at : at + shard["rows"]]
            here = kept[at : at + shard["rows"]]
            at += shard["rows"]
            if here.all():
                shards.append(shard)
            elif here.any():
                rest = self._write(number, np.asarray(vectors)[here], self.rows[kept])
                # What else is known of a shard stays with what is left of it.
                shards.append({**shard, **rest})
                number += 1
        self._list(shards, number)
        return int(gone.sum())

    def keep(self, **settings: Any) -> None:
        """Write settings (``weighing``) into the listing."""
        with self.changing():
            self._list(self.about["shards"], self.about["next"], **settings)

    def build_search(self) -> bool:
        """Make the coarse search for an index beyond :data:`EXACT`; False where none is made."""
        if len(self) <= EXACT or not coarse.installed():
            return False
        with self.changing():
            return self._build_search()

    def _build_search(self) -> bool:
        number = int(self.about["next"])
        name = f"{number:05d}.faiss"
        blocks = (
            part[start : start + _BLOCK].astype(np.float32)
            for part in self.vectors
            for start in range(0, len(part), _BLOCK)
        )
        coarse.build(self.path / name, len(self), self.about["width"], blocks, self.vectors_of)
        self._list(self.about["shards"], number + 1, coarse=name)
        return True

    def search(
        self, queries: npt.NDArray[np.floating[Any]], k: int, *, exact: bool = False
    ) -> tuple[IntArray, Float32Array]:
        """The ``k`` nearest rows of each query by cosine, best first.

        Args:
            queries: (n, d).
            k: at most; fewer where the index is smaller.
            exact: compare with every row, however many there are.

        Returns:
            Rows int64 (n, k) and cosines float32 (n, k); −1 and −inf where there are no more.
        """
        if not len(self):
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        if queries.shape[1] != self.about["width"]:
            raise GraticuleError(
                f"{self.path}: photos have {queries.shape[1]} numbers and the index "
                f"{self.about['width']}; both must come from one model"
            )
        unit = queries.astype(np.float32)
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        k = min(k, len(self))
        if self._coarse is not None and not exact:
            return self._narrowed(unit, k)
        best = np.full((len(unit), k), -np.inf, np.float32)
        rows = np.full((len(unit), k), -1, np.int64)
        at = 0
        for part in self.vectors:
            for start in range(0, len(part), _BLOCK):
                block = part[start : start + _BLOCK].astype(np.float32)
                here = np.broadcast_to(np.arange(at, at + len(block)), (len(unit), len(block)))
                at += len(block)
                rows, best = _best(
                    np.concatenate([rows, here], axis=1),
                    np.concatenate([best, unit @ block.T], axis=1),
                    k,
                )
        return rows, best

    def _narrowed(self, unit: Float32Array, k: int) -> tuple[IntArray, Float32Array]:
        _, found = self._coarse.search(unit, min(len(self), _WIDER * k))
        out = np.full(found.shape, -np.inf, np.float32)
        for i, candidates in enumerate(found):
            there = candidates >= 0
            out[i, there] = self.vectors_of(candidates[there]) @ unit[i]
        return _best(found.astype(np.int64), out, k)

    @cached_property
    def _coarse(self) -> Any:
        name = self.about.get("coarse")
        if name is None or not coarse.installed():
            return None
        return coarse.load(self.path / Path(name).name, len(self))

    def vectors_of(self, rows: npt.NDArray[Any]) -> Float32Array:
        """Vectors of some rows, float32 (n, d)."""
        starts = np.cumsum([0, *(len(part) for part in self.vectors)])
        shard = np.searchsorted(starts, rows, side="right") - 1
        out = np.empty((len(rows), self.about["width"]), np.float32)
        for number in np.unique(shard):
            here = shard == number
            out[here] = self.vectors[number][rows[here] - starts[number]]
        return out

    def _from_here(self, root: str | os.PathLike[str]) -> str:
        try:
            return Path(os.path.relpath(root, self.path)).as_posix()
        except ValueError:  # on another drive of Windows
            return Path(root).resolve().as_posix()

    def _file(self, shard: dict[str, Any], ending: str) -> Path:
        return self.path / f"{int(shard['number']):05d}.{ending}"

    def _write(self, number: int, unit: npt.NDArray[np.float16], rows: Rows) -> dict[str, Any]:
        shard = {"number": number, "rows": len(rows)}
        with files.atomic(self._file(shard, "npy"), "wb") as out:
            np.save(out, unit, allow_pickle=False)
        rows.save(self._file(shard, "parquet"))
        # Rows hold their photos' checksums, so this stands for the vectors as well.
        return shard | {"sha256": files.sha256(self._file(shard, "parquet"))}

    def _list(self, shards: list[dict[str, Any]], number: int, **settings: Any) -> None:
        """Make a change true, and forget what it made needless."""
        changed = shards != self.about["shards"]
        self.about = {**self.about, "shards": shards, "next": number}
        if changed:
            self.about.pop("coarse", None)
            self.about["weighed"] = False
        self.about |= settings
        files.write_json(self.path / "index.json", self.about)
        self._forget()
        numbers = {f"{int(shard['number']):05d}" for shard in shards}
        for file in self.path.iterdir():
            if file.suffix in {".npy", ".parquet", ".faiss"} and not (
                file.name == self.about.get("coarse")
                or (file.suffix != ".faiss" and file.stem in numbers)
            ):
                file.unlink(missing_ok=True)

    def _forget(self) -> None:
        for name in ("rows", "vectors", "_coarse"):
            self.__dict__.pop(name, None)


def _joins(shard: dict[str, Any], size: int, home: dict[str, str]) -> bool:
    """Whether a shard is taken into the one of ``size`` rows that follows: of one folder."""
    few = shard["rows"] <= size and size + shard["rows"] <= SHARD
    return few and shard.get("root") == home.get("root")


def _busy(folder: Path) -> str:
    return f"{folder}: another graticule index is changing it; try again when that one is done"


def _best(rows: IntArray, cosine: Float32Array, k: int) -> tuple[IntArray, Float32Array]:
    """The k columns of each line with the largest cosine, best first; ties go to lower rows."""
    if cosine.shape[1] > k:
        chosen = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        rows = np.take_along_axis(rows, chosen, axis=1)
        cosine = np.take_along_axis(cosine, chosen, axis=1)
    order = np.lexsort((rows, -cosine), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosine, order, axis=1)
