"""From torch to ONNX, so that what was trained here runs where torch is not installed."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from graticule import files

#: The newest operator set that ONNX Runtime 1.20 and torch 2.5 both speak.
OPSET = 17


def export(
    module: nn.Module,
    example: Tensor,
    path: Path,
    *,
    input_name: str,
    outputs: tuple[str, ...],
    free: str = "",
    opset: int = OPSET,
) -> None:
    """Write a module as an ONNX graph with a free batch size, whole or not at all.

    Args:
        module: takes one tensor; gives one tensor or a tuple in the order of ``outputs``.
        example: an input of any batch size.
        path: the ``.onnx`` file.
        input_name: e.g. ``pixels_0`` or ``embedding``.
        outputs: names of the outputs.
        free: what the second axis of the input is called, where its length is free too.
        opset: the operator set.
    """
    # Each part by itself: a wrapper fresh from its constructor learns, what it wraps may not.
    modes = {part: part.training for part in module.modules()}
    module.eval()
    axes = {name: {0: "n"} for name in (input_name, *outputs)}
    if free:
        axes[input_name][1] = free
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with files.atomic_path(path) as target, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about the exporter's own future
        # The tracing exporter: a tenth of the time of the newer one, and needs no onnxscript.
        torch.onnx.export(
            module,
            (example,),
            str(target),
            input_names=[input_name],
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=opset,
            dynamo=False,
        )
    for part, learning in modes.items():
        part.training = learning


def difference(module: nn.Module, example: Tensor, path: Path) -> float:
    """The largest gap between a graph's outputs and the module's, on ``example``."""
    from graticule.encoders.onnx import OnnxGraph

    graph = OnnxGraph(path)
    said = graph(**{graph.inputs[0]: example.cpu().numpy()})
    with torch.inference_mode():
        own = module.eval()(example)
    tensors = own if isinstance(own, tuple) else (own,)
    return max(
        float(np.abs(said[name] - value.float().cpu().numpy()).max())
        for name, value in zip(graph.outputs, tensors, strict=True)
    )
