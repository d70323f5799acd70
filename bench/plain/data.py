"""What `bench/data.py` measures against: the same work with the csv module and plain Python.

Run by it as ``plain/data.py check TABLE`` or ``plain/data.py KEY TABLE OUTPUT``.
"""

from __future__ import annotations

import csv
import math
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?)?$")


def check(table: str) -> None:
    """Paths twice, coordinates out of range, malformed countries and dates."""
    seen: set[str] = set()
    problems = 0
    with Path(table).open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            problems += row["path"] in seen or not row["path"]
            seen.add(row["path"])
            try:
                lat, lon = float(row["lat"]), float(row["lon"])
                problems += not (abs(lat) <= 90 and abs(lon) <= 180) or lat == lon == 0
            except ValueError:
                problems += 1
            problems += len(row["country"]) not in (0, 2) or not DATE.match(row["captured_at"])
    print(problems)


def split(table: str, output: str, key: Callable[[dict[str, str]], object]) -> None:
    """Deal keys to sides by their number of rows, then write a column."""
    counts: dict[object, int] = {}
    with Path(table).open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            name = key(row)
            counts[name] = counts.get(name, 0) + 1
    total = sum(counts.values())
    room = {"train": 0.8 * total, "val": 0.1 * total, "test": 0.1 * total}
    sides = {}
    names = sorted(counts, key=lambda name: (-counts[name], random.random()))
    for name in names:
        side = max(room, key=lambda side: room[side])
        sides[name] = side
        room[side] -= counts[name]
    with (
        Path(table).open(newline="", encoding="utf-8") as handle,
        Path(output).open("w", newline="", encoding="utf-8") as out,
    ):
        reader = csv.DictReader(handle)
        writer = csv.DictWriter(out, [*(reader.fieldnames or []), "split"])
        writer.writeheader()
        for row in reader:
            row["split"] = sides[key(row)]
            writer.writerow(row)


def block(row: dict[str, str]) -> tuple[int, int]:
    """A box of about 150 km: there is no S2 in the standard library."""
    lat = math.floor(float(row["lat"]) / 1.4)
    return lat, math.floor(float(row["lon"]) / 1.4)


if __name__ == "__main__":
    task, where = sys.argv[1:3]
    if task == "check":
        check(where)
    elif task == "photographer":
        split(where, sys.argv[3], lambda row: row["photographer"])
    else:
        split(where, sys.argv[3], block)
