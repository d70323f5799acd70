"""What a photo's place is like, as labels to learn: climate, road side, script, landmark, month.

A manifest's own column comes first; where it is empty, the atlas says what the place is like.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule.systems.plan import Mask, Rows

IntArray = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

ATTRIBUTES = ("climate", "road_side", "script", "landmark", "month")


def place_labels(
    rows: Rows, use: Mask, wanted: Sequence[str]
) -> tuple[dict[str, tuple[tuple[str, ...], IntArray]], list[str]]:
    """Outcomes and targets of each attribute, and lines on those left out.

    The outcomes are those of the training rows; a row with another, or with none, has −1. An
    attribute with one outcome tells nothing and is left out: all of India drives on the left.

    Args:
        rows: the manifest.
        use: (n,) rows in the region.
        wanted: of :data:`ATTRIBUTES`.
    """
    made: dict[str, tuple[tuple[str, ...], IntArray]] = {}
    notes = []
    values = _values(rows, use, wanted)
    for name in wanted:
        column = np.where(use, values[name], "")
        known = column[rows.train & (column != "")]
        outcomes = tuple(str(value) for value in np.unique(known))
        if len(outcomes) < 2:
            notes.append(
                f"Attribute {name} left out: {len(outcomes)} value in the training photos."
            )
            continue
        number = {value: i for i, value in enumerate(outcomes)}
        target = np.array([number.get(str(value), -1) for value in column], dtype=np.int64)
        made[name] = outcomes, target
    return made, notes


def _values(rows: Rows, use: Mask, wanted: Sequence[str]) -> dict[str, Strings]:
    """The attributes of all rows as text, "" where unknown."""
    from graticule import atlas

    found = {name: rows.column(name).astype(object) for name in wanted}
    here = np.flatnonzero(use & rows.located)
    of_place = {"climate", "road_side", "script"} & set(wanted)
    if of_place and len(here):
        place = atlas.attributes(rows.latlon[here])
        script = np.array([scripts[0] if len(scripts) else "" for scripts in place.scripts], object)
        own = {"climate": place.climate, "road_side": place.road_side, "script": script}
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
