"""The networks of a bundle that training wrote: one of them, or several that share encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graticule.encoders.fused import joined
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle
from graticule.systems.system import Pixels

Float32Array = npt.NDArray[np.float32]


class Networks:
    """Runs the networks of a bundle by name.

    A bundle of one network has ``encoder.onnx`` and ``heads.onnx``; one of several lists them in
    its settings ``encoders`` and ``networks``. A network over fused encoders lists them all, and
    whether each vector is brought to unit length first.
    """

    def __init__(self, bundle: Bundle, wanted: Sequence[str]) -> None:
        """Load the networks a system needs; the others stay on the disk.

        Raises:
            BundleError: the bundle lacks one of them, or a head wants vectors of another length
                than its encoder gives.
        """
        settings = bundle.manifest.settings
        listed = settings.get("networks") or {
            name: {"encoder": 0, "head": "heads.onnx"} for name in wanted
        }
        files = settings.get("encoders") or [{"file": "encoder.onnx", "input": 0}]
        self._heads: dict[str, tuple[list[int], bool, OnnxGraph]] = {}
        for name in wanted:
            if name not in listed:
                raise BundleError(f"{bundle.path}: no network {name!r} in this bundle")
            item = listed[name]
            numbers = [int(n) for n in item.get("fused", [item["encoder"]])]
            head = OnnxGraph(bundle.file(item["head"]))
            self._heads[name] = numbers, bool(item.get("unit", False)), head
        self._encoders = {
            number: (OnnxGraph(bundle.file(files[number]["file"])), int(files[number]["input"]))
            for number in {n for numbers, _, _ in self._heads.values() for n in numbers}
        }
        for name, (numbers, _, head) in self._heads.items():
            widths = [self._encoders[number][0].width("embedding") for number in numbers]
            wants = head.width("embedding")
            given = sum(width or 0 for width in widths)
            if wants is not None and all(widths) and given != wants:
                raise BundleError(
                    f"{bundle.path}: the encoder of network {name!r} gives vectors of {given} "
                    f"numbers, its head wants {wants}; they are of two bundles"
                )

    def run(
        self,
        name: str,
        pixels: Sequence[Pixels],
        vectors: dict[int, Float32Array] | None = None,
    ) -> tuple[Mapping[str, Float32Array], Float32Array]:
        """One network on a batch: its outputs by task, and its encoders' vectors (n, d).

        Args:
            name: of the network.
            pixels: one array for each input of the bundle.
            vectors: of encoders that saw these pixels already, by number; added to.
        """
        numbers, unit, head = self._heads[name]
        known = {} if vectors is None else vectors
        for number in numbers:
            if number not in known:
                encoder, place = self._encoders[number]
                known[number] = encoder(pixels_0=pixels[place])["embedding"]
        embedding = joined([known[number] for number in numbers], unit=unit)
        return head(embedding=embedding), embedding
