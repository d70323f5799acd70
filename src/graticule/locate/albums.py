"""A user's own located photos as evidence: how an index is made, and what it adds to a belief."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.answer import Match
from graticule.belief import Belief
from graticule.calibration import WithIndex
from graticule.cells.partition import Partition
from graticule.cells.places import cells_at
from graticule.errors import GraticuleError, PhotoError
from graticule.photos.duplicates import perceptual_hash
from graticule.progress import track
from graticule.refine import neighbours as near
from graticule.refine.neighbours import Neighbours, Weighing
from graticule.refine.photo_index import PhotoIndex
from graticule.refine.rows import Rows

if TYPE_CHECKING:
    from graticule.locate.engine import Engine
    from graticule.photos.manifest import Manifest
    from graticule.systems.bundle import Bundle

#: Photos written to the disk at a time, and seconds after which those so far are; a kill costs no
#: more than that.
PORTION, SECONDS = 1024, 30.0
#: Matches that an answer names.
NAMED = 5
_BATCH = 8


def encoder_key(bundle: Bundle) -> str:
    """What tells a bundle's vectors from another's: its networks and its crops.

    Calibrating a bundle changes neither, so its indexes stay good.
    """
    about = bundle.manifest
    what = {
        "networks": {name: sha for name, sha in about.files.items() if name.endswith(".onnx")},
        "inputs": [preprocess.model_dump(mode="json") for preprocess in about.inputs],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


class Album:
    """An index, opened for a system.

    Attributes:
        index: the index.
        fitted: what was calibrated beside this very index, or None.
        weighing: how much its matches count.
    """

    def __init__(self, index: str | Path, bundle: Bundle, fitted: WithIndex | None = None) -> None:
        """Open an index and make sure that this system's vectors are in it.

        Args:
            index: the folder.
            bundle: whose vectors.
            fitted: what the bundle was calibrated to beside some index.

        Raises:
            GraticuleError: it is no index, or another model built it.
        """
        self.index = PhotoIndex(index)
        self.index.check_model(bundle.manifest.name, encoder_key(bundle))
        self._cells: dict[str, npt.NDArray[np.int64]] = {}
        # Now, while it is whole: a later change of the index takes its old files away.
        _ = self.index.rows, self.index.vectors
        same = fitted is not None and fitted.fingerprint == self.index.fingerprint
        self.fitted = fitted if same else None
        self.weighing = near.weighing_of(self.index)
        if self.fitted is not None:
            self.weighing = Weighing.of_numbers(self.fitted.weighing)

    def near(
        self, embedding: npt.NDArray[np.float32], hashes: Sequence[int]
    ) -> list[Neighbours | None]:
        """The matches of each photo, without itself and its doubles."""
        known = np.array(hashes, dtype=np.uint64)
        return near.neighbours(self.index, embedding, known, weighing=self.weighing)

    def cells(self, partition: Partition) -> npt.NDArray[np.int64]:
        """The cell of each indexed photo, int64 (n,); −1 where none speaks for its place."""
        if partition.name not in self._cells:
            self._cells[partition.name] = cells_at(partition, self.index.rows.latlon)
        return self._cells[partition.name]

    def alike(
        self, embedding: npt.NDArray[np.float32], among: npt.NDArray[np.bool_], most: int
    ) -> tuple[Match, ...]:
        """The photos most alike to one, among some rows (n,) of the index, best first."""
        rows = np.flatnonzero(among)
        if not len(rows):
            return ()
        unit = embedding / max(float(np.linalg.norm(embedding)), 1e-12)
        cosine = self.index.vectors_of(rows) @ unit
        best = np.argsort(-cosine, kind="stable")[:most]
        return tuple(self._match(int(rows[i]), float(cosine[i]), 0.0) for i in best)

    def file(self, photo: str) -> Path | None:
        """An indexed photo as a file, by its name; None where it is not known or gone."""
        row = self._numbers.get(photo)
        return None if row is None else self.index.file(row)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.index.rows.photos)}

    def _match(self, row: int, cosine: float, share: float) -> Match:
        lat, lon = self.index.rows.latlon[row]
        return Match(
            photo=self.index.rows.photos[row],
            lat=round(float(lat), 4),
            lon=round(float(lon), 4),
            similarity=round(float(np.clip(cosine, -1, 1)), 4),
            share=round(min(1.0, share), 4),
        )

    def matches(self, found: Neighbours | None) -> tuple[Match, ...]:
        """The best matches as an answer names them."""
        if found is None:
            return ()
        return tuple(
            self._match(int(row), float(cosine), float(share))
            for row, cosine, share in list(zip(found.rows, found.cosine, found.share, strict=True))[
                :NAMED
            ]
        )


def cells_of(partition: Partition, latlon: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The cell of each place, or the nearest one where it lies outside all of them, int64 (n,)."""
    cells = partition.assign(latlon)
    outside = np.flatnonzero(cells < 0)
    for rows, km in partition.distances(latlon[outside]):
        cells[outside[rows]] = km.argmin(axis=1)
    return cells


def mix(
    belief: Belief[Partition], found: Sequence[Neighbours | None], *, nearest: bool
) -> Belief[Partition]:
    """The model's belief and the matches' places over the same cells.

    Args:
        belief: the model's.
        found: the matches of each photo.
        nearest: a match outside all cells counts for the nearest one, else for none.
    """
    cells = belief.over
    log_p = np.array(belief.log_p, dtype=np.float64)
    for row, one in enumerate(found):
        if one is not None:
            at = cells_of(cells, one.latlon) if nearest else cells.assign(one.latlon)
            mass = one.mass(at, len(cells))
            log_p[row] = near.mixed(log_p[row], mass, one.weight)
    return Belief.from_logits(cells, log_p)


def drawn(
    points: npt.NDArray[np.float64], found: Sequence[Neighbours | None], point_km: float
) -> npt.NDArray[np.float64]:
    """Points drawn to their matches where these are near, degrees (n, 2)."""
    out = points.copy()
    for row, one in enumerate(found):
        if one is not None:
            out[row] = near.drawn(out[row], one, 2 * point_km)
    return out


def add(
    engine: Engine,
    index: PhotoIndex,
    manifest: Manifest,
    complain: Callable[[str], None] = lambda _: None,
) -> int:
    """Index the photos of a manifest that have a place; returns how many were new.

    A file that is in the index already is not read again, so a run that was killed goes on.

    Args:
        engine: whose vectors.
        index: where to.
        manifest: photos with lat and lon.
        complain: told of each photo that cannot be read.
    """
    located = np.flatnonzero(np.isfinite(manifest.latlon).all(axis=1))
    if len(located) < len(manifest):
        complain(f"{manifest.path}: {len(manifest) - len(located)} photos without a place left out")
    with index.changing():
        added = 0
        for vectors, rows in _portions(engine, manifest, located, set(index.rows.sha256), complain):
            added += index.add(vectors, rows, manifest.root)
        # What a run that was killed did not come to is done by the next.
        if len(index) and not index.about.get("weighed"):
            fit_weighing(engine, index)
        if "coarse" not in index.about:
            index.build_search()
    return added


def _portions(
    engine: Engine,
    manifest: Manifest,
    located: npt.NDArray[np.int64],
    known: set[str],
    complain: Callable[[str], None],
) -> Iterator[tuple[npt.NDArray[np.float32], Rows]]:
    """Vectors and rows of the photos that are new, as many at a time as a kill may cost."""
    vectors, rows, since = [], Rows.none(), time.monotonic()
    for batch in _batches(engine, manifest, located, known, complain):
        numbers = np.array([item.number for item in batch])
        places = manifest.latlon[numbers]
        crops = [np.stack(views) for views in zip(*(item.crops for item in batch), strict=True)]
        said = engine.system.predict(crops)
        task = engine.system.point_task
        belief = engine.calibration.temper(task, said.beliefs[task])
        own = belief.p[np.arange(len(batch)), cells_of(belief.over, places)]
        vectors.append(said.embedding)
        rows += Rows(
            tuple(item.name for item in batch),
            places,
            tuple(item.sha256 for item in batch),
            np.array([item.alike for item in batch], np.uint64),
            own.astype(np.float64),
        )
        if len(rows) >= PORTION or time.monotonic() - since > SECONDS:
            yield np.concatenate(vectors), rows
            vectors, rows, since = [], Rows.none(), time.monotonic()
    if len(rows):
        yield np.concatenate(vectors), rows


@dataclass(frozen=True)
class _Item:
    """A photo opened: its number in the manifest, its name, checksum, hash and crops."""

    number: int
    name: str
    sha256: str
    alike: int
    crops: list[npt.NDArray[np.uint8]]


def _batches(
    engine: Engine,
    manifest: Manifest,
    located: npt.NDArray[np.int64],
    known: set[str],
    complain: Callable[[str], None],
) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    seen = set(known)
    names = manifest.column("path").tolist()
    for number in track(located.tolist(), "indexing photos"):
        try:
            file = manifest.file(names[number])
            sha = files.sha256(file)[:32]
            if sha in seen:
                continue
            image = engine.system.open(file).image
        except PhotoError as error:
            complain(str(error))
            continue
        except OSError as error:
            complain(f"{names[number]}: cannot be read ({error.strerror or error})")
            continue
        seen.add(sha)
        alike = perceptual_hash(np.asarray(image))
        batch.append(_Item(number, names[number], sha, alike, engine.system.crops(image)))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def fit_weighing(engine: Engine, index: PhotoIndex) -> None:
    """Fit how much matches count, leaving each of a sample of the index's own photos out."""
    rows = index.rows
    index.keep(weighed=True)
    usable = np.flatnonzero(np.isfinite(rows.own))
    if len(usable) < near.FEWEST:
        return
    rng = np.random.default_rng(0)
    sample = np.sort(rng.choice(usable, min(near.SAMPLE, len(usable)), replace=False))
    found = near.neighbours(index, index.vectors_of(sample), rows.hashes[sample])
    cells = cells_of(engine.system.partitions[engine.system.point_task], rows.latlon)
    fitted = fit_on(found, rows.own[sample], cells[sample], cells)
    if fitted is not None:
        index.keep(weighing=dataclasses.asdict(fitted))


def fit_on(
    found: Sequence[Neighbours | None],
    own: npt.NDArray[np.float64],
    truth: npt.NDArray[np.int64],
    cells: npt.NDArray[np.int64],
) -> Weighing | None:
    """How much matches count, on photos whose place is known; None where these are too few.

    Args:
        found: the matches of each photo.
        own: (n,) probability that the model alone gave the true cell.
        truth: (n,) the true cells.
        cells: the cell of each of the index's rows.
    """
    kept = [i for i, one in enumerate(found) if one is not None]
    if len(kept) < near.FEWEST:
        return None
    cosine = np.full((len(kept), near.NEAREST), -np.inf)
    hit = np.zeros(cosine.shape, dtype=bool)
    for line, i in enumerate(kept):
        one = found[i]
        assert one is not None
        cosine[line, : len(one.rows)] = one.cosine
        hit[line, : len(one.rows)] = cells[one.rows] == truth[i]
    return near.fit(own[kept], cosine, hit)


def open_index(engine: Engine, folder: Path) -> PhotoIndex:
    """The index in a folder, begun where there is none, for this system's vectors.

    Raises:
        GraticuleError: another model built it, or the model has no vectors.
    """
    bundle = engine.system.bundle
    if folder.is_file():
        raise GraticuleError(f"{folder}: a file; an index is a folder")
    return PhotoIndex.create(folder, model=bundle.manifest.name, key=encoder_key(bundle))
