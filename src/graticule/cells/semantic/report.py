"""What happened while semantic cells were built."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Step:
    """Cells and their photos after one step."""

    name: str
    cells: int
    smallest: int
    median: float
    largest: int

    @classmethod
    def of(cls, name: str, counts: Any) -> Step:
        """Summarise the photo counts of all cells."""
        sizes = np.asarray(counts)
        return cls(name, len(sizes), int(sizes.min()), float(np.median(sizes)), int(sizes.max()))


@dataclass
class Report:
    """The steps from administrative units to cells.

    Attributes:
        photos: how many there were, and ``outside``: those in no unit.
        steps: the cells after each step.
        unsplit: cell → why it holds more than the maximum.
        small: cell → why it holds fewer than the minimum.
    """

    photos: int = 0
    outside: int = 0
    steps: list[Step] = field(default_factory=list)
    unsplit: dict[str, str] = field(default_factory=dict)
    small: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report for a person."""
        out = [f"{self.photos:,} photos, {self.outside:,} of them in no unit and left out"]
        out += [
            f"{step.name}: {step.cells:,} cells, photos a cell {step.smallest:,} to "
            f"{step.largest:,}, median {step.median:,.0f}"
            for step in self.steps
        ]
        for title, cells in (("too large", self.unsplit), ("too small", self.small)):
            for reason, count in sorted(Counter(cells.values()).items()):
                one = next(cell for cell, why in cells.items() if why == reason)
                out.append(f"{count:,} {title}: {reason} (as {one})")
        return out
