"""Probabilities as tables of other systems hold them: of one, or percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError
from graticule.evaluation import columns

FloatArray = npt.NDArray[np.float64]
Shares = tuple[tuple[float, ...], ...]

#: What rounding may add to a probability, or to the sum of a photo's.
_SLACK, _SLACK_OF_SUM = 1e-3, 0.01
#: Percent that a photo's probabilities sum to, at the median, where they are told from scores of
#: another kind; lists that end after a few countries stay below 100.
_PERCENT = (90.0, 101.0)


def shares(texts: Sequence[str], paths: Sequence[str], source: Path, notes: list[str]) -> Shares:
    """The probabilities of each photo's countries, from texts as ``0.8;0.1``.

    Args:
        texts: one a photo, "" where it has none.
        paths: of the photos.
        source: the table's file.
        notes: gets a line on what was suspected.

    Raises:
        GraticuleError: a value lies outside 0 to 1 and they are no percent.
    """
    rows = [tuple(columns.number(part) for part in v.split(";") if part.strip()) for v in texts]
    broken = [i for i, row in enumerate(rows) if not all(map(math.isfinite, row))]
    for i in broken:
        rows[i] = ()
    if broken:
        notes.append(
            f"{len(broken):,} photo{' has' if len(broken) == 1 else 's have'} probabilities that "
            f"are no numbers, taken for none: {paths[broken[0]]} ({texts[broken[0]]})"
        )
    values = np.fromiter(chain.from_iterable(rows), dtype=np.float64)
    sums = np.array([sum(row) for row in rows if row])
    scale = 1.0
    if len(values) and values.max() > 1 + _SLACK:
        low, high = _PERCENT
        if values.min() < 0 or sums.max() > high or np.median(sums) < low:
            raise _outside(rows, paths, source)
        scale = 100.0
        notes.append(
            f"the probabilities of {source.name} sum to about 100: taken for percent, and divided "
            "by 100"
        )
    elif len(values) and values.min() < 0:
        raise _outside(rows, paths, source)
    over = int((sums > scale * (1 + _SLACK_OF_SUM)).sum())
    if over:
        notes.append(
            f"the probabilities of {over:,} photo{'' if over == 1 else 's'} sum to more than 1: "
            "they are not of one distribution, and the log score flatters them"
        )
    return tuple(tuple(min(value / scale, 1.0) for value in row) for row in rows)


def confidence(values: FloatArray, column: str, notes: list[str]) -> FloatArray:
    """The column of confidences (n,), percent divided by 100.

    Nothing is refused: scores of another kind still rank the answers.
    """
    known = values[np.isfinite(values)]
    if not len(known) or (known.min() >= 0 and known.max() <= 1 + _SLACK):
        return values
    reach = f"{column!r} goes from {known.min():g} to {known.max():g}"
    if known.min() < 0 or known.max() > 100:
        notes.append(f"{reach}: no probability; it ranks answers, its calibration says nothing")
        return values
    notes.append(f"{reach}: taken for percent, and divided by 100")
    return values / 100


def _outside(rows: Sequence[Sequence[float]], paths: Sequence[str], source: Path) -> GraticuleError:
    path, value = next(
        (path, value)
        for path, row in zip(paths, rows, strict=True)
        for value in row
        if not 0 <= value <= 1 + _SLACK
    )
    return GraticuleError(
        f"{source}: {path}: {value:g} is no probability; write numbers from 0 to 1 that sum to at "
        "most 1 a photo, or percent that sum to about 100"
    )
