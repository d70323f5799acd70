"""Run an ONNX graph: the only way a network speaks in the base install."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.errors import BundleError


class OnnxGraph:
    """A network in ONNX Runtime, on the CPU.

    Attributes:
        inputs: names of its inputs, in order.
        outputs: names of its outputs, in order.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        """Load a graph.

        Args:
            path: the ``.onnx`` file.
            threads: of one operation; all cores this process may use by default.

        Raises:
            BundleError: the file is missing or is not a graph this runtime can load.
        """
        import onnxruntime

        file = Path(path)
        if not file.is_file():
            raise BundleError(f"{file}: no such network")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or available_cores()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle threads that spin take the cores that decode the next photos.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no public base class for its errors
            words = str(error).splitlines()[0]
            raise BundleError(f"{file}: not a network ONNX Runtime can load ({words})") from error
        self.inputs = tuple(node.name for node in self._session.get_inputs())
        self.outputs = tuple(node.name for node in self._session.get_outputs())
        nodes = (*self._session.get_inputs(), *self._session.get_outputs())
        self._shapes = {node.name: tuple(node.shape) for node in nodes if node.shape}

    def width(self, name: str) -> int | None:
        """Length of the last axis of an input or output; None where the graph leaves it open."""
        return (self.shape(name) or (None,))[-1]

    def shape(self, name: str) -> tuple[int | None, ...]:
        """Lengths of an input's or output's axes; None for one that the graph leaves open."""
        return tuple(n if isinstance(n, int) else None for n in self._shapes.get(name, ()))

    def __call__(self, **arrays: npt.NDArray[Any]) -> Mapping[str, npt.NDArray[np.float32]]:
        """Run the graph on named arrays; returns every output by name, float16 as float32."""
        missing = [name for name in self.inputs if name not in arrays]
        if missing:
            raise BundleError(
                f"the network wants {', '.join(self.inputs)}; {missing[0]} is missing"
            )
        found = self._session.run(None, {name: arrays[name] for name in self.inputs})
        return {
            name: value.astype(np.float32) if value.dtype == np.float16 else value
            for name, value in zip(self.outputs, found, strict=True)
        }


def available_cores() -> int:
    """Cores this process may run on: fewer than the machine's in a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
