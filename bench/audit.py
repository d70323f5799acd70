"""Are planted leaks found, and is a clean pair let alone? results/audit.{json,md}.

Two tables of a synthetic planet for each seed, by different photographers on different days: with
one of each kind planted, and clean. A planted kind is found when the photo that was planted is
among those the check names; a false alarm is any check that names a photo of the clean pair. The
seeds are gone through twice: tables alone, then with pictures drawn for the checks that look at
them, where planted files are among the photos.

    python bench/audit.py [seeds] [photos of each table]
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from common.planted import KINDS, plant
from common.real_photos import RESULTS, machine
from graticule import files
from graticule.evaluation.audit import audit_tables
from graticule.evaluation.likeness import alike_by
from graticule.evaluation.pixels import Likeness, audit_pixels
from graticule.evaluation.truth import Truth
from graticule.locate.engine import Engine
from graticule.locate.locator import find_model
from graticule.photos.manifest import Manifest, from_table
from graticule.photos.planet.build import Shot, draw, shots
from graticule.progress import track

SIZE = (96, 72)


def main() -> None:
    """Plant, look, count and write."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    photos = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    result: dict[str, Any] = {"photos_a_table": photos, "machine": machine()}
    for name, pictures in (("tables", False), ("pictures", True)):
        part: dict[str, Any] = {"seeds": seeds, "planted": {}, "checks": {}}
        began = time.process_time()
        for seed in track(range(seeds), f"planting in {name}", seeds):
            with tempfile.TemporaryDirectory() as folder:
                one(part, Path(folder), photos, seed, pictures=pictures)
        part["seconds_a_seed"] = round((time.process_time() - began) / seeds, 2)
        result[name] = part
    files.write_json(RESULTS / "audit.json", result)
    with files.atomic(RESULTS / "audit.md") as handle:
        handle.write(_markdown(result))


def one(
    part: dict[str, Any], folder: Path, photos: int, seed: int, *, pictures: bool = True
) -> None:
    """One planet: the clean pair, then the planted one."""
    train, test = sides(folder, photos, seed, pictures=pictures)
    for finding in findings(train, test, pictures=pictures):
        tally = part["checks"].setdefault(
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
        tally = part["planted"].setdefault(
            kind.name, {"check": KINDS[kind], "planted": 0, "found": 0, "missed_seeds": []}
        )
        tally["planted"] += 1
        if named[KINDS[kind]].rows[row]:
            tally["found"] += 1
        else:
            tally["missed_seeds"].append(seed)


def sides(
    folder: Path, photos: int, seed: int, *, pictures: bool = True
) -> tuple[Manifest, Manifest]:
    """Two clean tables: other countries, other people, other days; one photo of each burst."""
    first: dict[str, Shot] = {}
    for shot in shots(4 * photos, countries=12, seed=seed):
        first.setdefault(shot.row["group"], shot)
    lands = {shot.row["country"] for shot in first.values()}
    order = np.random.default_rng(seed).permutation(sorted(lands)).tolist()
    made = []
    for name, codes in (("train", order[::2]), ("test", order[1::2])):
        kept = [s for s in first.values() if s.row["country"] in codes and s.row["clue"] == "yes"]
        taken = [replace(s, row=_own_row(s.row, name, seed)) for s in kept[:photos]]
        rows = draw(taken, folder, SIZE) if pictures else [s.row for s in taken]
        made.append(from_table(pa.Table.from_pylist(rows), folder / f"{name}.csv"))
    return made[0], made[1]


def _own_row(row: dict[str, Any], side: str, seed: int) -> dict[str, Any]:
    stem = Path(row["path"]).stem
    return {
        **{name: value for name, value in row.items() if name != "landmark"},
        # A name that tells: one that is only a number says nothing to the audit.
        "path": f"{side}/{side}-{seed}-{stem}-{int(stem):04x}k.jpg",
        # Somebody who travels would be on both sides: that is a leak, and this pair is clean.
        "photographer": f"{side} {row['photographer']}",
    }


def findings(train: Manifest, test: Manifest, *, pictures: bool) -> list[Any]:
    """Everything the audit says of a pair."""
    found = audit_tables(train, Truth.of(test))
    return [*found, *audit_pixels(train, test, vectors()).findings] if pictures else found


@cache
def vectors() -> Likeness:
    """The check of vectors by the bundled model."""
    return alike_by(Engine(find_model("mini")))


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# The audit on planted leaks",
        "",
        "Made by `bench/audit.py`: two tables of a synthetic planet, up to "
        f"{result['photos_a_table']} photos each, of other countries, people and days; clean, and "
        "with one photo of each kind planted.",
        "",
        "Some coordinates lie in their country still when latitude and longitude change places "
        "(Nigeria, Egypt). They are planted apart, on the planets that have such a photo; region "
        "or city tell them.",
    ]
    for name, title in (("tables", "Tables"), ("pictures", "Tables and pictures")):
        lines += ["", f"## {title}, {result[name]['seeds']} seeds", "", *_part(result[name])]
    return "\n".join([*lines, "", f"{result['machine']}."]) + "\n"


def _part(part: dict[str, Any]) -> list[str]:
    planted, checks = part["planted"], part["checks"]
    found = sum(k["found"] for k in planted.values())
    total = sum(k["planted"] for k in planted.values())
    wrong = sum(k["photos_named"] for k in checks.values())
    looked = sum(k["photos"] for k in checks.values())
    return [
        f"{found} of {total} planted photos were named by their check; {wrong} of {looked} looks "
        f"at clean photos named one ({100 * wrong / looked:.2f} %). {part['seconds_a_seed']:.2f} s "
        "of the processor a seed.",
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
