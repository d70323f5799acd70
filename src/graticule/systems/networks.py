"""The networks of a bundle that training wrote: one of them, or several that share encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle
from graticule.systems.system import Pixels

Float32Array = npt.NDArray[np.float32]


class Networks:
    """Runs the networks of a bundle by name.

    A bundle of one network has ``encoder.onnx`` and ``heads.onnx``; one of several lists them in
    its settings ``encoders`` and ``networks``.
    """

    def __init__(self, bundle: Bundle, wanted: Sequence[str]) -> None:
        """Load the networks a system needs; the others stay on the disk.

        Raises:
            BundleError: the bundle lacks one of them.
        """
        settings = bundle.manifest.settings
        if "networks" not in settings:
            encoder, heads = bundle.file("encoder.onnx"), bundle.file("heads.onnx")
            self._encoders = {0: (OnnxGraph(encoder), 0)}
            self._heads = dict.fromkeys(wanted, (0, OnnxGraph(heads)))
            return
        self._heads = {}
        for name in wanted:
            if name not in settings["networks"]:
                raise BundleError(f"{bundle.path}: no network {name!r} in this bundle")
            item = settings["networks"][name]
            self._heads[name] = (int(item["encoder"]), OnnxGraph(bundle.file(item["head"])))
        self._encoders = {
            number: (
                OnnxGraph(bundle.file(settings["encoders"][number]["file"])),
                int(settings["encoders"][number]["input"]),
            )
            for number in {number for number, _ in self._heads.values()}
        }

    def run(
        self, name: str, pixels: Sequence[Pixels]
    ) -> tuple[Mapping[str, Float32Array], Float32Array]:
        """One network on a batch: its outputs by task, and its encoder's vectors (n, d)."""
        number, head = self._heads[name]
        encoder, place = self._encoders[number]
        embedding = encoder(pixels_0=pixels[place])["embedding"]
        return head(embedding=embedding), embedding
