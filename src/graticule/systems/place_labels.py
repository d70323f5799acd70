"""What a photo's place is like, as labels to learn: climate, road side, script, landmark, month.

A manifest's own column comes first; where it is empty, the atlas says what the place is like. Any
other column of text is an attribute too, of which the atlas knows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from graticule.errors import RecipeError
from graticule.photos import schema
from graticule.systems.plan import Mask, Rows

IntArray = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

#: Learned where a recipe names none.
ATTRIBUTES: Final = ("climate", "road_side", "script", "landmark", "month")
#: What the atlas says of a place.
OF_PLACE = ("climate", "road_side", "script", "language")
#: A value of any other column is learned from so many training photos on; rarer ones are unknown.
FEWEST = 5


def place_labels(
    rows: Rows, use: Mask, wanted: Sequence[str]
) -> tuple[dict[str, tuple[tuple[str, ...], IntArray]], list[str]]:
    """Outcomes and targets of each attribute, by task, and lines on those left out.

    The outcomes are those of the training rows; a row with another, or with none, has −1. An
    attribute with one outcome tells nothing and is left out: all of India drives on the left.

    Args:
        rows: the manifest.
        use: (n,) rows in the region.
        wanted: of :data:`ATTRIBUTES`, ``language``, or any column of text.

    Raises:
        RecipeError: the manifest has no such column, or it is one of numbers.
    """
    for name in wanted:
        _check(name, rows)
    made: dict[str, tuple[tuple[str, ...], IntArray]] = {}
    notes = []
    values = _values(rows, use, wanted)
    for name in wanted:
        column = np.where(use, values[name], "")
        known = column[rows.train & (column != "")]
        found, counts = np.unique(known, return_counts=True)
        rare = (counts < FEWEST) & (not _is_known(name))
        outcomes = tuple(str(value) for value in found[~rare])
        if rare.any():
            notes.append(
                f"Attribute {name}: values of fewer than {FEWEST} training photos are taken as "
                f"unknown: {rare.sum()}."
            )
        if len(outcomes) < 2:
            notes.append(
                f"Attribute {name} left out: {len(outcomes)} value in the training photos."
            )
            continue
        number = {value: i for i, value in enumerate(outcomes)}
        target = np.array([number.get(str(value), -1) for value in column], dtype=np.int64)
        made[_task(name)] = outcomes, target
    return made, notes


def _is_known(name: str) -> bool:
    """Whether an attribute has a meaning beside its manifest's column."""
    return name in ATTRIBUTES or name in OF_PLACE


def _task(name: str) -> str:
    """What the network calls an attribute: a column may have the name of the cells."""
    return name if _is_known(name) else f"column:{name.replace('.', ':')}"


def _check(name: str, rows: Rows) -> None:
    if _is_known(name):
        return
    if schema.kind_of(name) == "number":
        raise RecipeError(f"settings.attributes {name!r}: a column of numbers; choose one of text")
    if name not in rows.columns:
        raise RecipeError(
            f"settings.attributes {name!r}: {rows.where} has no such column; without one there are "
            f"{', '.join(dict.fromkeys((*ATTRIBUTES, *OF_PLACE)))}"
        )


def _values(rows: Rows, use: Mask, wanted: Sequence[str]) -> dict[str, Strings]:
    """The attributes of all rows as text, "" where unknown."""
    from graticule import atlas

    found = {name: rows.column(name).astype(object) for name in wanted}
    here = np.flatnonzero(use & rows.located)
    of_place = set(OF_PLACE) & set(wanted)
    if of_place and len(here):
        place = atlas.attributes(rows.latlon[here])
        own = {
            "climate": place.climate,
            "road_side": place.road_side,
            "script": _first(place.scripts),
            "language": _first(place.languages),
        }
        for name in of_place:
            column = found[name]
            column[here] = np.where(column[here] == "", own[name].astype(object), column[here])
    if "landmark" in wanted:
        named = rows.column("landmark") != ""
        found["landmark"] = np.where(named, "yes", "no").astype(object)
    if "month" in wanted:
        taken = rows.column("captured_at")
        months = np.array([text[5:7] if text[4:5] == "-" else "" for text in taken], object)
        found["month"] = np.where(found["month"] == "", months, found["month"])
    return {name: column.astype(np.str_) for name, column in found.items()}


def _first(of_each: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The first of each place's, the most spoken one's; "" where there is none."""
    return np.array([some[0] if len(some) else "" for some in of_each], object)
