"""The axis of a chart: where values fall on it, and the round numbers that stand beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

#: Steps between ticks, times a power of ten.
_ROUND = (1.0, 2.0, 5.0, 10.0)
#: Most steps between the first tick and the last.
_STEPS = 5
#: Values nearer to each other than this share of themselves are one value: no number beside a
#: tick could tell them apart, and ticks between them run into each other.
_ONE = 1e-5


@dataclass(frozen=True)
class Axis:
    """What is measured along one side of a chart.

    Attributes:
        name: of what is measured.
        unit: of the values, "" where they have none.
        log: whether equal factors take equal room; all values are then above zero.
        ticks: values with a number and a line beside them; round ones by default.
        span: lowest and highest value that is shown at least; by the values where it is None.
    """

    name: str
    unit: str = ""
    log: bool = False
    ticks: tuple[float, ...] = ()
    span: tuple[float, float] | None = None

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name}, {self.unit}" if self.unit else self.name

    def told(self, value: float) -> str:
        """A value in words: ``error 25 km``."""
        return f"{self.name} {number(value)} {self.unit}".rstrip()

    def over(self, values: Iterable[float]) -> Axis:
        """The axis with its ticks, and a span that holds the values, which are finite."""
        shown = [*values, *(self.span or ()), *self.ticks] or [1.0]
        low, high = min(shown), max(shown)
        size = max(abs(low), abs(high))
        if high - low <= _ONE * size:
            room = max(0.5, _ONE * size)
            low, high = (low / 2, high * 2) if self.log else (low - room, high + room)
        ticks = self.ticks or (_powers(low, high) if self.log else _round_numbers(low, high))
        if not self.ticks and self.span is None:
            low, high = ticks[0], ticks[-1]
        inside = tuple(tick for tick in ticks if low <= tick <= high)
        return replace(self, ticks=inside, span=(low, high))

    def share(self, value: float) -> float:
        """How far along the axis a value lies: 0 at its beginning, 1 at its end.

        The axis has its span (:meth:`over`).
        """
        low, high = self.span or (0.0, 1.0)
        if self.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)


def number(value: float) -> str:
    """Three figures, and all those before the point: 0.0412, 28.3, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _round_numbers(low: float, high: float) -> tuple[float, ...]:
    """Round numbers from at or below the lowest value to at or above the highest."""
    size = 10.0 ** math.floor(math.log10((high - low) / _STEPS))
    step = next(size * s for s in _ROUND if size * s * _STEPS >= (high - low) * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(float(f"{step * i:.12g}") for i in range(first, last + 1))


def _powers(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten around the values."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(high) - 1e-9))
    return tuple(10.0**i for i in range(first, last + 1))
