"""Are planted leaks found, and is a clean pair let alone? results/audit.{json,md}.

Two tables of a synthetic planet for each seed, by different photographers on different days: with
one of each kind planted, and clean. A planted kind is found when the photos that were planted are
all among those the check names; a false alarm is any check that names a photo of the clean pair.
Pictures are drawn for the checks that look at them.

Checks of tables need no pictures and take all seeds at once; those of pictures go on seed by seed.

    python bench/audit.py [seeds] [photos of each table] [seeds with pictures]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from common.planted import KINDS, plant
from common.real_photos import RESULTS, machine
from graticule import files
from graticule.evaluation.audit import audit_tables
from graticule.evaluation.pixels import audit_pixels
from graticule.evaluation.truth import Truth
from graticule.photos.manifest import Manifest, from_table
from graticule.photos.planet import make
from graticule.photos.planet.build import shots
from graticule.progress import track


def main() -> None:
    """Plant, look, count and write; goes on where an earlier run of the same size ended."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    photos = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    file = RESULTS / "audit.json"
    result: dict[str, Any] = {"photos_a_table": photos, "seeds": 0, "seconds": 0, "checks": {}}
    if file.is_file():
        kept = files.read_json(file)
        result = kept if kept["photos_a_table"] == photos and kept["seeds"] < seeds else result
    drawn = int(sys.argv[3]) if len(sys.argv) > 3 else seeds
    began = time.monotonic() - result["seconds"]
    result |= {"planted": result.get("planted", {}), "machine": machine()}
    if "tables" not in result:
        result["tables"] = {"seeds": seeds, "planted": {}, "checks": {}}
        for seed in track(range(seeds), "planting in tables", seeds):
            one(result["tables"], Path("planet"), photos, seed, pictures=False)
    for seed in track(range(result["seeds"], drawn), "planting", drawn - result["seeds"]):
        with tempfile.TemporaryDirectory() as folder:
            one(result, Path(folder), photos, seed)
        result |= {"seeds": seed + 1, "seconds": round(time.monotonic() - began)}
        files.write_json(file, result)
        with files.atomic(RESULTS / "audit.md") as handle:
            handle.write(_markdown(result))


def one(
    result: dict[str, Any], folder: Path, photos: int, seed: int, *, pictures: bool = True
) -> None:
    """One planet: the clean pair, then the planted one."""
    train, test = sides(folder, photos, seed, pictures=pictures)
    for finding in findings(train, test, pictures=pictures):
        tally = result["checks"].setdefault(
            finding.kind, {"pairs": 0, "pairs_with_alarm": 0, "photos": 0, "photos_named": 0}
        )
        tally["pairs"] += 1
        tally["pairs_with_alarm"] += int(finding.count > 0)
        tally["photos"] += len(test)
        tally["photos_named"] += finding.count
    rng = np.random.default_rng([seed, 1])
    spoilt, rows = plant(train, test, rng, pictures=pictures)
    named = {found.kind: found for found in findings(train, spoilt, pictures=pictures)}
    for kind, row in rows.items():
        tally = result["planted"].setdefault(
            kind.name, {"check": KINDS[kind], "planted": 0, "found": 0}
        )
        tally["planted"] += 1
        tally["found"] += int(named[KINDS[kind]].rows[row])


def sides(
    folder: Path, photos: int, seed: int, *, pictures: bool = True
) -> tuple[Manifest, Manifest]:
    """Two clean tables: other countries, other people, other days; one photo of each burst."""
    whole = (
        make(folder, 4 * photos, countries=12, seed=seed, size=(96, 72))
        if pictures
        else from_table(
            pa.Table.from_pylist([s.row for s in shots(4 * photos, countries=12, seed=seed)]),
            folder / "manifest.csv",
        )
    )
    table = whole.table
    lands = whole.column("country")
    _, first = np.unique(whole.column("group"), return_index=True)
    order = np.random.default_rng(seed).permutation(np.unique(lands))
    parts = []
    for codes in (order[::2], order[1::2]):
        mine = np.isin(lands, codes) & np.isin(np.arange(len(lands)), first)
        mine &= whole.column("clue") == "yes"
        parts.append(np.flatnonzero(mine)[:photos])
    paths = []
    for name, rows in zip(("train", "test"), parts, strict=True):
        for row in rows:
            old = whole.file(str(whole.column("path")[row]))
            new = folder / name / f"{name}-{seed}-{old.stem}-{row:04x}k.jpg"
            if pictures:
                new.parent.mkdir(exist_ok=True)
                shutil.move(old, new)
        names = [f"{name}-{seed}-{row:06d}-{row:04x}k.jpg" for row in rows]
        part = table.take(rows).drop_columns(["path", "landmark"])
        part = part.add_column(0, "path", pa.array([f"{name}/{n}" for n in names]))
        # Somebody who travels would be on both sides: that is a leak, and this pair is clean.
        people = pa.array([f"{name} {p}" for p in part["photographer"].to_pylist()])
        part = part.set_column(part.column_names.index("photographer"), "photographer", people)
        paths.append(from_table(part, folder / f"{name}.csv"))
    return paths[0], paths[1]


def findings(train: Manifest, test: Manifest, *, pictures: bool) -> list[Any]:
    """Everything the audit says of a pair."""
    found = audit_tables(Truth.of(train), Truth.of(test))
    return [*found, *audit_pixels(train, test).findings] if pictures else found


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# The audit on planted leaks",
        "",
        "Made by `bench/audit.py`: two tables of a synthetic planet, up to "
        f"{result['photos_a_table']} photos each, of other countries, people and days; clean, and "
        "with one photo of each kind planted.",
    ]
    for title, part in (("Tables", result.get("tables")), ("Tables and pictures", result)):
        if part and part["checks"]:
            lines += ["", f"## {title}, {part['seeds']} seeds", "", *_part(part)]
    lines += ["", f"{result['machine']}; {result['seconds']} s."]
    return "\n".join(lines) + "\n"


def _part(part: dict[str, Any]) -> list[str]:
    planted, checks = part["planted"], part["checks"]
    found = sum(k["found"] for k in planted.values())
    total = sum(k["planted"] for k in planted.values())
    wrong = sum(k["photos_named"] for k in checks.values())
    looked = sum(k["photos"] for k in checks.values())
    return [
        f"{found} of {total} planted photos were named by their check; {wrong} of {looked} looks "
        f"at clean photos named one ({100 * wrong / looked:.2f} %).",
        "",
        "| planted | check | planted | found |",
        "|---|---|---:|---:|",
        *(f"| {n} | {k['check']} | {k['planted']} | {k['found']} |" for n, k in planted.items()),
        "",
        "| check of clean pairs | photos | named | % | pairs with an alarm |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {k['photos']} | {k['photos_named']} | "
            f"{100 * k['photos_named'] / k['photos']:.2f} | {k['pairs_with_alarm']} of "
            f"{k['pairs']} |"
            for name, k in checks.items()
        ),
    ]


if __name__ == "__main__":
    main()
