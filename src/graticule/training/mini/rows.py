"""The rows the bundled model learns from, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.errors import ManifestError
from graticule.scenes import SCENES, scene_of
from graticule.training.mini.settings import MiniSettings, ProbeSettings

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Text = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rows:
    """n photos and what is known of them.

    Attributes:
        manifest: the same rows.
        folder: first folder of the path: the source a report names.
        fold: of five; −1 where the manifest gives none.
        country: ISO code, "" where unknown.
        city: "CC:Name", "" where unknown.
        scene: number in `graticule.scenes.SCENES`, −1 where unknown.
        group: near-duplicates share one; "" where a row stands alone.
        latlon: (n, 2) degrees, NaN where unknown.
        licence: as the manifest says it.
    """

    manifest: Manifest
    folder: Text
    fold: IntArray
    country: Text
    city: Text
    scene: IntArray
    group: Text
    latlon: FloatArray
    licence: Text

    def __len__(self) -> int:
        return len(self.folder)

    def take(self, rows: npt.NDArray[Any]) -> Rows:
        """Some of the rows, by mask or number."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Rows(
            manifest=self.manifest.filter(numbers),
            folder=self.folder[numbers],
            fold=self.fold[numbers],
            country=self.country[numbers],
            city=self.city[numbers],
            scene=self.scene[numbers],
            group=self.group[numbers],
            latlon=self.latlon[numbers],
            licence=self.licence[numbers],
        )

    @property
    def source(self) -> Text:
        """What is counted as one source in reports: the folder, small city collections together."""
        return np.array(["cities-*" if f.startswith("cities-") else f for f in self.folder])


def read_rows(manifest: Manifest, settings: MiniSettings) -> Rows:
    """The rows that may be used: a country or a scene is known, and the source is not excluded.

    Raises:
        ManifestError: no row has a country.
    """
    paths, country = manifest.column("path"), manifest.column("country")
    folder = np.array([path.partition("/")[0] for path in paths])
    fold = np.array([int(f) if f else -1 for f in manifest.column("fold")])
    labels = [scene_of(label) if label else None for label in manifest.column("scene")]
    scene = np.array([SCENES.index(s) if s else -1 for s in labels])
    city = np.array(
        [
            f"{c}:{n}" if c and n else ""
            for c, n in zip(country, manifest.column("city"), strict=True)
        ]
    )
    known = ((country != "") | (scene >= 0)) & ~np.isin(folder, settings.exclude)
    for name, step in settings.every.items():
        mine = np.flatnonzero(folder == name)
        known[np.setdiff1d(mine, mine[::step])] = False
    if not (country[known] != "").any():
        raise ManifestError(f"{manifest.path}: no row has a country to learn")
    whole = Rows(
        manifest,
        folder,
        fold,
        country,
        city,
        scene,
        manifest.column("group"),
        manifest.latlon,
        manifest.column("licence"),
    )
    return whole.take(known)


def row_weights(rows: Rows, settings: ProbeSettings) -> FloatArray:
    """What each row weighs in the loss, mean one; see :class:`ProbeSettings`."""
    keys = np.char.add(np.char.add(rows.folder, "|"), rows.country)
    _, cell, count = np.unique(keys, return_inverse=True, return_counts=True)
    weight = count[cell].astype(np.float64) ** -settings.source_power
    _, country = np.unique(rows.country, return_inverse=True)
    total = np.bincount(country, weight)
    weight *= total[country] ** -settings.country_power
    return np.asarray(weight / weight.mean())


def city_ids(rows: Rows, photos: int) -> tuple[str, ...]:
    """Cities with at least ``photos`` rows, in alphabetical order."""
    names, counts = np.unique(rows.city[rows.city != ""], return_counts=True)
    return tuple(str(name) for name in names[counts >= photos])
