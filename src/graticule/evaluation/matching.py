"""Predictions and truth brought onto the same rows, with nothing dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        missing: photos of the truth without a prediction.
        doubled: photos with more than one.
        extra: predicted photos that the truth has not.
    """

    truth_rows: IntArray
    predicted_rows: IntArray
    notes: tuple[str, ...]
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def match(truth: Sequence[str], predicted: Sequence[str]) -> Match:
    """Match by path, folder and file name, or file name, each also without case and extension.

    The rule that matches most is taken, and of several the strictest. One by which two photos of
    the truth would be one is passed over. A photo predicted twice counts with its first prediction,
    and is named.

    Raises:
        GraticuleError: the two tables have no photo in common, or none that a name alone tells.
    """
    # The strictest of the rules that match most: a few equal paths must not hide equal names.
    rule, rows, given, wanted = _RULES[0][0], list[int](), dict[str, int](), list[str]()
    for name, key in _RULES:
        found = _matched(truth, predicted, name, key)
        if len(found[1]) > len(rows):
            rule, rows, given, wanted = found
        if len(rows) in (len(truth), len(set(predicted))):
            break
    if not rows:
        raise GraticuleError(
            f"the predictions and the manifest have no photo in common "
            f"(e.g. {_first(predicted)!r} and {_first(truth)!r}); {_why_none(truth, predicted)}"
        )
    notes: list[str] = []
    key = dict(_RULES)[rule]
    if rule != "path":
        notes.append(f"photos were matched by {rule}, since paths differ")
    keys = [key(path) for path in predicted]
    doubled = [predicted[given[name]] for name, times in Counter(keys).items() if times > 1]
    known = set(wanted)
    missing = [path for path, name in zip(truth, wanted, strict=True) if name not in given]
    extra = [path for path, name in zip(predicted, keys, strict=True) if name not in known]
    notes += _note(
        missing,
        "photo of the manifest has no prediction",
        "photos of the manifest have no prediction",
    )
    notes += _note(
        doubled,
        "photo has more than one prediction; the first counts",
        "photos have more than one prediction; the first counts",
    )
    notes += _note(
        extra,
        "prediction is for a photo not in the manifest",
        "predictions are for photos not in the manifest",
    )
    return Match(
        np.array(rows, dtype=np.int64),
        np.array([given[wanted[i]] for i in rows], dtype=np.int64),
        tuple(notes),
        tuple(missing),
        tuple(doubled),
        tuple(extra),
    )


def _matched(
    truth: Sequence[str], predicted: Sequence[str], rule: str, key: Callable[[str], str]
) -> tuple[str, list[int], dict[str, int], list[str]]:
    wanted = [key(path) for path in truth]
    if rule != "path" and len(set(wanted)) < len(wanted):
        return rule, [], {}, wanted
    given: dict[str, int] = {}
    for row, path in enumerate(predicted):
        given.setdefault(key(path), row)
    return rule, [i for i, name in enumerate(wanted) if name in given], given, wanted


def _why_none(truth: Sequence[str], predicted: Sequence[str]) -> str:
    """What kept every rule from matching: names that stand for several photos, or no equal one."""
    there = {_stem(path) for path in predicted}
    for name, times in Counter(map(_stem, truth)).items():
        if times > 1 and name in there:
            return (
                f"{name!r} alone could be any of {times} photos of the manifest: write the "
                "folder before the file name"
            )
    return "paths must be written the same way"


def suspicions(predictions: Predictions, truth: FloatArray) -> tuple[str, ...]:
    """What looks wrong with the coordinates: radians, or latitude and longitude swapped.

    Args:
        predictions: on the same rows as ``truth``.
        truth: float64 (n, 2), NaN where unknown.
    """
    notes: list[str] = []
    half = np.isfinite(predictions.latlon).any(axis=1) & ~np.isfinite(predictions.latlon).all(
        axis=1
    )
    if half.any():
        names = [predictions.paths[i] for i in np.flatnonzero(half)]
        notes += _note(
            names,
            "prediction has one coordinate of two (the other is empty or no number): no point",
            "predictions have one coordinate of two (the other is empty or no number): no point",
        )
    wild = np.isfinite(truth).all(axis=1) & (np.abs(truth) > [90, 180]).any(axis=1)
    if wild.any():
        is_turned = bool((np.abs(truth[wild][:, ::-1]) <= [90, 180]).all())
        why = " (the truth's latitude and longitude look swapped)" if is_turned else ""
        names = [predictions.paths[i] for i in np.flatnonzero(wild)]
        notes += _note(
            names,
            f"true place is no place on Earth and left out{why}",
            f"true places are no place on Earth and left out{why}",
        )
    both = np.isfinite(predictions.latlon).all(axis=1) & np.isfinite(truth).all(axis=1) & ~wild
    guess, place = predictions.latlon[both], truth[both]
    lost = np.abs(guess) > [90, 360]
    if lost.any():
        names = [predictions.paths[i] for i in np.flatnonzero(both)[lost.any(axis=1)]]
        notes += _note(
            names,
            "prediction is no place on Earth: the furthest error",
            "predictions are no place on Earth: the furthest error",
        )
    if len(guess) < 5:
        return tuple(notes)
    small = np.abs(guess[:, 0]).max() <= np.pi / 2 and np.abs(guess[:, 1]).max() <= np.pi
    if small and np.abs(place).max() > 10:
        median = np.median(sphere.haversine(np.degrees(guess), place))
        notes.append(
            f"{predictions.name}: all coordinates lie within ±π: radians, by the look of it "
            f"(median error {median:,.0f} km if they are)"
        )
    legal = np.abs(guess[:, 1]) <= 90
    if legal.mean() > 0.5 or (np.abs(guess[:, 0]) > 90).any():
        swapped = guess[legal][:, ::-1]
        # One place beyond a pole is a slip, said above; a tenth of all is a column of longitudes.
        turned = (legal & (np.abs(guess[:, 0]) > 90)).mean() > 0.1
        as_given = sphere.haversine(np.clip(guess, [-90, -180], [90, 180]), place)
        other = sphere.haversine(swapped, place[legal])
        worse = np.median(other) < 0.5 * np.median(as_given) if len(other) else False
        if worse or turned:
            notes.append(
                f"{predictions.name}: latitude and longitude look swapped "
                f"(median error {np.median(as_given):,.0f} km as given, "
                f"{np.median(other):,.0f} km swapped)"
            )
    return tuple(notes)


def _note(names: Sequence[str], one: str, many: str) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:_EXAMPLES]) + (" …" if len(names) > _EXAMPLES else "")
    return [f"{len(names):,} {one if len(names) == 1 else many}: {shown}"]


def _first(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) else "nothing"


def _as_is(path: str) -> str:
    return str(path).replace("\\", "/").removeprefix("./")


def _file_name(path: str) -> str:
    return _as_is(path).rpartition("/")[2]


def _folder_and_name(path: str) -> str:
    return "/".join(_as_is(path).split("/")[-2:])


def _bare(path: str) -> str:
    # Only what is surely an ending: 1000_78841376@N00 has none, photo.v2 neither.
    stem, dot, ending = path.rpartition(".")
    return (stem if dot and ending.casefold() in _ENDINGS else path).casefold()


def _bare_path(path: str) -> str:
    return _bare(_as_is(path))


def _bare_folder_and_name(path: str) -> str:
    return _bare(_folder_and_name(path))


def _stem(path: str) -> str:
    return _bare(_file_name(path))


_ENDINGS = frozenset(
    (
        "jpg",
        "jpeg",
        "jpe",
        "png",
        "webp",
        "gif",
        "bmp",
        "tif",
        "tiff",
        "heic",
        "heif",
        "avif",
        "jp2",
        "ppm",
        "json",
        "txt",
        "npy",
    )
)


_RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("path", _as_is),
    ("path without case and extension", _bare_path),
    ("folder and file name", _folder_and_name),
    ("folder and file name without case and extension", _bare_folder_and_name),
    ("file name", _file_name),
    ("file name without case and extension", _stem),
)
