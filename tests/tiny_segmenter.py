"""A segmentation network of one convolution as an ONNX file, with random weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest


def save_segmenter(file: Path, size: int = 32, **changes: Any) -> Any:
    """Write a graph of five classes at half the size; the network itself. Skips without torch.

    Args:
        file: the graph.
        size: side of the photos it takes.
        changes: to how torch exports it; ``sides=True`` leaves the sides free, too.
    """
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    network = torch.nn.Conv2d(3, 5, 3, 2, 1).eval()
    free = {0: "n", 2: "h", 3: "w"} if changes.pop("sides", False) else {0: "n"}
    how = {
        "input_names": ["image"],
        "output_names": ["classes"],
        "dynamic_axes": {"image": free, "classes": free},
        "opset_version": 17,
        "dynamo": False,
        **changes,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter's own future
        torch.onnx.export(network, (torch.zeros(1, 3, size, size),), str(file), **how)
    return network
