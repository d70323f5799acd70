"""What clocks show at a place: the time zone of the nearest town, and its offset from UTC.

Which zone a town keeps is GeoNames' word, what its clocks showed the IANA database's. Between two
towns of different zones the nearer one speaks, so a place near a zone's border may get the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas import shapes
from graticule.atlas.towns import nearest_towns

IntArray = npt.NDArray[np.int64]

#: Farther from all towns a place keeps nautical time: a whole hour for each 15° of longitude.
TOWN_KM = 300.0


@dataclass(frozen=True, eq=False)
class Zones:
    """All zones, as columns.

    Attributes:
        names: IANA names, as "Europe/Kyiv".
        zone: int64 (towns,), the zone of each town of :func:`graticule.atlas.towns`.
        ends: int64 (zones,), where each zone's changes end.
        moments: int64, Unix time from which an offset holds.
        minutes: int64, that offset, east positive.
    """

    names: tuple[str, ...]
    zone: IntArray
    ends: IntArray
    moments: IntArray
    minutes: IntArray

    def offset(self, zone: int, moment: datetime) -> int:
        """Minutes that a zone's clocks were ahead of UTC at a moment."""
        start = int(self.ends[zone - 1]) if zone else 0
        own = slice(start, int(self.ends[zone]))
        at = np.searchsorted(self.moments[own], moment.timestamp(), side="right") - 1
        return int(self.minutes[own][max(0, int(at))])


@cache
def zones() -> Zones:
    """The table of zones, read once."""
    with shapes.open_data(shapes.DATA / "zones.npz") as file:
        return Zones(
            names=tuple(json.loads(file["names"].tobytes())),
            zone=file["zone"].astype(np.int64),
            ends=file["ends"].astype(np.int64),
            moments=shapes.unfold(file["moments"]) * 60,
            minutes=file["minutes"].astype(np.int64),
        )


def time_zones(latlon: npt.ArrayLike) -> list[str]:
    """The IANA name of each point's zone, (n,); ``""`` far from all towns."""
    points = sphere.as_latlon(latlon)
    town, km = nearest_towns(points)
    table = zones()
    return [
        table.names[int(table.zone[i])] if far <= TOWN_KM else ""
        for i, far in zip(town, km, strict=True)
    ]


def utc_offsets(latlon: npt.ArrayLike, moment: datetime) -> IntArray:
    """Minutes that clocks at each point were ahead of UTC at a moment, (n,).

    Args:
        latlon: (n, 2) degrees.
        moment: with its offset; a naive one is what the clocks themselves showed.
    """
    points = sphere.as_latlon(latlon)
    town, km = nearest_towns(points)
    nautical = np.rint(sphere.wrap_longitude(points[:, 1]) / 15).astype(np.int64) * 60
    out = nautical.copy()
    for row in np.flatnonzero(km <= TOWN_KM):
        zone = int(zones().zone[town[row]])
        if moment.tzinfo is not None:
            out[row] = zones().offset(zone, moment)
            continue
        shown = moment.replace(tzinfo=UTC).timestamp()
        first = zones().offset(zone, datetime.fromtimestamp(shown, UTC))
        out[row] = zones().offset(zone, datetime.fromtimestamp(shown - 60 * first, UTC))
    return out


def write(
    path: str | os.PathLike[str],
    *,
    names: Sequence[str],
    zone: npt.ArrayLike,
    changes: Sequence[Sequence[tuple[int, int]]],
) -> None:
    """Write the table; ``changes`` are each zone's (Unix time, minutes ahead from then on)."""
    moments = np.array([moment // 60 for some in changes for moment, _ in some], np.int64)
    np.savez_compressed(
        path,
        names=np.frombuffer(json.dumps(list(names)).encode(), np.uint8),
        zone=np.asarray(zone, dtype=np.uint16),
        ends=np.cumsum([len(some) for some in changes]).astype(np.int32),
        moments=shapes.fold(moments),
        minutes=np.array([m for some in changes for _, m in some], np.int16),
    )
