"""What is known about the photos that predictions are judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.evaluation.names import country_codes

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
StringArray = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Truth:
    """The judged photos, one row each.

    Attributes:
        paths: as the manifest writes them.
        latlon: float64 (n, 2), NaN where only a country or city is known: such photos judge names,
            never distances.
        columns: further string columns of the manifest (country, city, scene, source, photographer,
            group …), "" where unknown; countries as codes.
        notes: what could not be read, one line each.
    """

    paths: tuple[str, ...]
    latlon: FloatArray
    columns: Mapping[str, StringArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> Truth:
        """The photos of a manifest, all its text columns with them."""
        others = [n for n in manifest.columns if n not in {"path", "lat", "lon"}]
        columns = {name: manifest.column(name) for name in others}
        notes: tuple[str, ...] = ()
        if "country" in columns:
            columns["country"], notes = country_codes(columns["country"])
        return cls(tuple(manifest.column("path").tolist()), manifest.latlon, columns, notes)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def located(self) -> npt.NDArray[np.bool_]:
        """Which photos have coordinates of a place on Earth, bool (n,)."""
        # NaN is within nothing.
        return np.asarray((np.abs(self.latlon) <= [90, 180]).all(axis=1))

    def column(self, name: str) -> StringArray:
        """A column, or empty strings where the manifest has none of that name."""
        return self.columns.get(name, np.full(len(self), "", dtype=np.str_))

    def take(self, rows: IntArray | npt.NDArray[np.bool_]) -> Truth:
        """The given rows."""
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Truth(
            tuple(self.paths[i] for i in numbers),
            self.latlon[numbers],
            {name: values[numbers] for name, values in self.columns.items()},
            self.notes,
        )

    def countries(self) -> StringArray:
        """Country code of each photo: as the manifest says, else from its coordinates."""
        codes = self.column("country").astype(object)
        unknown = (codes == "") & self.located
        if unknown.any():
            from graticule import atlas

            codes[unknown] = atlas.countries(self.latlon[unknown])
        return codes.astype(np.str_)

    def clusters(self) -> StringArray:
        """What makes photos dependent, for the bootstrap; "" for a photo that stands alone.

        The first that is known of each photo: photographer, sequence, landmark, group.
        """
        labels = np.full(len(self), "", dtype=object)
        for name in ("photographer", "sequence", "landmark", "group"):
            column = self.column(name)
            use = (labels == "") & (column != "")
            labels[use] = np.char.add(f"{name}:", column[use])
        return labels.astype(np.str_)


def portions(photos: Truth | Manifest, columns: Sequence[str]) -> Iterator[Truth]:
    """Photos some ten thousand at a time, with these columns alone.

    A manifest is read as its portions are asked for, and none is kept; photos that are in memory
    come as one portion.
    """
    if isinstance(photos, Truth):
        yield photos
        return
    names = [name for name in ("path", "lat", "lon", *columns) if name in photos.columns]
    for batch in photos.batches(names):
        here = {name: batch.column(i) for i, name in enumerate(names)}
        latlon = np.full((batch.num_rows, 2), np.nan)
        if "lat" in here:
            for side, name in enumerate(("lat", "lon")):
                latlon[:, side] = here[name].to_numpy(zero_copy_only=False)
        text = {
            name: np.array([value or "" for value in here[name].to_pylist()], dtype=np.str_)
            for name in columns
            if name in here
        }
        yield Truth(tuple(value or "" for value in here["path"].to_pylist()), latlon, text)
