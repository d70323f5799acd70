"""Time zones: which one each town keeps (GeoNames), and what its clocks showed (IANA)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from atlas_sources.packages import unpacked
from atlas_sources.towns import in_order
from graticule.atlas.zones import write

#: Years whose clocks are kept: digital cameras, and what is decided of the future.
FIRST, LAST = 1995, 2037


def build(work: Path, data: Path) -> None:
    """Write ``zones.npz``."""
    rules = unpacked("tzdata", work) / "tzdata" / "zoneinfo"
    kept = [row["timezone"] for row in in_order(work)[0]]
    names, zone = np.unique(np.array(kept), return_inverse=True)
    changes = [_changes(rules, name) for name in names.tolist()]
    write(data / "zones.npz", names=names.tolist(), zone=zone, changes=changes)


def _changes(rules: Path, name: str) -> list[tuple[int, int]]:
    """Moments (Unix time) from which a zone's clocks were so many minutes ahead of UTC."""
    with (rules / name).open("rb") as file:
        zone = ZoneInfo.from_file(file)
    moment, end = datetime(FIRST, 1, 1, tzinfo=UTC), datetime(LAST + 1, 1, 1, tzinfo=UTC)
    found = [(0, _minutes(zone, moment))]
    while moment < end:
        later = moment + timedelta(days=7)
        if _minutes(zone, later) != found[-1][1]:
            # The change is somewhere in this week: clocks change on whole minutes.
            low, high = moment, later
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
                if _minutes(zone, middle) == found[-1][1]:
                    low = middle
                else:
                    high = middle
            found.append((int(high.timestamp()), _minutes(zone, high)))
        moment = later
    return found


def _minutes(zone: ZoneInfo, moment: datetime) -> int:
    ahead = moment.astimezone(zone).utcoffset()
    assert ahead is not None
    return round(ahead.total_seconds() / 60)
