"""Time and peak memory of checking and splitting a manifest of 4.7 million rows.

    python bench/data.py [--rows N]

Each measurement is a process of its own, beside one that does the same with the csv module and
plain Python. Writes ``results/data.json`` and ``results/data.md``; the loader is measured by
``bench/training.py``.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from graticule import atlas
from graticule.files import atomic, write_json
from graticule.photos.manifest import write

RESULTS = Path(__file__).parents[1] / "results"
PLAIN = Path(__file__).with_name("plain") / "data.py"
CLI = (sys.executable, "-m", "graticule", "data")
BLOCK = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_700_000)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    rows = arguments.rows
    if arguments.make:
        write(_batches(rows), arguments.make)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, packed = folder / "manifest.csv", folder / "manifest.parquet"
        # In processes of their own: a child's peak begins at its parent's size.
        for target in (table, packed):
            subprocess.run(
                [sys.executable, __file__, "--rows", str(rows), "--make", target], check=True
            )
        jobs = {
            "check": {
                "graticule, CSV": (*CLI, "check", table, "--no-files"),
                "graticule, Parquet": (*CLI, "check", packed, "--no-files"),
                "plain Python, CSV": (sys.executable, PLAIN, "check", table),
            },
            "split by photographer": _split_jobs("photographer", table, packed, folder),
            "split by place": _split_jobs("place", table, packed, folder),
        }
        measured = {
            task: {who: _measure(command) for who, command in ways.items()}
            for task, ways in jobs.items()
        }
        size = {"CSV": table.stat().st_size, "Parquet": packed.stat().st_size}
    result: dict[str, Any] = {
        "rows": rows,
        "bytes": size,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "tables": measured,
    }
    write_json(RESULTS / "data.json", result)
    with atomic(RESULTS / "data.md") as handle:
        handle.write(_page(result))


def _split_jobs(by: str, table: Path, packed: Path, folder: Path) -> dict[str, tuple[object, ...]]:
    split = (*CLI, "split")
    return {
        "graticule, CSV": (*split, table, "--by", by, "-o", folder / "out.csv"),
        "graticule, Parquet": (*split, packed, "--by", by, "-o", folder / "out.parquet"),
        "plain Python, CSV": (sys.executable, PLAIN, by, table, folder / "out.csv"),
    }


def _batches(rows: int):
    """Made-up rows with the habits of MP-16: 4.7 M photos of some 190,000 people, in clumps."""
    import pyarrow as pa

    rng = np.random.default_rng(16)
    towns = np.stack(
        [np.clip(rng.normal(25, 25, 20_000), -60, 75), rng.uniform(-180, 180, 20_000)], axis=1
    )
    people = max(1, rows // 25)
    for start in range(0, rows, BLOCK):
        n = min(BLOCK, rows - start)
        town = (20_000 * rng.random(n) ** 3).astype(int)
        latlon = (towns[town] + rng.normal(0, 0.05, (n, 2))).round(6)
        latlon[:, 1] = np.clip(latlon[:, 1], -180, 180)
        person = (people * rng.random(n) ** 2).astype(int)
        number = np.arange(start, start + n)
        day = np.datetime64("2006-01-01") + rng.integers(0, 3000, n)
        yield pa.RecordBatch.from_pydict(
            {
                "path": [f"{i % 256:02x}/{i:09d}.jpg" for i in number],
                "lat": latlon[:, 0],
                "lon": latlon[:, 1],
                "country": atlas.countries(latlon).tolist(),
                "photographer": [f"{p:08d}@N00" for p in person],
                "captured_at": day.astype(str).tolist(),
                "source": ["made up"] * n,
                "licence": ["CC BY 2.0"] * n,
            }
        )


def _measure(command: tuple[object, ...]) -> dict[str, float | int]:
    """Seconds, processor seconds and peak memory of one process."""
    start = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors = process.stderr.read().decode() if process.stderr else ""
    if process.returncode not in (0, 1) or "Traceback" in errors:
        raise RuntimeError(f"{command}: {errors}")
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


def _page(result: dict[str, Any]) -> str:
    rows = result["rows"]
    lines = [
        "# Manifests: time and memory",
        "",
        f"{rows:,} made-up rows; one process each, its start included. Plain Python is a loop over",
        "`csv.DictReader` with less to do: its check looks up no country of a place, and its split",
        "by place has a plain grid for S2 and no buffer.",
        "",
        "| task | by | seconds | processor s | peak MB |",
        "|---|---|---|---|---|",
    ]
    for task, ways in result["tables"].items():
        for who, got in ways.items():
            lines.append(
                f"| {task} | {who} | {got['seconds']} | {got['cpu_seconds']} | {got['peak_mb']:,} |"
            )
    machine = result["machine"]
    lines += [
        "",
        f"{machine['cores']} cores, Python {machine['python']}. On a machine that does other work,",
        "processor seconds are the steadier figure. Peak memory grows with the rows by the keys",
        "that a split compares; the rows themselves pass through.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
