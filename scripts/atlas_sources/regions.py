"""The world's regions: Natural Earth's, with India's states of today in place of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from atlas_sources import districts, natural_earth
from atlas_sources.clean import on_grid, polygonal
from atlas_sources.india import STATES
from graticule.atlas.countries import countries
from graticule.atlas.lookup import grid
from graticule.atlas.shapes import from_geometries, read, write, write_grid

#: Thinned to triangles of (0.012°)², about 600 m across; a step is about 100 m.
TOLERANCE = 0.012
STEP = 1e-3
GRID_ROWS = 512


def build(work: Path, data: Path) -> None:
    """Write ``regions.npz`` and its grid."""
    properties, shapes = natural_earth.units(work)
    # A region is its country's, whoever the source gives it to: French Guiana is GF.
    inside = shapely.point_on_surface(shapes)
    owner = countries(np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1))
    kept = [i for i, p in enumerate(properties) if _name(p) and owner[i] not in ("", "IN")]
    thinned = polygonal(shapely.coverage_simplify(shapes[kept], TOLERANCE))
    codes = _codes([properties[i] for i in kept], [str(owner[i]) for i in kept])
    states, state_shapes = _india(work)
    columns = {
        "code": [*codes, *(STATES[state].code for state in states)],
        "name": [*(_name(properties[i]) for i in kept), *states],
        "name_hi": [*("" for _ in kept), *(STATES[state].hindi for state in states)],
        "country": [*(str(owner[i]) for i in kept), *("IN" for _ in states)],
    }
    snapped = on_grid([*thinned, *state_shapes], STEP)
    write(data / "regions.npz", from_geometries(columns, snapped), STEP)
    write_grid(data / "regions-grid.npz", grid(read("regions").geometries(), GRID_ROWS))


def _india(work: Path) -> tuple[list[str], np.ndarray]:
    """India's states, each the union of its districts."""
    names, shapes = districts.dissolved(work)
    states = sorted({state for state, _ in names})
    of = np.array([state for state, _ in names])
    whole = [shapely.union_all(shapes[of == state], grid_size=1e-5) for state in states]
    return states, polygonal(shapely.coverage_simplify(polygonal(whole), TOLERANCE))


def _codes(properties: list[dict[str, Any]], owners: list[str]) -> list[str]:
    """ISO 3166-2 where the source has it whole, else HASC, else the source's own code; unique."""
    wanted = []
    for p, owner in zip(properties, owners, strict=True):
        iso, hasc = p.get("iso_3166_2") or "", p.get("code_hasc") or ""
        whole = len(iso) > 3 and iso[2] == "-" and "?" not in iso and "-9" not in iso
        if whole and iso[:2] == owner:
            wanted.append(iso)
        else:
            wanted.append(hasc if len(hasc) == 5 and hasc[2] == "." else p.get("adm1_code", ""))
    count = Counter(wanted)
    unique = [
        w if count[w] == 1 else p.get("adm1_code", "")
        for w, p in zip(wanted, properties, strict=True)
    ]
    seen: Counter[str] = Counter()
    numbered = []
    for code in unique:
        seen[code] += 1
        numbered.append(code if seen[code] == 1 else f"{code}.{seen[code]}")
    return numbered


def _name(properties: dict[str, Any]) -> str:
    return str(properties["name"] or "").split("|")[0].strip()
