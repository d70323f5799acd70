"""Where a run stands, on disk: tensors in safetensors, the rest as JSON in the same file.

One file, written whole after each epoch. Everything random is a function of the seed, the epoch and
the photo, so that a run that was killed continues as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from graticule import files
from graticule.errors import GraticuleError

_VERSION = 1


@dataclass
class Progress:
    """How far a network is.

    Attributes:
        phase: number of the phase.
        epoch: epochs of it that are complete.
        total: epochs complete in all phases.
        best: lowest validation loss so far, or minus the highest accuracy, as is watched.
        best_epoch: when that was, counted over all phases.
        waited: epochs since then.
        history: one row an epoch, as in the log.
        done: whether training is over.
    """

    phase: int = 0
    epoch: int = 0
    total: int = 0
    best: float = float("inf")
    best_epoch: int = -1
    waited: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    done: bool = False


def save(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, key: str
) -> None:
    """Write weights, the optimizer's memory and the progress, whole or not at all.

    Raises:
        GraticuleError: the disk is full, or the file cannot be written.
    """
    tensors = {f"net.{k}": v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    plain: dict[str, Any] = {}
    state = optimizer.state_dict()
    for number, memory in state["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                tensors[f"opt.{number}.{name}"] = value.detach().cpu().contiguous().clone()
            else:
                plain[f"{number}.{name}"] = value
    rates = [group["lr"] for group in state["param_groups"]]
    about = {
        "version": _VERSION,
        "key": key,
        "progress": asdict(progress),
        "optimizer": plain,
        "rates": rates,
    }
    _write(path, tensors, {"graticule": json.dumps(about)})


class Checkpoint:
    """A checkpoint that was read.

    Attributes:
        progress: how far it was.
    """

    def __init__(self, path: Path, key: str) -> None:
        """Read a checkpoint.

        Args:
            path: the file.
            key: what the run depends on; another one means that it changed.

        Raises:
            GraticuleError: it is broken, or belongs to another recipe or manifest.
        """
        from safetensors import safe_open

        try:
            with safe_open(path, "pt") as handle:
                about = json.loads(handle.metadata()["graticule"])
                self._tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        except Exception as error:  # safetensors' own error has no public base class
            raise GraticuleError(
                f"{path}: broken checkpoint; start again without --resume"
            ) from error
        if about["key"] != key:
            raise GraticuleError(
                f"{path}: the manifest, the recipe or the starting weights changed since this "
                "checkpoint; start again without --resume"
            )
        self.progress = Progress(**about["progress"])
        self._plain = about["optimizer"]
        self._rates = about["rates"]

    def weights(self) -> dict[str, Tensor]:
        """The network's tensors by name."""
        return {
            name.removeprefix("net."): value
            for name, value in self._tensors.items()
            if name.startswith("net.")
        }

    def fill(self, optimizer: torch.optim.Optimizer) -> None:
        """Give an optimizer its memory back."""
        state = optimizer.state_dict()
        memory: dict[int, dict[str, Any]] = {}
        named = [(k[4:], v) for k, v in self._tensors.items() if k.startswith("opt.")]
        for name, value in [*named, *self._plain.items()]:
            number, _, entry = name.partition(".")
            memory.setdefault(int(number), {})[entry] = value
        state["state"] = memory
        for group, rate in zip(state["param_groups"], self._rates, strict=True):
            group["lr"] = rate
        optimizer.load_state_dict(state)


def save_weights(path: Path, network: nn.Module) -> None:
    """Write a network's tensors, whole or not at all.

    Raises:
        GraticuleError: the disk is full, or the file cannot be written.
    """
    _write(
        path,
        {k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()},
    )


def _write(path: Path, tensors: dict[str, Tensor], about: Mapping[str, str] | None = None) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with files.atomic_path(path) as part:
        try:
            save_file(tensors, part, metadata=about)
        except SafetensorError as error:  # no OSError, whatever the disk said
            words = str(error).rpartition("I/O error: ")[2]
            raise GraticuleError(
                f"{path}: cannot be written ({words}); what was there is whole: make room, and go "
                "on with --resume"
            ) from error
