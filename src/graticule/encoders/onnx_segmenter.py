"""A segmentation network as an ONNX file, so that any comes in without a line here: HRNet, say.

The graph takes normalised photos, float32 (n, 3, h, w) with n free and h, w free or fixed, and its
first output is the logits, (n, classes, h', w'). Where a bundle is written, the graph becomes the
middle of the encoder's own: pixels → photos → the file's graph → map → vector.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule import files
from graticule.encoders.encoder import FromPixels
from graticule.encoders.export import export
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import GraticuleError, RecipeError

#: Colours there are.
_MOST_CLASSES: Final = 256
#: Operator sets that torch's exporter can write the rest of the encoder in.
_OPSETS: Final = range(14, 21)


class OnnxSegmenter(FromPixels):
    """Run a graph on pixels.

    Attributes:
        file: the graph.
        classes: how many it tells apart, read from its output.
    """

    def __init__(self, file: Path, normalise: str, size: int) -> None:
        """Load the graph and try it once.

        Args:
            file: the graph.
            normalise: mean and standard deviation of the photos it takes.
            size: side of the pixels it will be given.

        Raises:
            RecipeError: it does not take photos, or does not give logits by class.
        """
        super().__init__(normalise)
        self.file = file
        self._graph = OnnxGraph(file)
        taken = self._graph.shape(self._graph.inputs[0]) if self._graph.inputs else ()
        high, wide = (*taken[2:], None, None)[:2]
        self._side = (high or size, wide or size)
        try:
            blank = torch.zeros(2, size, size, 3, dtype=torch.uint8)
            self._shape = tuple(self(blank).shape)
        except Exception as error:  # ONNX Runtime has no public base class for its errors
            raise _unfit(file, str(error).splitlines()[0]) from error
        if len(self._shape) != 4 or self._shape[0] != 2:
            raise _unfit(file, f"it gave {self._shape} for two photos")
        self.classes = self._shape[1]
        if not 2 <= self.classes <= _MOST_CLASSES:
            raise _unfit(file, f"{self.classes} classes; 2 to {_MOST_CLASSES} can be coloured")
        # Part of the encoder's own hash: vectors of another graph are never taken for these.
        digest = torch.from_numpy(np.frombuffer(bytes.fromhex(files.sha256(file)), np.uint8).copy())
        self.register_buffer("sha256", digest)

    def photos(self, pixels: Tensor) -> Tensor:
        """Pixels as the graph takes them."""
        x = self.normalised(pixels)
        if tuple(x.shape[2:]) == self._side:
            return x
        return functional.interpolate(x, size=self._side, mode="bilinear", align_corners=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, classes, h, w) of pixels uint8 (n, size, size, 3)."""
        graph = self._graph
        photos = self.photos(pixels).detach().cpu().numpy()
        logits = graph(**{graph.inputs[0]: photos})[graph.outputs[0]]
        return torch.from_numpy(logits).to(pixels.device)

    def blank_logits(self) -> Tensor:
        """Zeros in the shape of one photo's logits."""
        return torch.zeros(1, *self._shape[1:])


class _Front(nn.Module):
    """What stands before the graph: pixels → photos."""

    def __init__(self, segmenter: OnnxSegmenter) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, pixels: Tensor) -> Tensor:
        return self.segmenter.photos(pixels)


def write_around(segmenter: OnnxSegmenter, behind: nn.Module, path: Path, size: int) -> None:
    """Write pixels → photos → the segmenter's graph → vectors as one graph.

    Args:
        segmenter: the middle.
        behind: logits → vectors (n, dim).
        path: the ``.onnx`` file.
        size: side of the pixels.

    Raises:
        GraticuleError: the segmenter's graph is of an operator set that the rest cannot be written
            in, or does not fit.
    """
    import onnx
    from onnx import compose

    middle = onnx.load(segmenter.file)
    sets = {item.domain: item.version for item in middle.opset_import}
    opset = sets.get("", sets.get("ai.onnx", 0))
    if opset not in _OPSETS:
        raise GraticuleError(
            f"{segmenter.file}: of operator set {opset}; export it with one of {_OPSETS.start} to "
            f"{_OPSETS.stop - 1}, 17 best"
        )
    graph = segmenter._graph
    taken, given = graph.inputs[0], graph.outputs[0]
    with tempfile.TemporaryDirectory() as folder:
        front, back = Path(folder) / "front.onnx", Path(folder) / "back.onnx"
        pixels = torch.zeros(1, size, size, 3, dtype=torch.uint8)
        export(
            _Front(segmenter), pixels, front, input_name="pixels_0", outputs=("photos",),
            opset=opset,
        )  # fmt: skip
        export(
            behind, segmenter.blank_logits(), back, input_name="logits", outputs=("embedding",),
            opset=opset,
        )  # fmt: skip
        keep = {"rename_inputs": False, "rename_outputs": False}
        parts = [
            compose.add_prefix(onnx.load(front), "front/", **keep),
            compose.add_prefix(middle, "middle/"),
            compose.add_prefix(onnx.load(back), "back/", **keep),
        ]
    newest = max(part.ir_version for part in parts)
    for part in parts:
        part.ir_version = newest
    joints = [[("photos", f"middle/{taken}")], [(f"middle/{given}", "logits")]]
    try:
        whole = compose.merge_models(parts[0], parts[1], io_map=joints[0])
        whole = compose.merge_models(whole, parts[2], io_map=joints[1], outputs=["embedding"])
        with files.atomic_path(path) as target:
            onnx.save(whole, target)
            OnnxGraph(target)
    except (ValueError, onnx.checker.ValidationError, GraticuleError) as error:
        words = str(error).splitlines()[0]
        raise GraticuleError(f"{segmenter.file}: does not fit into a bundle ({words})") from error


def _unfit(file: Path, why: str) -> RecipeError:
    return RecipeError(
        f"{file}: not a segmentation network as wanted, photos (n, 3, h, w) with n free → logits "
        f"(n, classes, h, w): {why}"
    )
