"""What running a bundle costs: parameters, megabytes, milliseconds a photo."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from graticule.locate.engine import Engine
    from graticule.systems.bundle import Bundle

#: Photos that are timed, after one that is not.
_TIMED = 24


@dataclass(frozen=True)
class Cost:
    """What a system takes.

    Attributes:
        parameters: of its networks; None where they cannot be counted (the package onnx is not
            installed).
        megabytes: 10⁶ bytes of what locating reads.
        ms: a photo, decoding and all, median over single photos; None where it was not run.
        seconds: of training, where that was measured.
    """

    parameters: int | None = None
    megabytes: float | None = None
    ms: float | None = None
    seconds: float | None = None


def measure(engine: Engine, photos: Sequence[Path]) -> Cost:
    """The cost of a loaded bundle, timed on photos of the user's own."""
    bundle = engine.system.bundle
    spent = []
    for photo in list(photos)[: _TIMED + 1]:
        begun = time.perf_counter()
        for _ in engine.locate([(photo, None)]):
            pass
        spent.append(time.perf_counter() - begun)
    # The first pays for what is loaded on use.
    ms = round(1000 * float(np.median(spent[1:] or spent)), 1) if spent else None
    return Cost(parameters(bundle), megabytes(bundle), ms)


def megabytes(bundle: Bundle) -> float:
    """10⁶ bytes of a bundle's files, without the weights that are kept for further training."""
    names = ["system.json", *bundle.manifest.files]
    kept = [n for n in names if not n.startswith(("weights/", "curves"))]
    return round(sum((bundle.path / name).stat().st_size for name in kept) / 1e6, 2)


def parameters(bundle: Bundle) -> int | None:
    """Numbers in the ONNX graphs of a bundle."""
    try:
        import onnx
    except ImportError:
        return None
    total = 0
    for name in bundle.manifest.files:
        if name.endswith(".onnx"):
            graph = onnx.load(str(bundle.path / name), load_external_data=False).graph
            total += sum(int(np.prod(t.dims)) for t in graph.initializer)
    return total
