"""Predictions and truth brought onto the same rows, with nothing dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.evaluation.predictions import Predictions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: How many names a note lists before it counts.
_EXAMPLES = 3


@dataclass(frozen=True)
class Match:
    """Which row of the predictions answers which row of the truth.

    Attributes:
        truth_rows: int64 (m,), rows of the truth that have a prediction.
        predicted_rows: int64 (m,), the row of the predictions beside each.
        notes: what was missing, doubled, extra, or matched by a looser rule; one line each.
    """

    truth_rows: IntArray
    predicted_rows: IntArray
    notes: tuple[str, ...]


def match(truth: Sequence[str], predicted: Sequence[str]) -> Match:
    """Match by path; if none fits, by file name, then by name without case and extension.

    A photo predicted twice counts with its first prediction, and is named.

    Raises:
        GraticuleError: the two tables have no photo in common, or a looser rule is ambiguous.
    """
    notes: list[str] = []
    for rule, key in (
        ("path", _as_is),
        ("file name", _file_name),
        ("file name without case and extension", _stem),
    ):
        wanted = [key(path) for path in truth]
        if len(set(wanted)) < len(wanted) and rule != "path":
            continue
        given: dict[str, int] = {}
        for row, path in enumerate(predicted):
            given.setdefault(key(path), row)
        rows = [i for i, name in enumerate(wanted) if name in given]
        if not rows:
            continue
        if rule != "path":
            notes.append(f"photos were matched by {rule}, since no path was the same")
        doubled = [name for name, times in Counter(map(key, predicted)).items() if times > 1]
        known = set(wanted)
        missing = [path for path, name in zip(truth, wanted, strict=True) if name not in given]
        extra = [path for path in predicted if key(path) not in known]
        notes += _note(len(missing), missing, "photos of the manifest have no prediction")
        notes += _note(
            len(doubled), doubled, "photos have more than one prediction; the first counts"
        )
        notes += _note(len(extra), extra, "predictions are for photos not in the manifest")
        return Match(
            np.array(rows, dtype=np.int64),
            np.array([given[wanted[i]] for i in rows], dtype=np.int64),
            tuple(notes),
        )
    raise GraticuleError(
        f"the predictions and the manifest have no photo in common "
        f"(e.g. {_first(predicted)!r} and {_first(truth)!r}); paths must be written the same way"
    )


def suspicions(predictions: Predictions, truth: FloatArray) -> tuple[str, ...]:
    """What looks wrong with the coordinates: radians, or latitude and longitude swapped.

    Args:
        predictions: on the same rows as ``truth``.
        truth: float64 (n, 2), NaN where unknown.
    """
    both = np.isfinite(predictions.latlon).all(axis=1) & np.isfinite(truth).all(axis=1)
    guess, place = predictions.latlon[both], truth[both]
    if len(guess) < 5:
        return ()
    notes: list[str] = []
    small = np.abs(guess[:, 0]).max() <= np.pi / 2 and np.abs(guess[:, 1]).max() <= np.pi
    if small and np.abs(place).max() > 10:
        notes.append(
            f"{predictions.name}: all coordinates lie within ±π: radians, by the look of it"
        )
    legal = np.abs(guess[:, 1]) <= 90
    if legal.mean() > 0.5 or (np.abs(guess[:, 0]) > 90).any():
        swapped = guess[legal][:, ::-1]
        straight = np.abs(guess[:, 0]) <= 90
        as_given = sphere.haversine(np.clip(guess, [-90, -180], [90, 180]), place)
        turned = sphere.haversine(swapped, place[legal])
        worse = np.median(turned) < 0.5 * np.median(as_given) if len(turned) else False
        if worse or not straight.all():
            notes.append(
                f"{predictions.name}: latitude and longitude look swapped "
                f"(median error {np.median(as_given):,.0f} km as given, "
                f"{np.median(turned):,.0f} km swapped)"
            )
    return tuple(notes)


def _note(count: int, names: Sequence[str], words: str) -> list[str]:
    if not count:
        return []
    shown = ", ".join(names[:_EXAMPLES]) + (" …" if count > _EXAMPLES else "")
    return [f"{count:,} {words}: {shown}"]


def _first(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) else "nothing"


def _as_is(path: str) -> str:
    return str(path).replace("\\", "/").removeprefix("./")


def _file_name(path: str) -> str:
    return PurePosixPath(_as_is(path)).name


def _stem(path: str) -> str:
    return PurePosixPath(_as_is(path)).stem.casefold()
