"""No memory left: told from other errors, and said with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from graticule.errors import GraticuleError
from graticule.training.recipe import NetworkSpec

#: What allocators say whose errors have no class of their own: torch's on the CPU (every system
#: words the rest otherwise), its Apple one, and ONNX Runtime's.
_ALLOCATORS: Final = (
    "DefaultCPUAllocator:",
    "MPS backend out of memory",
    "Failed to allocate memory for requested buffer",
)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory is used up, the device's or the machine's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _ALLOCATORS)


@contextmanager
def _saying(words: Callable[[], str]) -> Iterator[None]:
    """Say this, in place of a traceback, if the block finds no memory."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise GraticuleError(words()) from error


@dataclass(frozen=True)
class BatchAdvice:
    """Which smaller batches to try for a network.

    Attributes:
        name: of the network.
        spec: how it learns.
        entry: the one of the recipe's ``networks`` that it is trained by.
        own: what that entry sets itself; the rest is set at the recipe's top.
        grid: whether the recipe is a row of a grid, where ``base`` is laid over every row.
    """

    name: str
    spec: NetworkSpec
    entry: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    grid: bool = False

    @contextmanager
    def watch(self, size: int) -> Iterator[None]:
        """Say what to do if the block finds no memory for batches of ``size`` photos.

        Raises:
            GraticuleError: it found none.
        """
        with _saying(
            lambda: f"{self.name}: no memory for batches of {size}; {self._smaller(size)}"
        ):
            yield

    def _smaller(self, size: int) -> str:
        if size == 1:
            return "take a smaller encoder, or smaller photos (encoder.preprocess.size)"
        half = size // 2
        # As many photos a step as before.
        steps = max(1, round(self.spec.batch_size * self.spec.accumulate / half))
        end = ": every row learns anew" if self.grid else " --resume: what is done is kept"
        return (
            f"give the same command with --set {self._key('batch_size')}={half} --set "
            f"{self._key('accumulate')}={steps}{end}"
        )

    def _key(self, name: str) -> str:
        key = f"networks.{self.entry}.{name}" if name in self.own else name
        return f"base.{key}" if self.grid else key


@contextmanager
def watch_all_at_once(name: str, rows: int) -> Iterator[None]:
    """Say what to do if ``optimizer: lbfgs``, which has no batches, finds no memory.

    Raises:
        GraticuleError: it found none.
    """
    with _saying(
        lambda: (
            f"{name}: no memory for {rows} photos at once, which optimizer lbfgs needs; "
            "--set optimizer=adam learns in batches"
        )
    ):
        yield
