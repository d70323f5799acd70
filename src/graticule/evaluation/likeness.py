"""Photos alike across two tables by their vectors: crops and mirrors that no hash knows.

The judged photos are held, cut into cells around k-means centres (an inverted file, as in Jégou,
Douze & Schmid, "Product quantization for nearest neighbor search", 2011); the photos learnt from
pass by in blocks. Memory is that of the judged photos, however many were learnt from. What a vector
alone cannot tell, a small crop from another photo of the kind, is told by laying a photo over its
few nearest, and them over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.encoders.onnx import available_cores
from graticule.errors import ManifestError, PhotoError
from graticule.evaluation.crops import overlay, small
from graticule.evaluation.finding import EXAMPLES, Finding
from graticule.progress import track

if TYPE_CHECKING:
    from graticule.evaluation.pixels import Likeness, Seen
    from graticule.locate.engine import Engine
    from graticule.photos.manifest import Manifest

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

#: Cosine from which two photos count as one picture, and how much of it may be lost in the few
#: dimensions that are searched. Set by the bundled model: of 600 photos none was like one of 6,683
#: of other sources, and half the crops to 80 % of each side were like their whole.
COSINE = 0.94
_LOST = 0.06
#: Dimensions searched, judged photos of one cell, and judged photos up to which there is one cell.
_DIMENSIONS, _PER_CELL, _FEW = 64, 64, 4096
#: Cells that a photo is looked for in: enough for what is alike, and for neighbours, which may be
#: far.
_PROBES, _FAR_PROBES = 3, 16
_BLOCK = 16_384
#: How many neighbours a judged photo is laid over, and judged photos in hand at once.
_NEIGHBOURS, _PORTION = 3, 4096


class Judged:
    """The vectors of judged photos, ready to be compared with many others.

    Args:
        vectors: (n, d), of any length; a row of zeros is like nothing.
        cosine: from which two are alike.
        neighbours: how many of the nearest rows are kept of each, whatever their cosine as long as
            it is positive; with 1 only those that are alike. Of more than 4,096 photos some
            neighbours are missed.
        seed: of the centres.

    Attributes:
        rows: int64 (n, neighbours), nearest first; −1 where there is none.
        cosines: float32 (n, neighbours), theirs.
    """

    def __init__(
        self,
        vectors: npt.NDArray[np.floating],
        *,
        cosine: float = COSINE,
        neighbours: int = 1,
        seed: int = 0,
    ) -> None:
        self._whole = _unit(vectors).astype(np.float16)
        self.cosine = cosine
        rng = np.random.default_rng(seed)
        n, d = self._whole.shape
        sample = self._whole[np.sort(rng.choice(n, min(n, 20_000), replace=False))].astype(
            np.float32
        )
        # The directions that tell the photos apart; lengths are kept as they are left.
        middle = sample.mean(axis=0)
        _, axes = np.linalg.eigh((sample - middle).T @ (sample - middle))
        kept = np.concatenate([middle[:, None], axes[:, ::-1][:, : min(d, _DIMENSIONS) - 1]], 1)
        self._axes = np.linalg.qr(kept)[0].astype(np.float32)
        self._short = _unit(self._whole.astype(np.float32) @ self._axes)
        cells = 1 if n <= _FEW else -(-n // _PER_CELL)
        self._centers = _centres(self._short, cells, rng)
        cell = _nearest(self._short, self._centers, 1)[:, 0]
        self._order = np.argsort(cell, kind="stable")
        self._ends = np.cumsum(np.bincount(cell, minlength=cells))
        self.rows = np.full((n, neighbours), -1, dtype=np.int64)
        self.cosines = np.full((n, neighbours), -1.0, dtype=np.float32)

    @property
    def best(self) -> IntArray:
        """The nearest row that is alike each judged photo, (n,); −1 where none is."""
        return np.where(self.cosines[:, 0] >= self.cosine, self.rows[:, 0], -1)

    def compare(self, vectors: npt.NDArray[np.floating], first: int) -> None:
        """Look for judged photos alike one of ``vectors`` (m, d), which are rows ``first`` and on.

        ``rows`` and ``cosines`` keep the nearest of each judged photo so far.
        """
        k = self.rows.shape[1]
        probes = min(_PROBES if k == 1 else _FAR_PROBES, len(self._centers))
        for start in range(0, len(vectors), _BLOCK):
            whole = _unit(vectors[start : start + _BLOCK])
            short = _unit(whole @ self._axes)
            cells = _nearest(short, self._centers, probes)
            rows, flat = np.divmod(np.argsort(cells.ravel(), kind="stable"), cells.shape[1])
            asked = cells[rows, flat]
            edges = np.searchsorted(asked, np.arange(len(self._centers) + 1))
            for cell in np.unique(asked):
                ours = self._order[self._ends[cell - 1] if cell else 0 : self._ends[cell]]
                theirs = rows[edges[cell] : edges[cell + 1]]
                near = self._short[ours] @ short[theirs].T
                least: float | Float32Array = self.cosine - _LOST
                if k > 1:
                    among = max(0, len(theirs) - k)
                    least = np.minimum(least, np.partition(near, among, axis=1)[:, among, None])
                a, b = np.nonzero(near >= least)
                self._keep(ours[a], whole[theirs[b]], first + start + theirs[b])

    def _keep(self, ours: IntArray, vectors: Float32Array, rows: IntArray) -> None:
        if not len(ours):
            return
        likeness = np.einsum("nd,nd->n", self._whole[ours].astype(np.float32), vectors)
        k = self.rows.shape[1]
        fit = likeness >= self.cosine if k == 1 else likeness > 0
        ours, likeness, rows = ours[fit], likeness[fit], rows[fit]
        # Those that were kept stand before the new ones, and a stable order leaves them there.
        known = np.unique(ours)
        photo = np.concatenate([np.repeat(known, k), ours])
        cosines = np.concatenate([self.cosines[known].ravel(), likeness])
        kept = np.concatenate([self.rows[known].ravel(), rows])
        order = np.lexsort((-cosines, photo))
        first = np.searchsorted(photo[order], known)
        best = order[first[:, None] + np.arange(k)]
        self.rows[known], self.cosines[known] = kept[best], cosines[best]


class Alike:
    """The check of judged photos against training photos by a model's vectors.

    Args:
        engine: of the model.
        test: the judged photos.
        seen: what was seen of them.
        cosine: from which two are alike.
    """

    def __init__(self, engine: Engine, test: Manifest, seen: Seen, cosine: float) -> None:
        from graticule.evaluation.pixels import usable_rows

        self._engine = engine
        self._test = test
        self._paths = test.column("path").tolist()
        parts = list(vectors_of(engine, test, self._paths, np.flatnonzero(usable_rows(seen))))
        self._rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows for rows, _ in parts)])
        self._judged = (
            Judged(np.concatenate([v for _, v in parts]), cosine=cosine, neighbours=_NEIGHBOURS)
            if parts
            else None
        )
        self._compared = 0
        #: Of the training photos that are kept as neighbours of some judged photo.
        self._theirs: dict[int, tuple[Manifest, str]] = {}

    def see(self, manifest: Manifest, paths: Sequence[str], seen: Seen) -> None:
        """Keep the nearest training photos of each judged photo so far."""
        from graticule.evaluation.pixels import usable_rows

        if self._judged is None:
            return
        for rows, vectors in vectors_of(
            self._engine, manifest, paths, np.flatnonzero(usable_rows(seen))
        ):
            first = self._compared
            self._compared += len(rows)
            self._judged.compare(vectors, first)
            kept = np.unique(self._judged.rows).tolist()
            self._theirs = {
                row: self._theirs[row] if row < first else (manifest, paths[rows[row - first]])
                for row in kept
                if row >= 0
            }

    def finding(self) -> Finding:
        """The judged photos that have one, alike or a part of it."""
        said = {} if self._judged is None else self._said(self._judged)
        rows = np.zeros(len(self._paths), dtype=bool)
        rows[self._rows[list(said)]] = True
        return Finding(
            "alike a training photo",
            rows,
            tuple(f"{self._paths[self._rows[i]]} ← {said[i]}" for i in sorted(said)[:EXAMPLES]),
            "a crop, a mirror image or the next frame of a photo that was trained on",
            leak=True,
        )

    def _said(self, judged: Judged) -> dict[int, str]:
        """What is said of each judged photo that has one, by its number among the vectors."""
        best, cosines = judged.best, judged.cosines
        said = {
            i: f"{self._theirs[best[i]][1]} (cosine {cosines[i, 0]:.3f})"
            for i in np.flatnonzero(best >= 0).tolist()
        }
        left = np.flatnonzero(best < 0).tolist()
        with ThreadPoolExecutor(available_cores()) as pool:
            for start in range(0, len(left), _PORTION):
                part = left[start : start + _PORTION]
                found = track(pool.map(self._part_of, part), "looking for crops", len(part))
                said |= {i: words for i, words in zip(part, found, strict=True) if words}
        return said

    def _part_of(self, i: int) -> str:
        """Which of its neighbours a judged photo is a part of, or that is a part of it."""
        assert self._judged is not None
        kept = [self._theirs[row] for row in self._judged.rows[i].tolist() if row >= 0]
        try:
            ours = small(self._test.file(self._paths[self._rows[i]]))
        except (PhotoError, ManifestError):
            return ""
        for manifest, path in kept:
            try:
                theirs = small(manifest.file(path))
            except (PhotoError, ManifestError):
                continue
            for part, whole in ((ours, theirs), (theirs, ours)):
                fit = overlay(part, whole)
                if fit.is_part:
                    return f"{path} (overlaid, correlation {fit.detail:.3f})"
        return ""


def alike_by(engine: Engine, cosine: float = COSINE) -> Likeness:
    """The check of vectors by a model's encoder, for :mod:`graticule.evaluation.pixels`."""
    return lambda test, seen: Alike(engine, test, seen, cosine)


def vectors_of(
    engine: Engine, manifest: Manifest, paths: Sequence[str], rows: IntArray
) -> Iterator[tuple[IntArray, Float32Array]]:
    """Vectors of some rows of ``paths``, in portions; photos that cannot be read are left out."""
    from graticule.locate.engine import BATCH

    numbers: list[int] = []
    crops: list[Sequence[npt.NDArray[np.uint8]]] = []
    kept: list[tuple[IntArray, Float32Array]] = []

    def run() -> None:
        views = [np.stack(view) for view in zip(*crops, strict=True)]
        kept.append((np.array(numbers), engine.system.predict(views).embedding))
        numbers.clear()
        crops.clear()

    for row in track(rows.tolist(), "comparing photos", len(rows)):
        try:
            image = engine.system.open(manifest.file(paths[row])).image
        except (PhotoError, ManifestError):
            continue
        numbers.append(row)
        crops.append(engine.system.crops(image))
        if len(numbers) == BATCH:
            run()
        if sum(len(n) for n, _ in kept) >= 4096:
            yield np.concatenate([n for n, _ in kept]), np.concatenate([v for _, v in kept])
            kept.clear()
    if numbers:
        run()
    if kept:
        yield np.concatenate([n for n, _ in kept]), np.concatenate([v for _, v in kept])


def compare_blocks(
    judged: Judged, blocks: Iterable[npt.NDArray[np.floating]]
) -> tuple[IntArray, Float32Array]:
    """The nearest row of all blocks that is alike each judged photo (−1 for none), its cosine."""
    first = 0
    for block in blocks:
        judged.compare(block, first)
        first += len(block)
    return judged.best, judged.cosines[:, 0]


def _centres(vectors: Float32Array, cells: int, rng: np.random.Generator) -> Float32Array:
    """Spherical k-means, a few rounds: where the cells lie hardly matters."""
    centres = vectors[rng.choice(len(vectors), cells, replace=False)].copy()
    if cells == 1:
        return centres
    sample = vectors[rng.choice(len(vectors), min(len(vectors), 64 * cells, 50_000), replace=False)]
    for _ in range(4):
        cell = _nearest(sample, centres, 1)[:, 0]
        sums = np.zeros_like(centres)
        np.add.at(sums, cell, sample)
        centres = np.where(np.linalg.norm(sums, axis=1, keepdims=True) > 0, _unit(sums), centres)
    return centres


def _nearest(vectors: Float32Array, centres: Float32Array, k: int) -> IntArray:
    out = np.empty((len(vectors), k), dtype=np.int64)
    for start in range(0, len(vectors), 4096):
        near = vectors[start : start + 4096] @ centres.T
        out[start : start + 4096] = (
            near.argmax(axis=1)[:, None] if k == 1 else np.argpartition(-near, k - 1, axis=1)[:, :k]
        )
    return out


def _unit(vectors: npt.NDArray[np.floating]) -> Float32Array:
    values = np.asarray(vectors, dtype=np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))
