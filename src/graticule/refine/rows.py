"""What an index knows of its photos beside their vectors: names, places, checksums, hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import GraticuleError


@dataclass(frozen=True)
class Rows:
    """What is known of n indexed photos.

    Attributes:
        photos: their names.
        latlon: float64 (n, 2) degrees.
        sha256: of their files' bytes ("" unknown); the same file is added once.
        hashes: uint64 (n,) perceptual hashes, 0 unknown.
        own: float64 (n,) probability that the model alone gave the true place's cell, NaN unknown;
            what the weight of the index is fitted from.
    """

    photos: tuple[str, ...]
    latlon: npt.NDArray[np.float64]
    sha256: tuple[str, ...]
    hashes: npt.NDArray[np.uint64]
    own: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, kept: npt.NDArray[np.bool_]) -> Rows:
        at = np.flatnonzero(kept)
        return Rows(
            tuple(self.photos[i] for i in at),
            self.latlon[at],
            tuple(self.sha256[i] for i in at),
            self.hashes[at],
            self.own[at],
        )

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            self.photos + other.photos,
            np.concatenate([self.latlon, other.latlon]),
            self.sha256 + other.sha256,
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.own, other.own]),
        )

    @classmethod
    def none(cls) -> Rows:
        """No rows."""
        return cls((), np.empty((0, 2)), (), np.empty(0, np.uint64), np.empty(0))

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Rows:
        """The rows of Parquet files, one after the other.

        Raises:
            GraticuleError: a file cannot be read, or lacks a column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not paths:
            return cls.none()
        try:
            table = pa.concat_tables([pq.read_table(path) for path in paths])
            return cls(
                tuple(table["photo"].to_pylist()),
                np.stack([table["lat"].to_numpy(), table["lon"].to_numpy()], axis=1),
                tuple(table["sha256"].to_pylist()),
                table["hash"].to_numpy(),
                table["own"].to_numpy(),
            )
        except (OSError, KeyError, pa.ArrowException) as error:
            words = str(error).splitlines()[0]
            raise GraticuleError(
                f"{paths[0].parent}: a shard cannot be read ({words}); index again"
            ) from error

    def save(self, path: Path) -> None:
        """Write the rows as Parquet, whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table(
            {
                "photo": pa.array(self.photos, pa.string()),
                "lat": self.latlon[:, 0],
                "lon": self.latlon[:, 1],
                "sha256": pa.array(self.sha256, pa.string()),
                "hash": pa.array(self.hashes, pa.uint64()),
                "own": pa.array(self.own, pa.float64()),
            }
        )
        with files.atomic(path, "wb") as out:
            pq.write_table(table, out)
