"""The audit's checks that need the photos themselves: near-duplicates, and pictures that are none.

Files are opened one at a time and kept as 64 bits each, so millions fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.encoders.onnx import available_cores
from graticule.errors import PhotoError
from graticule.evaluation.audit import Finding
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
    """

    hashes: npt.NDArray[np.uint64]
    read: npt.NDArray[np.bool_]
    placeholder: npt.NDArray[np.bool_]
    burned_in: npt.NDArray[np.bool_]
    flat: npt.NDArray[np.bool_]
    gps: npt.NDArray[np.bool_]


def look(files: Sequence[Path]) -> Seen:
    """Open every photo once and note what the checks need."""

    def one(file: Path) -> tuple[int, bool, bool, bool, bool, bool]:
        try:
            photo = open_photo(file, draft=256)
        except PhotoError:
            return 0, False, False, False, False, False
        image = photo.image
        return (
            perceptual_hash(np.asarray(image)),
            True,
            looks_unavailable(image),
            has_burned_in_text(image),
            flatness(image) > FLAT,
            photo.metadata.lat is not None,
        )

    with ThreadPoolExecutor(available_cores()) as pool:
        rows = list(track(pool.map(one, files), "looking at photos", len(files)))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    hashes = np.array(columns[0], dtype=np.uint64)
    read, placeholder, burned_in, flat, gps = (np.array(c, dtype=bool) for c in columns[1:])
    return Seen(hashes, read, placeholder, burned_in, flat, gps)


def audit_pixels(train: Manifest | None, test: Manifest) -> list[Finding]:
    """Every check of pixels, on the rows of ``test``."""
    paths = test.column("path").tolist()
    seen = look([test.file(path) for path in paths])
    found = [
        _defect("unreadable photo", ~seen.read, paths, "it is judged without having been seen"),
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
        _defect("EXIF position", seen.gps, paths, "a system that reads files could read it"),
        inside(seen, paths),
    ]
    if train is not None:
        theirs = train.column("path").tolist()
        learnt = look([train.file(path) for path in theirs])
        found.append(across(learnt, theirs, seen, paths))
    return found


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
