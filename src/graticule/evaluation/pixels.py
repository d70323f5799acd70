"""The audit's checks that need the photos themselves: near-duplicates, and pictures that are none.

Of each judged photo some 40 bytes are kept, and its path. Photos that were learnt from are opened
in portions, compared with the judged ones and forgotten: memory is that of the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from graticule.encoders.onnx import available_cores
from graticule.errors import ManifestError, PhotoError
from graticule.evaluation.finding import EXAMPLES, METADATA_PLACE, Finding, leaked
from graticule.evaluation.slices import size_classes
from graticule.photos.duplicates import groups, nearest, perceptual_hashes
from graticule.photos.manifest import Manifest
from graticule.photos.nature import flatness, looks_like_page
from graticule.photos.photo import open_photo
from graticule.photos.sources.lettering import has_burned_in_text
from graticule.photos.sources.marks import looks_unavailable
from graticule.photos.traces import names_place
from graticule.progress import track

#: Share of flat pixels above which a picture is taken for a screen, a page or a drawing.
FLAT = 0.6
#: Photos that are handed to the threads at once: a pool keeps every task it was given.
_PORTION = 4096


@dataclass(frozen=True)
class Seen:
    """What was seen of each photo, one row each.

    Attributes:
        hashes: uint64 (n,), perceptual.
        mirrored: uint64 (n,), those of the mirror images.
        read: bool (n,), it could be opened.
        placeholder: bool (n,), a service's "photo unavailable".
        burned_in: bool (n,), text or coordinates stamped into the picture.
        flat: bool (n,), a screenshot, a scan or a drawing.
        placed: bool (n,), the file holds a GPS position, or XMP or IPTC that name a place.
        timed: bool (n,), the file says when it was taken.
        side: float64 (n,), the longer side of the file in pixels, NaN where it was not read.
        absent: bool (n,), there is no such file here.
    """

    hashes: npt.NDArray[np.uint64]
    mirrored: npt.NDArray[np.uint64]
    read: npt.NDArray[np.bool_]
    placeholder: npt.NDArray[np.bool_]
    burned_in: npt.NDArray[np.bool_]
    flat: npt.NDArray[np.bool_]
    placed: npt.NDArray[np.bool_]
    timed: npt.NDArray[np.bool_]
    side: npt.NDArray[np.float64]
    absent: npt.NDArray[np.bool_]

    @classmethod
    def nothing(cls, n: int) -> Seen:
        """Of ``n`` photos, before any was opened."""
        kinds = {int: np.uint64, bool: np.bool_, float: np.float64}
        return cls(*(np.full(n, value, kinds[type(value)]) for value in _One()))

    def take(self, rows: npt.NDArray[np.bool_]) -> Seen:
        """Those of the given rows, bool (n,)."""
        return Seen(*(getattr(self, column.name)[rows] for column in fields(self)))


class _One(NamedTuple):
    """The same of one photo; as it stands, of one that cannot be read."""

    hashes: int = 0
    mirrored: int = 0
    read: bool = False
    placeholder: bool = False
    burned_in: bool = False
    flat: bool = False
    placed: bool = False
    timed: bool = False
    side: float = np.nan
    absent: bool = False


@dataclass(frozen=True)
class PixelAudit:
    """What looking at the photos gave.

    Attributes:
        findings: on the rows of the test.
        columns: to slice by, on the same rows.
        notes: what could not be looked at.
    """

    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Across(Protocol):
    """A check of judged photos against training photos, which it is shown in portions."""

    def see(self, manifest: Manifest, paths: Sequence[str], seen: Seen) -> None:
        """Look at some more training photos: paths in their manifest, and what was seen of each."""

    def finding(self) -> Finding:
        """What was found among all that were shown."""


#: Makes the check of vectors for judged photos and what was seen of them.
Likeness = Callable[[Manifest, Seen], Across]


def look(files: Iterable[Path], n: int, *, judged: bool = True) -> Seen:
    """Open ``n`` photos once each and note what the checks need; paths are asked for as it goes.

    Of photos that are not ``judged`` only hashes, ``read``, ``placeholder`` and ``absent`` are
    needed: looking for text and pages is most of the work.
    """
    seen = Seen.nothing(n)
    columns = [getattr(seen, column.name) for column in fields(seen)]
    left = iter(files)
    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, n, _PORTION):
            part = list(islice(left, _PORTION))
            ones = track(
                pool.map(partial(_look, judged=judged), part), "looking at photos", len(part)
            )
            for row, one in enumerate(ones, start):
                for column, value in zip(columns, one, strict=True):
                    column[row] = value
    return seen


def _look(file: Path, *, judged: bool) -> _One:
    try:
        photo = open_photo(file)
        data = file.read_bytes() if judged else b""
    except (PhotoError, OSError):
        return _One(absent=not file.exists())
    image = photo.image
    own, mirrored = perceptual_hashes(np.asarray(image))
    seen = _One(own, mirrored, read=True, placeholder=looks_unavailable(image))
    if not judged:
        return seen
    return seen._replace(
        burned_in=has_burned_in_text(image),
        flat=flatness(image) > FLAT or looks_like_page(image),
        placed=photo.metadata.lat is not None or names_place(data, photo.name),
        timed=photo.metadata.captured_at is not None,
        side=float(max(photo.size)),
    )


def audit_pixels(
    train: Manifest | None, test: Manifest, likeness: Likeness | None = None
) -> PixelAudit:
    """Every check of pixels, on the rows of ``test``.

    Args:
        train: what was learnt from, to look for near-duplicates in.
        test: the judged photos.
        likeness: finds photos alike across the two by their vectors, beside the hashes.
    """
    paths = test.column("path").tolist()
    seen = _look_at(test, paths, judged=True)
    if seen.absent.all():
        return PixelAudit(notes=("none of the photos is on this machine: none was looked at",))
    notes = _absent(int(seen.absent.sum()), len(paths), paths[int(seen.absent.argmax())], "photos")
    found = defects(seen, paths)
    if train is not None:
        across: list[Across] = [Twins(seen, paths)]
        if likeness is not None:
            across.append(likeness(test, seen))
        said, is_any = _pass_by(train, across)
        notes += said
        if is_any:
            found += [check.finding() for check in across]
    exif = np.where(seen.read, np.where(seen.timed, "yes", "no"), "")
    columns = {"EXIF time": exif, "photo size": size_classes(seen.side)}
    varied = {name: column for name, column in columns.items() if len(np.unique(column)) > 1}
    return PixelAudit(tuple(found), varied, tuple(notes))


def defects(seen: Seen, paths: Sequence[str]) -> list[Finding]:
    """Every check of what was seen of the judged photos themselves."""
    return [
        _defect(
            "unreadable photo",
            ~seen.read & ~seen.absent,
            paths,
            "it is judged without having been seen",
        ),
        _defect(
            "photo unavailable",
            seen.placeholder,
            paths,
            "a service's placeholder stands in the photo's place",
        ),
        _defect(
            "burned-in text", seen.burned_in, paths, "the answer may be written in the picture"
        ),
        _defect(
            "screenshot, scan or drawing", seen.flat, paths, "no photo, so no place to be seen"
        ),
        _defect(METADATA_PLACE, seen.placed, paths, "a system that reads files could read it"),
        inside(seen, paths),
    ]


def _pass_by(train: Manifest, across: Sequence[Across]) -> tuple[list[str], bool]:
    """Show the training photos to the checks; what is to be said of it, and if any was there."""
    total, absent, first = 0, 0, ""
    for batch in train.batches(["path"]):
        paths = [path or "" for path in batch.column(0).to_pylist()]
        seen = _look_at(train, paths, judged=False)
        if seen.absent.any() and not absent:
            first = paths[int(seen.absent.argmax())]
        total, absent = total + len(paths), absent + int(seen.absent.sum())
        for check in across:
            check.see(train, paths, seen)
    if absent == total:
        return ["none of the training photos is on this machine: none was looked at"], False
    return _absent(absent, total, first, "training photos"), True


def _absent(absent: int, total: int, first: str, what: str) -> list[str]:
    if not absent:
        return []
    return [
        f"{absent:,} of {total:,} {what} are not on this machine and were not looked at: {first}"
    ]


def _look_at(manifest: Manifest, paths: Sequence[str], *, judged: bool) -> Seen:
    return look((_file(manifest, path) for path in paths), len(paths), judged=judged)


class Twins:
    """Test photos that look almost exactly like a training photo, or like one in a mirror.

    Args:
        test: what was seen of the judged photos.
        paths: of them.
    """

    def __init__(self, test: Seen, paths: Sequence[str]) -> None:
        self._test, self._paths = test, paths
        self._asked = np.flatnonzero(usable_rows(test))
        self._twin: dict[int, str] = {}

    def see(self, manifest: Manifest, paths: Sequence[str], seen: Seen) -> None:
        """Keep a twin of each judged photo that has none yet."""
        there = np.flatnonzero(usable_rows(seen))
        for hashes, words in ((self._test.hashes, ""), (self._test.mirrored, " (mirrored)")):
            near = nearest(hashes[self._asked], seen.hashes[there])
            hit = near >= 0
            for row, twin in zip(self._asked[hit], there[near[hit]], strict=True):
                self._twin[int(row)] = f"{paths[twin]}{words}"
            self._asked = self._asked[~hit]

    def finding(self) -> Finding:
        """The judged photos that have one."""
        rows = np.zeros(len(self._paths), dtype=bool)
        rows[list(self._twin)] = True
        return leaked(
            "near-duplicate of training",
            self._paths,
            rows,
            self._twin.__getitem__,
            "the photo, its mirror image, or one beside it in a burst, was trained on",
        )


def inside(seen: Seen, paths: Sequence[str]) -> Finding:
    """All but the first of photos that look almost exactly alike within the test."""
    labels = groups(seen.hashes, usable_rows(seen))
    known, first = np.unique(labels, return_index=True)
    earlier = first[np.searchsorted(known, labels)]
    rows = (labels >= 0) & (earlier != np.arange(len(labels)))
    examples = [f"{paths[i]} = {paths[earlier[i]]}" for i in np.flatnonzero(rows)[:EXAMPLES]]
    return Finding(
        "near-duplicate within the test",
        rows,
        tuple(examples),
        "one picture is counted more than once",
        leak=False,
    )


def usable_rows(seen: Seen) -> npt.NDArray[np.bool_]:
    """Photos whose hash says something: read, no placeholder, not one flat colour."""
    return np.asarray(seen.read & ~seen.placeholder & (np.bitwise_count(seen.hashes) > 8))


def _defect(kind: str, rows: npt.NDArray[np.bool_], paths: Sequence[str], means: str) -> Finding:
    examples = tuple(paths[i] for i in np.flatnonzero(rows)[:EXAMPLES])
    return Finding(kind, rows, examples, means, leak=False)


def _file(manifest: Manifest, path: str) -> Path:
    """The photo's file, or one that is not there where the path may not be followed."""
    try:
        return manifest.file(path)
    except ManifestError:
        return manifest.root / "no such photo"
