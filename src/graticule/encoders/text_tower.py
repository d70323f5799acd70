"""A small network from bytes to a vector, for captions that are learned on one's own photos."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Bytes, and nought, which fills up.
_NUMBERS = 257


class TextTower(nn.Module):
    """Bytes (n, length) → vectors (n, dim).

    Three convolutions over the bytes, each with stride 2, then mean and maximum over the text.
    What fills a row up changes nothing.

    Attributes:
        dim: length of the vector.
    """

    def __init__(self, dim: int, width: int = 64) -> None:
        super().__init__()
        self.dim = dim
        self.letters = nn.Embedding(_NUMBERS, width, padding_idx=0)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 5, 2, 2) for _ in range(3))
        self.out = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, dim)
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Encode texts, int64 (n, length); a row of noughts gives a vector all the same."""
        there = (ids > 0).to(self.letters.weight.dtype).unsqueeze(1)
        x = self.letters(ids).transpose(1, 2)
        for layer in self.layers:
            there = there[:, :, ::2]
            x = nn.functional.gelu(layer(x)) * there
        mean = x.sum(2) / there.sum(2).clamp_min(1)
        # GELU is never below −0.17: what fills up is never the greatest.
        most = torch.where(there > 0, x, torch.full_like(x, -1.0)).amax(2)
        out: Tensor = self.out(torch.cat([mean, most], dim=1))
        return out
