"""A gallery of the user's: its points encoded once by the model's network, kept, memory-mapped.

What is kept lies in the cache under a key of the network's checksum and the points, so that another
model or other points never meet the wrong vectors: ``KEY.npy`` (float32, or float16 beyond
:data:`~graticule.refine.coarse.EXACT` points) and, beyond, ``KEY.faiss`` and ``KEY.json`` with the
recall that was measured.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.cells.gallery import Gallery, read_gallery
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.progress import track
from graticule.refine import coarse
from graticule.systems.bundle import Bundle

#: Points in one run of the network.
_BLOCK = 2048
#: Points that the coarse search hands on, of which the belief is made; the others get the floor.
NARROWED = 4096
#: What recall is measured at, as the package's own answers are of this many.
RECALL_AT = 50
_QUERIES = 64

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OwnGallery:
    """Points of the user's with their vectors.

    Attributes:
        partition: the points.
        key: of points and network, what a resumed run and a calibration are compared by.
        vectors: float32 or float16 (n, d), memory-mapped.
        search: the ``.faiss`` file, or None where all points are compared.
        notes: what a user should know of it.
    """

    partition: Gallery
    key: str
    vectors: npt.NDArray[np.floating[Any]]
    search: Path | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def coarse(self) -> Any:
        """The coarse search, loaded once."""
        return None if self.search is None else coarse.load(self.search, len(self.partition))


def open_gallery(path: str | Path, bundle: Bundle) -> OwnGallery | None:
    """Read a gallery file and find its vectors, or encode them now; None for the bundle's own.

    Args:
        path: CSV with lat and lon, or a partition's Parquet.
        bundle: of a model that has ``location.onnx``.

    Raises:
        PartitionError: the file is no gallery.
        BundleError: the model cannot take another gallery, or the disk is too small.
    """
    if not bundle.has("location.onnx"):
        raise BundleError(
            f"{bundle.manifest.name}: has no network for places (location.onnx), so no gallery of "
            "your own can take the place of its points; --gallery goes with geoclip"
        )
    partition, points = read_gallery(path)
    if np.array_equal(partition.centers, bundle.partition("gallery").centers):
        return None
    return vectors_of(partition, bundle, (f"{path}: {points}",))


def vectors_of(partition: Gallery, bundle: Bundle, notes: tuple[str, ...] = ()) -> OwnGallery:
    """The vectors of a gallery's points by a bundle's network, encoded where they are not kept."""
    network = bundle.file("location.onnx")
    key = gallery_key(partition, bundle.manifest.files["location.onnx"])
    home = files.cache_dir() / "galleries"
    file = home / f"{key}.npy"
    if not file.is_file():
        _encode(partition.centers, OnnxGraph(network), file)
    try:
        vectors = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BundleError(f"{file}: cannot be read ({error}); delete it to have it anew") from error
    if vectors.ndim != 2 or len(vectors) != len(partition):
        raise BundleError(f"{file}: {vectors.shape} for {len(partition)} points; delete it")
    if len(partition) <= coarse.EXACT:
        return OwnGallery(partition, key, vectors, None, notes)
    search, said = _search(file, vectors)
    return OwnGallery(partition, key, vectors, search, (*notes, said))


def gallery_key(partition: Gallery, network_sha256: str) -> str:
    """What tells the vectors of these points by this network from all others, 32 characters."""
    points = np.ascontiguousarray(partition.centers, dtype="<f8")
    whole = hashlib.sha256(network_sha256.encode())
    whole.update(points.tobytes())
    return whole.hexdigest()[:32]


def _encode(points: npt.NDArray[np.float64], network: OnnxGraph, file: Path) -> None:
    from graticule.systems.downloads import check_room

    once, where = np.unique(points, axis=0, return_inverse=True)
    where = where.reshape(-1)
    kind: Any = np.float32 if len(points) <= coarse.EXACT else np.float16
    width = network(latlon=once[:1].astype(np.float32))["embedding"].shape[1]
    check_room(file.parent, len(points) * width * np.dtype(kind).itemsize)
    # Points that are given twice are encoded once, so blocks are of the distinct ones, in order.
    order = np.argsort(where, kind="stable")
    starts = np.searchsorted(where[order], np.arange(len(once) + 1))
    with files.atomic_path(file) as part:
        out = np.lib.format.open_memmap(part, "w+", dtype=kind, shape=(len(points), width))
        blocks = range(0, len(once), _BLOCK)
        for start in track(blocks, "encoding the gallery, once", len(blocks)):
            stop = min(start + _BLOCK, len(once))
            found = network(latlon=once[start:stop].astype(np.float32))["embedding"]
            rows = order[starts[start] : starts[stop]]
            out[rows] = found[where[rows] - start]
        out.flush()
        del out


def _search(file: Path, vectors: npt.NDArray[np.floating[Any]]) -> tuple[Path | None, str]:
    """The coarse search beside the vectors, built once, and what is to be said of it."""
    target, measured = file.with_suffix(".faiss"), file.with_suffix(".json")
    if not coarse.installed():
        return None, (
            f"{len(vectors):,} places are compared one by one with each photo; "
            "pip install 'graticule[index]' makes that faster"
        )
    if not (target.is_file() and measured.is_file()):
        coarse.build(
            target,
            len(vectors),
            vectors.shape[1],
            (
                np.asarray(vectors[at : at + _BLOCK], np.float32)
                for at in range(0, len(vectors), _BLOCK)
            ),
            lambda rows: np.asarray(vectors[rows], np.float32),
        )
        files.write_json(measured, {"recall": _recall(coarse.load(target, len(vectors)), vectors)})
    recall = files.read_json(measured)["recall"]
    return target, (
        f"{len(vectors):,} places: FAISS looks for the nearest {NARROWED:,} and finds {recall:.1%} "
        f"of the true first {RECALL_AT}"
    )


def _recall(search: Any, vectors: npt.NDArray[np.floating[Any]]) -> float:
    """Share of the exact first 50 that the coarse search hands on.

    Queries lie between a point and noise of its length, as a photo's vector lies off all points.
    """
    rng = np.random.default_rng(0)
    at = np.sort(rng.choice(len(vectors), min(_QUERIES, len(vectors)), replace=False))
    noise = rng.standard_normal((len(at), vectors.shape[1])).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    queries = np.asarray(vectors[at], np.float32) + noise
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    exact = compared(queries, vectors)
    best = np.argpartition(-exact, RECALL_AT, axis=1)[:, :RECALL_AT]
    found = search.search(queries, min(NARROWED, len(vectors)))[1]
    shared = [len(set(a) & set(b)) / RECALL_AT for a, b in zip(best, found, strict=True)]
    return float(np.mean(shared))


def compared(queries: Float32Array, vectors: npt.NDArray[np.floating[Any]]) -> Float32Array:
    """Inner products with all vectors, float32 (n, points), in blocks where these are float16."""
    if vectors.dtype == np.float32:
        return np.asarray(queries @ vectors.T, dtype=np.float32)
    out = np.empty((len(queries), len(vectors)), np.float32)
    for at in range(0, len(vectors), 16_384):
        block = np.asarray(vectors[at : at + 16_384], np.float32)
        out[:, at : at + len(block)] = queries @ block.T
    return out


def narrowed(queries: Float32Array, own: OwnGallery) -> Float32Array:
    """Inner products with the points that the coarse search finds; −inf for all others."""
    found = own.coarse.search(queries, min(NARROWED, len(own.partition)))[1]
    out = np.full((len(queries), len(own.partition)), -np.inf, np.float32)
    for row, candidates in enumerate(found):
        there = np.sort(candidates[candidates >= 0])
        out[row, there] = np.asarray(own.vectors[there], np.float32) @ queries[row]
    return out
