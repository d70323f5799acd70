"""The manifest as training sees it: which rows learn, which are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import ManifestError
from graticule.photos.manifest import Manifest
from graticule.systems.plan import Rows
from graticule.training.recipe import DataSpec

Mask = npt.NDArray[np.bool_]

#: Words that splits of others use for ours.
_VALIDATION = ("val", "valid", "validation", "dev")


def read_rows(manifest: Manifest, spec: DataSpec, seed: int) -> tuple[Rows, list[Path], list[str]]:
    """Rows, their files, and lines on what was done about the split.

    Raises:
        ManifestError: a split that is not there, no training row, or no photo on the disk.
    """
    notes: list[str] = []
    paths = manifest.files()
    here = np.array([path.is_file() for path in paths], dtype=bool)
    if not here.any():
        raise ManifestError(
            f"{manifest.path}: none of its {len(paths)} photos is there, the first would be "
            f"{paths[0] if paths else 'none'}"
        )
    if not here.all():
        gone = int((~here).sum())
        notes.append(f"{gone} of {len(paths)} photos are not on the disk and were left out")
    train, validation, test, how = _split(manifest, spec, seed)
    notes.append(how)
    columns = {
        name: manifest.column(name) for name in manifest.columns if name not in {"lat", "lon"}
    }
    rows = Rows(
        columns,
        manifest.latlon,
        train & here,
        validation & here,
        test & here,
        str(manifest.path),
        seed,
    )
    if not rows.train.any():
        raise ManifestError(f"{manifest.path}: no photo to train on ({how})")
    return rows, paths, notes


def read_tables(
    tables: Sequence[Manifest], spec: DataSpec, seed: int
) -> tuple[Rows, list[Path], list[str]]:
    """Rows of several manifests below one another, each split by its own columns.

    So photos with scenes and photos with places train one network without being copied into one
    table; a column that one of them lacks is unknown in its rows. See :func:`read_rows`.
    """
    found = [read_rows(table, spec, seed) for table in tables]
    if len(found) == 1:
        return found[0]
    every = [rows for rows, _, _ in found]
    names = dict.fromkeys(name for rows in every for name in rows.columns)
    rows = Rows(
        {name: np.concatenate([rows.column(name) for rows in every]) for name in names},
        np.concatenate([rows.latlon for rows in every]),
        np.concatenate([rows.train for rows in every]),
        np.concatenate([rows.validation for rows in every]),
        np.concatenate([rows.test for rows in every]),
        " + ".join(rows.where for rows in every),
        seed,
    )
    notes = [
        f"{table.path.name}: {note}"
        for table, (_, _, own) in zip(tables, found, strict=True)
        for note in own
    ]
    return rows, [path for _, paths, _ in found for path in paths], notes


def _split(manifest: Manifest, spec: DataSpec, seed: int) -> tuple[Mask, Mask, Mask, str]:
    column = spec.split
    if column == "auto":
        own = [name for name in manifest.columns if name.startswith("split_")]
        column = own[0] if own else "split" if "split" in manifest.columns else ""
    elif column:
        manifest.need(column)
    values = np.char.lower(manifest.column(column)) if column else np.full(len(manifest), "")
    if not (values == "train").any():
        if spec.split not in {"auto", ""}:
            raise ManifestError(f"{manifest.path}: no row of {column!r} says train")
        train = np.ones(len(values), dtype=bool)
        how = "no split in the manifest: all photos train"
    else:
        train = values == "train"
        how = f"split by column {column!r}"
    validation = np.isin(values, _VALIDATION)
    if not validation.any() and spec.validation > 0:
        validation = train & _set_aside(manifest, spec.validation, seed)
        train = train & ~validation
        how += f"; {spec.validation:.0%} of the training photos set aside, by group"
    return train, validation, values == "test", how


def _set_aside(manifest: Manifest, share: float, seed: int) -> Mask:
    """A share of the rows, whole groups, sequences or photographers together."""
    keys = manifest.column("path").astype(object)
    for name in ("photographer", "sequence", "group"):
        values = manifest.column(name)
        keys = np.where(values != "", np.char.add(f"{name}:", values), keys)
    limit = int(share * 2**32)
    return np.array(
        [
            int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]) < limit
            for key in keys
        ],
        dtype=bool,
    )


def manifest_hash(tables: Sequence[Manifest]) -> str:
    """SHA-256 of the manifest's file; of several, that of their sums in order."""
    sums = [files.sha256(table.path) if table.path.is_file() else "" for table in tables]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
