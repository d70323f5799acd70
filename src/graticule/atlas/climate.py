"""The Köppen–Geiger climate zone of a point (Rubel et al. 2016, 100 arc seconds, 1986–2010)."""

from __future__ import annotations

import json
import zlib
from functools import cache

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas import shapes

IntArray = npt.NDArray[np.int64]

#: Pixels along a side of one deflated square; only the squares asked for are inflated.
TILE = 540
#: Pixels around a point of the sea in which a zone is looked for, some 15 km: shores and islets.
REACH = 5

#: What the zones are called (Peel, Finlayson, McMahon 2007, table 1).
ZONE_NAMES = {
    "Af": "tropical rainforest",
    "Am": "tropical monsoon",
    "As": "tropical savanna, dry summer",
    "Aw": "tropical savanna, dry winter",
    "BWh": "hot desert",
    "BWk": "cold desert",
    "BSh": "hot steppe",
    "BSk": "cold steppe",
    "Csa": "Mediterranean, hot summer",
    "Csb": "Mediterranean, warm summer",
    "Csc": "Mediterranean, cold summer",
    "Cwa": "temperate, dry winter, hot summer",
    "Cwb": "temperate, dry winter, warm summer",
    "Cwc": "temperate, dry winter, cold summer",
    "Cfa": "temperate, no dry season, hot summer",
    "Cfb": "temperate, no dry season, warm summer",
    "Cfc": "temperate, no dry season, cold summer",
    "Dsa": "cold, dry summer, hot summer",
    "Dsb": "cold, dry summer, warm summer",
    "Dsc": "cold, dry summer, cold summer",
    "Dsd": "cold, dry summer, very cold winter",
    "Dwa": "cold, dry winter, hot summer",
    "Dwb": "cold, dry winter, warm summer",
    "Dwc": "cold, dry winter, cold summer",
    "Dwd": "cold, dry winter, very cold winter",
    "Dfa": "cold, no dry season, hot summer",
    "Dfb": "cold, no dry season, warm summer",
    "Dfc": "cold, no dry season, cold summer",
    "Dfd": "cold, no dry season, very cold winter",
    "ET": "tundra",
    "EF": "ice cap",
}


class Raster:
    """Zone numbers of a world map in equal steps of degrees, inflated a square at a time."""

    def __init__(self) -> None:
        with shapes.open_data(shapes.DATA / "climate.npz") as file:
            self.codes = np.array(json.loads(file["codes"].tobytes()))
            self.rows, self.columns = file["shape"].tolist()
            self._ends, self._tiles = file["ends"], file["tiles"]
        self._inflated: dict[int, npt.NDArray[np.uint8]] = {}

    def at(self, row: IntArray, column: IntArray) -> IntArray:
        """Zone numbers of pixels; rows end at the poles, columns go round."""
        row, column = np.clip(row, 0, self.rows - 1), column % self.columns
        tile = (row // TILE) * (self.columns // TILE) + column // TILE
        found = np.empty(row.shape, np.int64)
        for number in np.unique(tile).tolist():
            here = tile == number
            found[here] = self._tile(number)[row[here] % TILE, column[here] % TILE]
        return found

    def _tile(self, number: int) -> npt.NDArray[np.uint8]:
        if number not in self._inflated:
            start = int(self._ends[number - 1]) if number else 0
            packed = self._tiles[start : int(self._ends[number])].tobytes()
            pixels = np.frombuffer(zlib.decompress(packed), np.uint8)
            self._inflated[number] = pixels.reshape(TILE, TILE)
        return self._inflated[number]


@cache
def _raster() -> Raster:
    return Raster()


@cache
def _around() -> IntArray:
    """Steps (row, column) to the pixels around one, the nearest first."""
    steps = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].reshape(2, -1).T
    return np.asarray(steps[np.argsort((steps**2).sum(axis=1), kind="stable")][1:], np.int64)


def climate(latlon: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """The zone at each point, as ``"Aw"`` or ``"Cfb"``, (n,); ``""`` out at sea.

    A point in the sea takes the nearest zone within five pixels: on a shore the raster is coarser
    than the coast.
    """
    points, raster = sphere.as_latlon(latlon), _raster()
    lat, lon = points[:, 0], sphere.wrap_longitude(points[:, 1])
    row = np.floor((90 - lat) * (raster.rows / 180)).astype(np.int64)
    column = np.floor((lon + 180) * (raster.columns / 360)).astype(np.int64)
    zones = raster.at(row, column)
    for down, right in _around():
        sea = np.flatnonzero(raster.codes[zones] == "")
        if not len(sea):
            break
        near = raster.at(row[sea] + down, column[sea] + right)
        zones[sea] = np.where(raster.codes[near] == "", zones[sea], near)
    return np.asarray(raster.codes[zones])


def climate_name(zone: str) -> str:
    """What a zone is called in English; ``""`` for ``""``."""
    return ZONE_NAMES[zone] if zone else ""
