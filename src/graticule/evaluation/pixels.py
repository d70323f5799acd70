"""The audit's checks that need the photos themselves: near-duplicates, and pictures that are none.

Files are opened one at a time and kept as 64 bits each, so millions fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.encoders.onnx import available_cores
from graticule.errors import ManifestError, PhotoError
from graticule.evaluation.audit import EXIF_POSITION, Finding
from graticule.evaluation.slices import size_classes
from graticule.photos.duplicates import groups, perceptual_hash
from graticule.photos.manifest import Manifest
from graticule.photos.nature import flatness
from graticule.photos.photo import open_photo
from graticule.photos.sources.marks import has_burned_in_text, looks_unavailable
from graticule.progress import track

#: Share of flat pixels above which a picture is taken for a screen, a page or a drawing.
FLAT = 0.6
_EXAMPLES = 5


@dataclass(frozen=True)
class Seen:
    """What was seen of each photo, one row each.

    Attributes:
        hashes: uint64 (n,), perceptual.
        read: bool (n,), it could be opened.
        placeholder: bool (n,), a service's "photo unavailable".
        burned_in: bool (n,), text or coordinates stamped into the picture.
        flat: bool (n,), a screenshot, a scan or a drawing.
        gps: bool (n,), the file still holds a GPS position.
        timed: bool (n,), the file says when it was taken.
        side: float64 (n,), the longer side of the file in pixels, NaN where it was not read.
        absent: bool (n,), there is no such file here.
    """

    hashes: npt.NDArray[np.uint64]
    read: npt.NDArray[np.bool_]
    placeholder: npt.NDArray[np.bool_]
    burned_in: npt.NDArray[np.bool_]
    flat: npt.NDArray[np.bool_]
    gps: npt.NDArray[np.bool_]
    timed: npt.NDArray[np.bool_]
    side: npt.NDArray[np.float64]
    absent: npt.NDArray[np.bool_]


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


#: Finds test photos that are alike a training photo by their vectors.
Likeness = Callable[[Manifest, Seen, Manifest, Seen], Finding]


def look(files: Sequence[Path]) -> Seen:
    """Open every photo once and note what the checks need."""

    def one(file: Path) -> tuple[int, bool, bool, bool, bool, bool, bool, float, bool]:
        try:
            photo = open_photo(file, draft=256)
        except PhotoError:
            gone = not file.exists()
            return 0, False, False, False, False, False, False, np.nan, gone
        image = photo.image
        return (
            perceptual_hash(np.asarray(image)),
            True,
            looks_unavailable(image),
            has_burned_in_text(image),
            flatness(image) > FLAT,
            photo.metadata.lat is not None,
            photo.metadata.captured_at is not None,
            float(max(photo.size)),
            False,
        )

    rows = []
    with ThreadPoolExecutor(available_cores()) as pool:
        # In portions: a pool keeps every task it was given.
        for start in range(0, len(files), 4096):
            part = files[start : start + 4096]
            rows += list(track(pool.map(one, part), "looking at photos", len(part)))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 9
    hashes, side = np.array(columns[0], dtype=np.uint64), np.array(columns[7], dtype=np.float64)
    flags = [np.array(columns[i], dtype=bool) for i in (1, 2, 3, 4, 5, 6, 8)]
    read, placeholder, burned_in, flat, gps, timed, absent = flags
    return Seen(hashes, read, placeholder, burned_in, flat, gps, timed, side, absent)


def audit_pixels(
    train: Manifest | None, test: Manifest, likeness: Likeness | None = None
) -> PixelAudit:
    """Every check of pixels, on the rows of ``test``.

    Args:
        train: what was learnt from, to look for near-duplicates in.
        test: the judged photos.
        likeness: finds photos alike across the two by their vectors, after the hashes have.
    """
    paths = test.column("path").tolist()
    seen = look([_file(test, path) for path in paths])
    if seen.absent.all():
        return PixelAudit(notes=("none of the photos is on this machine: none was looked at",))
    notes = []
    if seen.absent.any():
        first = paths[int(seen.absent.argmax())]
        notes.append(
            f"{int(seen.absent.sum()):,} of {len(paths):,} photos are not on this machine and were "
            f"not looked at: {first}"
        )
    found = [
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
        _defect(EXIF_POSITION, seen.gps, paths, "a system that reads files could read it"),
        inside(seen, paths),
    ]
    if train is not None:
        theirs = train.column("path").tolist()
        learnt = look([_file(train, path) for path in theirs])
        if learnt.absent.all():
            notes.append("none of the training photos is on this machine: none was looked at")
        else:
            found.append(across(learnt, theirs, seen, paths))
            if likeness is not None:
                found.append(likeness(train, learnt, test, seen))
    exif = np.where(seen.read, np.where(seen.timed, "yes", "no"), "")
    columns = {"EXIF time": exif, "photo size": size_classes(seen.side)}
    varied = {name: column for name, column in columns.items() if len(np.unique(column)) > 1}
    return PixelAudit(tuple(found), varied, tuple(notes))


def across(
    train: Seen, train_paths: Sequence[str], test: Seen, test_paths: Sequence[str]
) -> Finding:
    """Test photos that look almost exactly like a training photo."""
    n = len(test_paths)
    labels = groups(
        np.concatenate([test.hashes, train.hashes]),
        np.concatenate([usable_rows(test), usable_rows(train)]),
    )
    ours, theirs = labels[:n], labels[n:]
    known, first = np.unique(theirs, return_index=True)
    place = np.minimum(np.searchsorted(known, ours), len(known) - 1)
    twin = np.where((ours >= 0) & (known[place] == ours), first[place], -1)
    rows = twin >= 0
    examples = [
        f"{test_paths[i]} ← {train_paths[twin[i]]}" for i in np.flatnonzero(rows)[:_EXAMPLES]
    ]
    return Finding(
        "near-duplicate of training",
        rows,
        tuple(examples),
        "the photo, or one beside it in a burst, was trained on",
        leak=True,
    )


def inside(seen: Seen, paths: Sequence[str]) -> Finding:
    """All but the first of photos that look almost exactly alike within the test."""
    labels = groups(seen.hashes, usable_rows(seen))
    known, first = np.unique(labels, return_index=True)
    earlier = first[np.searchsorted(known, labels)]
    rows = (labels >= 0) & (earlier != np.arange(len(labels)))
    examples = [f"{paths[i]} = {paths[earlier[i]]}" for i in np.flatnonzero(rows)[:_EXAMPLES]]
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
    examples = tuple(paths[i] for i in np.flatnonzero(rows)[:_EXAMPLES])
    return Finding(kind, rows, examples, means, leak=False)


def _file(manifest: Manifest, path: str) -> Path:
    """The photo's file, or one that is not there where the path may not be followed."""
    try:
        return manifest.file(path)
    except ManifestError:
        return manifest.root / "no such photo"
