"""Names of scenes in manifests, and the vocabularies that networks tell scenes in.

A ``scene`` column mixes names: S1's, the three groups, Places' 365 and 16, and those of public
collections. Here each becomes a number of one vocabulary; a name that nobody knows is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from graticule.errors import ManifestError
from graticule.photos.sources.places365 import GROUPS_16, categories, plain_category
from graticule.photos.sources.places365 import scene_of_category as of_places
from graticule.scenes import GROUPS, SCENES, TO_GROUP, TO_SCENE, scene_of

IntArray = npt.NDArray[np.int64]

#: The 16 groups of Places365.
PLACES16: Final = tuple(name for name, _ in GROUPS_16)
#: Vocabulary → its names; ``column`` takes those of the manifest's own column.
VOCABULARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "places365": categories(),
    "places16": PLACES16,
    "places3": GROUPS,
    "groups": GROUPS,
    "s1": SCENES,
    "column": (),
}
#: The column that holds labels of a vocabulary beside ``scene``.
OWN_COLUMN: Final = {
    "places365": "places365",
    "places16": "places16",
    "places3": "places3",
    "groups": "places3",
}


@cache
def known_names() -> frozenset[str]:
    """Every name that some vocabulary or collection has."""
    return frozenset({*SCENES, *GROUPS, *TO_SCENE, *PLACES16, *categories()})


def is_known(label: str) -> bool:
    """Whether a label is a name of some vocabulary, however it is written."""
    return label in known_names() or _plain(label) in _plain_names()


def nearest(label: str) -> str:
    """The known name that is most like a label; "" where none is."""
    names = _plain_names()
    near = difflib.get_close_matches(_plain(label), names, n=1)
    return names[near[0]] if near else ""


def scene(label: str) -> str | None:
    """The scene of :data:`graticule.scenes.SCENES` that any known name means; None for none."""
    found = scene_of(label)
    if found is None and (category := _plain_names().get(_plain(label))) in _CATEGORIES:
        found = of_places(str(category))
    return found


def number(label: str, vocabulary: str) -> int:
    """The number of a label in a vocabulary that is not ``column``; −1 where it is not of it."""
    names = VOCABULARIES[vocabulary]
    plain = _plain_names().get(_plain(label), label)
    if plain in names:
        return names.index(plain)
    if names is GROUPS:
        if plain in PLACES16:
            return GROUPS.index(dict(GROUPS_16)[plain])
        found = scene(label)
        return -1 if found is None else GROUPS.index(TO_GROUP[found])
    if names is SCENES:
        found = scene(label)
        return -1 if found is None else SCENES.index(found)
    return -1


def check(labels: Iterable[str], where: str, own: Iterable[str] = ()) -> None:
    """Make sure that every label is a known name.

    Args:
        labels: "" for none.
        where: the manifest, for messages.
        own: names that are known besides, of a vocabulary of the user's.

    Raises:
        ManifestError: one is not; the line names it and the nearest known one.
    """
    besides = frozenset(own)
    values, counts = np.unique([label for label in labels if label] or [""], return_counts=True)
    for label, count in zip(values.tolist(), counts.tolist(), strict=True):
        if not label or label in besides or is_known(label):
            continue
        near = nearest(label)
        hint = f"the nearest known is {near!r}" if near else "no known name is like it"
        raise ManifestError(
            f"{where}: scene {label!r} ({count} rows) is of no list of scenes; {hint}. Mend it; "
            "S4 and graticule scenes train take names of your own by --set settings.scenes=column"
        )


@dataclass(frozen=True)
class Labelled:
    """The scenes of a manifest's rows in one vocabulary.

    Attributes:
        vocabulary: its name.
        names: its names, in order.
        target: int64 (n,), −1 where the row has no label of it.
        p: float64 (n,), how sure whoever labelled it was; NaN for a person's label.
    """

    vocabulary: str
    names: tuple[str, ...]
    target: IntArray
    p: npt.NDArray[np.float64]

    @property
    def by_hand(self) -> npt.NDArray[np.bool_]:
        """Rows that were not labelled by a network."""
        return np.asarray((self.target >= 0) & np.isnan(self.p))


def labelled(columns: Mapping[str, npt.NDArray[np.str_]], vocabulary: str, where: str) -> Labelled:
    """Read the scenes of rows.

    The vocabulary's own column (``places365``, ``places16``, ``places3``) goes before ``scene``.

    Args:
        columns: of the manifest, as text.
        vocabulary: of :data:`VOCABULARIES`.
        where: the manifest, for messages.

    Raises:
        ManifestError: a name that no vocabulary knows.
    """
    size = len(next(iter(columns.values()))) if columns else 0
    target, p = np.full(size, -1, np.int64), np.full(size, np.nan)
    names = VOCABULARIES[vocabulary]
    if vocabulary == "column":
        found = columns.get("scene", np.full(size, ""))
        names = tuple(str(name) for name in np.unique(found) if name)
    for column in dict.fromkeys((OWN_COLUMN.get(vocabulary, "scene"), "scene")):
        labels = columns.get(column)
        if labels is None:
            continue
        if vocabulary == "column":
            numbers = {name: i for i, name in enumerate(names)}
        else:
            check(labels, where)
            numbers = {str(v): number(str(v), vocabulary) for v in np.unique(labels) if v}
        here = np.array([numbers.get(str(label), -1) for label in labels], dtype=np.int64)
        open_ = (target < 0) & (here >= 0)
        target[open_] = here[open_]
        p[open_] = probabilities(columns.get(f"{column}_p"), size)[open_]
    return Labelled(vocabulary, names, target, p)


def probabilities(column: npt.NDArray[np.str_] | None, size: int) -> npt.NDArray[np.float64]:
    """A column of probabilities as it stands in a manifest, float64 (n,); NaN where unknown."""
    if column is None:
        return np.full(size, np.nan)
    return np.array([float(value) if value else np.nan for value in column], dtype=np.float64)


def coarser(
    vocabulary: str, columns: Mapping[str, npt.NDArray[np.str_]] | None = None
) -> dict[str, tuple[tuple[str, ...], IntArray]]:
    """The coarser vocabularies that a vocabulary's probabilities sum into.

    Places' way from 365 to 16 is the makers' sheet, which the user's manifest may hold in its
    columns ``places16`` and ``places3``; without them the three groups follow our own table.

    Args:
        vocabulary: the finer one.
        columns: of a manifest with ``places365`` and the coarser columns.

    Returns:
        Name → its names and, for each name of the finer one, the number (n,), −1 for none.
    """
    names = VOCABULARIES[vocabulary]
    found: dict[str, tuple[tuple[str, ...], IntArray]] = {}
    if vocabulary == "places365" and columns and {"places365", "places16"} <= set(columns):
        sheet = _pairs(columns["places365"], columns["places16"])
        found["places16"] = PLACES16, _numbers(names, sheet, PLACES16)
    if vocabulary in {"places365", "places16", "s1"}:
        by_hand = {name: GROUPS[n] for name in names if (n := number(name, "groups")) >= 0}
        if columns and vocabulary in columns and "places3" in columns:
            by_hand |= _pairs(columns[vocabulary], columns["places3"])
        found["places3"] = GROUPS, _numbers(names, by_hand, GROUPS)
    return found


def _pairs(fine: npt.NDArray[np.str_], coarse: npt.NDArray[np.str_]) -> dict[str, str]:
    pairs = {(str(a), str(b)) for a, b in zip(fine, coarse, strict=True) if a and b}
    return {plain_category(a): b for a, b in sorted(pairs)}


def _numbers(names: Sequence[str], of: Mapping[str, str], coarse: Sequence[str]) -> IntArray:
    place = {name: i for i, name in enumerate(coarse)}
    return np.array([place.get(of.get(name, ""), -1) for name in names], dtype=np.int64)


_CATEGORIES: Final = frozenset(categories())


def _plain(label: str) -> str:
    return plain_category(label).casefold().replace(" ", "").replace("_", "").replace("-", "")


@cache
def _plain_names() -> Mapping[str, str]:
    # Last wins: "livingroom" of a public collection is Places' "living_room".
    return {_plain(name): name for name in (*sorted(known_names()), *categories())}
