"""The text side of a model in a bundle: ``text.onnx`` and ``tokenizer.json``, made with torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from graticule.encoders.export import export
from graticule.encoders.tokenizer import Tokenizer

TEXT, PIECES = "text.onnx", "tokenizer.json"


class _Unit(nn.Module):
    """Texts → unit vectors."""

    def __init__(self, side: nn.Module) -> None:
        super().__init__()
        self.side = side

    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.normalize(self.side(ids), dim=1)


def write(side: nn.Module, tokenizer: Tokenizer, folder: Path) -> None:
    """Export a network of texts' numbers (n, any length), with its tokenizer.

    The graph takes ``ids``, int64 (n, length), and gives ``embedding``, unit vectors (n, d).
    """
    ids = torch.from_numpy(tokenizer(["A photo taken near a town.", "A photo."]))
    export(
        _Unit(side).eval(),
        ids,
        folder / TEXT,
        input_name="ids",
        outputs=("embedding",),
        free="length",
    )
    tokenizer.save(folder / PIECES)
