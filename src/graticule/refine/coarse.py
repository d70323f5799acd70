"""A coarse search by FAISS over many vectors: inverted lists, eight bits a number.

What it finds is compared exactly by its caller. Without FAISS nothing is built, and the caller
compares all.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import GraticuleError

#: Vectors that are compared one by one; beyond, FAISS narrows the search where it is installed.
EXACT = 100_000
#: Lists of the coarse search that are looked into.
PROBES = 32

Float32Array = npt.NDArray[np.float32]


def installed() -> bool:
    """Whether FAISS is here."""
    return importlib.util.find_spec("faiss") is not None


def build(
    path: Path,
    n: int,
    width: int,
    blocks: Iterable[Float32Array],
    rows: Callable[[npt.NDArray[np.int64]], Float32Array],
) -> None:
    """Write a search over ``n`` unit vectors, whole or not at all.

    Args:
        path: the ``.faiss`` file.
        n: how many.
        width: numbers of each.
        blocks: all of them, in order.
        rows: some of them, by their numbers; the lists are learnt from a sample.
    """
    import faiss

    lists = int(4 * np.sqrt(n))
    quantizer = faiss.IndexFlatIP(width)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, width, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter = 10  # of k-means; after that the lists hardly move, and each costs as much
    rng = np.random.default_rng(0)
    index.train(rows(np.sort(rng.choice(n, min(n, 40 * lists), replace=False))))
    for block in blocks:
        index.add(block)
    with files.atomic_path(path) as part:
        faiss.write_index(index, str(part))


def load(path: Path, n: int) -> Any:
    """The search of a file.

    Raises:
        GraticuleError: it cannot be read, or is of other vectors.
    """
    import faiss

    try:
        found: Any = faiss.read_index(str(path))
    except RuntimeError as error:
        raise GraticuleError(
            f"{path}: cannot be read by FAISS; delete it to have it anew"
        ) from error
    if found.ntotal != n:
        raise GraticuleError(f"{path}: of {found.ntotal:,} vectors, not {n:,}; delete it")
    found.nprobe = PROBES
    return found
