"""Polygons and lines on disk: quantised steps from point to point, in a plain ``.npz``.

A layer is a list of shapes, each a list of polygons, each a list of rings, each a list of points.
Points are whole multiples of ``step`` degrees; what is stored is the difference to the point
before, its sign folded into the lowest bit, its four bytes in four planes: near points differ by
little, so the upper planes are nearly all zero and deflate to nothing. Nothing is pickled.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: The folder of the built files; see its PROVENANCE.md.
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, eq=False)
class Layer:
    """Shapes and what is known of each.

    Attributes:
        columns: name → one value a shape.
        points: float64 (p, 2), lon/lat of all rings, one after the other, closed.
        ring_ends: int64, where each ring ends in ``points``.
        polygon_ends: int64, where each polygon ends in ``ring_ends``; its first ring is its shell.
        shape_ends: int64, where each shape ends in ``polygon_ends``.
    """

    columns: Mapping[str, Sequence[Any]]
    points: FloatArray
    ring_ends: IntArray
    polygon_ends: IntArray
    shape_ends: IntArray

    def rings(self) -> list[FloatArray]:
        """All rings, each (n, 2) lon/lat."""
        return np.split(self.points, self.ring_ends[:-1])

    def geometries(self) -> npt.NDArray[Any]:
        """One shapely MultiPolygon a shape, in lon/lat order, shape (n,)."""
        import shapely

        offsets = [np.concatenate([[0], ends]) for ends in self._ends()]
        made: npt.NDArray[Any] = shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON, self.points, tuple(offsets)
        )
        return made

    def _ends(self) -> tuple[IntArray, IntArray, IntArray]:
        return self.ring_ends, self.polygon_ends, self.shape_ends


def _counts(ends: IntArray) -> npt.NDArray[np.int32]:
    return np.diff(ends, prepend=0).astype(np.int32)


def fold(deltas: IntArray) -> npt.NDArray[np.uint8]:
    """Signed steps as four planes of bytes, shape (4, n)."""
    folded = ((deltas << 1) ^ (deltas >> 63)).astype("<u4")
    return np.ascontiguousarray(folded.view(np.uint8).reshape(-1, 4).T)


def unfold(planes: npt.NDArray[np.uint8]) -> IntArray:
    """The signed steps of four planes of bytes, int64 (n,): the inverse of :func:`fold`."""
    folded = np.ascontiguousarray(planes.T).view("<u4").reshape(-1).astype(np.int64)
    return (folded >> 1) ^ -(folded & 1)


def write(path: str | os.PathLike[str], layer: Layer, step: float) -> None:
    """Write a layer with its points rounded to multiples of ``step`` degrees.

    Consecutive equal points are kept: a ring keeps its number of points.
    """
    whole = np.round(layer.points / step).astype(np.int64)
    deltas = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64))
    table = json.dumps({k: list(v) for k, v in layer.columns.items()}, ensure_ascii=False)
    np.savez_compressed(
        path,
        table=np.frombuffer(table.encode(), np.uint8),
        step=np.float64(step),
        x=fold(deltas[:, 0]),
        y=fold(deltas[:, 1]),
        rings=_counts(layer.ring_ends),
        polygons=_counts(layer.polygon_ends),
        shapes=_counts(layer.shape_ends),
    )


def read(name: str) -> Layer:
    """Read a layer of the atlas by name.

    Raises:
        GraticuleError: the file is missing or broken.
    """
    path = DATA / f"{name}.npz"
    with open_data(path) as file:
        steps = np.stack([unfold(file["x"]), unfold(file["y"])], axis=1)
        # Divided by the whole inverse, 180° stays 180° exactly.
        points = np.cumsum(steps, axis=0) / round(1 / float(file["step"]))
        ends = [np.cumsum(file[key], dtype=np.int64) for key in ("rings", "polygons", "shapes")]
        return Layer(json.loads(file["table"].tobytes()), points, *ends)


def open_data(path: Path) -> Any:
    """Open a built ``.npz`` of the atlas; pickled content is refused.

    Raises:
        GraticuleError: the file is missing or broken.
    """
    from zipfile import BadZipFile

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, BadZipFile) as error:
        raise GraticuleError(
            f"{path}: the atlas cannot read its own data ({error}); install graticule again"
        ) from error


def read_grid(name: str) -> npt.NDArray[np.int16]:
    """The grid of a layer (:func:`graticule.atlas.lookup.grid`), int16 (rows, columns)."""
    with open_data(DATA / f"{name}-grid.npz") as file:
        cells: npt.NDArray[np.int16] = file["cells"]
        return cells


def write_grid(path: str | os.PathLike[str], cells: npt.NDArray[np.int16]) -> None:
    """Write the grid of a layer."""
    np.savez_compressed(path, cells=cells)


def from_geometries(columns: Mapping[str, Sequence[Any]], geometries: Sequence[Any]) -> Layer:
    """A layer of shapely polygons or multipolygons."""
    import shapely

    multi = [g if g.geom_type == "MultiPolygon" else shapely.multipolygons([g]) for g in geometries]
    kind, points, offsets = shapely.to_ragged_array(multi)
    assert kind == shapely.GeometryType.MULTIPOLYGON
    rings, polygons, shapes = (np.asarray(o[1:], np.int64) for o in offsets)
    return Layer(columns, points[:, :2], rings, polygons, shapes)


def from_lines(lines: Sequence[FloatArray]) -> Layer:
    """A layer of bare rings or lines: one shape, one polygon a line."""
    ends = np.cumsum([len(line) for line in lines])
    count = np.arange(1, len(lines) + 1, dtype=np.int64)
    return Layer({}, np.concatenate(lines), ends, count, np.array([len(lines)], np.int64))
