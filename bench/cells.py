"""How fast and how lean the partitions are, beside other tools and plain ways in the same run.

    python bench/cells.py [--quick]

Writes results/cells.json and results/cells.md. One core but where it says otherwise. The photos are
made: towns drawn by population, each with photos around it, so dense where people are.
Seconds are the processor's (one thread, so the clock's on an idle machine). Peak memory is measured
in a process of its own for each task.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from common.memory import peak_mb
from graticule import atlas, files, sphere
from graticule.cells import s2
from graticule.cells.adaptive import adaptive

RESULTS = Path(__file__).parents[1] / "results"
FloatArray = npt.NDArray[np.float64]
#: The other libraries, which take points one by one, are timed on fewer.
FEW = 50_000
TAUS = (5000, 2000, 1000)


def photos(n: int, seed: int = 0) -> FloatArray:
    """Places as photos have them: around towns, the more the more people live there."""
    rng = np.random.default_rng(seed)
    towns = atlas.towns()
    weight = np.maximum(towns.population, 200.0) ** 0.9
    town = rng.choice(len(weight), n, p=weight / weight.sum())
    km = rng.exponential(3.0, n) * np.where(rng.uniform(size=n) < 0.2, 8.0, 1.0)
    return sphere.offset(towns.latlon[town], rng.uniform(0, 360, n), km)


def seconds(call: Callable[[], Any], rounds: int = 3) -> float:
    """The best of some rounds, in seconds of the processor."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def s2_ids() -> dict[str, Any]:
    """Leaf ids a second, beside three libraries on fewer points of the same kind."""
    import s2cell
    import s2geometry
    import s2sphere

    many = sphere.uniform(1_000_000, np.random.default_rng(0))
    few = many[:FEW].tolist()
    point, cell = s2sphere.LatLng.from_degrees, s2sphere.CellId.from_lat_lng
    rates = {"graticule": len(many) / seconds(lambda: s2.cell_ids(many))}
    tools: dict[str, Callable[[], Any]] = {
        "s2sphere": lambda: [cell(point(lat, lon)).id() for lat, lon in few],
        "s2cell": lambda: [s2cell.lat_lon_to_cell_id(lat, lon) for lat, lon in few],
        "s2geometry": lambda: [
            s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(lat, lon)).id() for lat, lon in few
        ],
    }
    for name, tool in tools.items():
        rates[name] = FEW / seconds(tool)
    return {
        "points": len(many),
        "points_of_others": FEW,
        "rates": {name: round(rate) for name, rate in rates.items()},
        "ratios": {name: round(rates["graticule"] / rates[name], 1) for name in tools},
    }


def adaptive_cells(n: int) -> dict[str, Any]:
    """Three partitions of ``n`` photos; the time is of all three."""
    points = photos(n)
    start = time.process_time()
    made = {tau: adaptive(points, tau, 50) for tau in TAUS}
    return {
        "photos": n,
        "seconds": round(time.process_time() - start, 2),
        "cells": {str(tau): len(partition) for tau, partition in made.items()},
    }


def semantic_cells(n: int) -> dict[str, Any]:
    """Semantic cells of the world at PIGEON's ratio of photos to a cell's maximum."""
    from graticule.cells.boundaries import of_atlas
    from graticule.cells.semantic import PRESETS, semantic

    points, units = photos(n), of_atlas("districts")
    preset = "small" if n <= 200_000 else "large"
    start = time.process_time()
    made, report = semantic(points, units, PRESETS[preset])
    taken = time.process_time() - start
    return {
        "photos": n,
        "preset": preset,
        "seconds": round(taken, 1),
        "cells": len(made),
        "largest": int(made.counts.max()),
        "too_large": len(report.unsplit),
    }


def textbook(n: int) -> dict[str, Any]:
    """One OPTICS over all photos by a precomputed matrix of haversine distances."""
    from sklearn.cluster import OPTICS

    points = photos(n)
    start = time.process_time()
    OPTICS(min_samples=8, xi=0.05, metric="precomputed").fit(sphere.distances(points, points))
    return {"photos": n, "seconds": round(time.process_time() - start, 1)}


def assigns() -> dict[str, Any]:
    """Points a second that each kind assigns, a million spread over the sphere."""
    from graticule.cells.boundaries import of_atlas
    from graticule.cells.cities import cities
    from graticule.cells.combinatorial import combinatorial, random_parts
    from graticule.cells.countries import countries
    from graticule.cells.gallery import gallery
    from graticule.cells.regions import regions
    from graticule.cells.semantic import PRESETS, semantic

    seen = photos(30_000)
    kinds = {
        "countries": countries(atlas.countries(seen), seen),
        "regions": regions(seen, of_atlas("regions")),
        "cities": cities(),
        "s2": adaptive(seen, 100, 5),
        "semantic": semantic(seen, of_atlas("districts"), PRESETS["small"])[0],
        "gallery": gallery(seen),
        "combinatorial": combinatorial(seen, random_parts(seen, 3, 200)),
    }
    points = sphere.uniform(1_000_000, np.random.default_rng(1))
    return {
        name: {"cells": len(kind), "seconds": round(seconds(lambda k=kind: k.assign(points), 1), 2)}
        for name, kind in kinds.items()
    }


def distances(plain: bool) -> dict[str, Any]:
    """All distances of 20,000 points to 10,000 cells: blocks, or one broadcast of the formula."""
    rng = np.random.default_rng(2)
    points, cells = sphere.uniform(20_000 if not plain else 4_000, rng), sphere.uniform(10_000, rng)
    start = time.process_time()
    if plain:
        total = float(sphere.haversine(points[:, None], cells[None]).sum())
    else:
        total = sum(float(km.sum()) for _, km in sphere.distance_blocks(points, cells))
    taken = time.process_time() - start
    return {"pairs": len(points) * len(cells), "seconds": round(taken, 2), "mean_km": total}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "s2": s2_ids,
    "adaptive": adaptive_cells,
    "semantic": semantic_cells,
    "textbook": textbook,
    "assign": assigns,
    "distances": distances,
}


def alone(task: str, *arguments: Any) -> dict[str, Any]:
    """Run one task in a process of its own, for its peak memory."""
    call = [sys.executable, __file__, "--task", json.dumps([task, *arguments])]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    print(task, *arguments, result, file=sys.stderr)
    return result


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="Small sizes only; writes nothing.")
    options = parser.parse_args()
    if options.task:
        name, *arguments = json.loads(options.task)
        result = TASKS[name](*arguments)
        print(json.dumps({**result, "peak_gb": round(peak_mb() / 1e3, 2)}))
        return
    small = options.quick
    adaptive_sizes = [100_000] if small else [500_000, 1_000_000, 2_000_000, 4_000_000, 4_700_000]
    semantic_sizes = [5_000] if small else [10_000, 50_000, 100_000, 500_000]
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 1),
        "s2": alone("s2"),
        "adaptive": [alone("adaptive", n) for n in adaptive_sizes],
        "semantic": [alone("semantic", n) for n in semantic_sizes],
        "textbook": [alone("textbook", n) for n in ([1_000] if small else [2_500, 5_000])],
        "assign": alone("assign"),
        "distances": {"blocks": alone("distances", False), "broadcast": alone("distances", True)},
        "load_after": round(os.getloadavg()[0], 1),
    }
    text = markdown(result)
    print(text)
    if not small:
        files.write_json(RESULTS / "cells.json", result)
        with files.atomic(RESULTS / "cells.md") as handle:
            handle.write(text)


def markdown(result: dict[str, Any]) -> str:
    """The results as a page."""
    ids = result["s2"]
    lines = [
        "# Cells",
        "",
        f"`python bench/cells.py` on {result['machine']}; one process at a time, one thread each. "
        "Seconds are the processor's. Others used the machine too (load "
        f"{result['load_before']} before, {result['load_after']} after): read the ratios.",
        "",
        "## S2 ids",
        "",
        "| tool | points a second | graticule is faster by |",
        "|---|---:|---:|",
        f"| graticule, {ids['points']:,} points | {ids['rates']['graticule']:,} | |",
    ]
    lines += [
        f"| {name}, {ids['points_of_others']:,} points | {ids['rates'][name]:,} | {ratio} × |"
        for name, ratio in ids["ratios"].items()
    ]
    lines += [
        "",
        "## Adaptive S2 cells, τ_min 50, three partitions in all",
        "",
        "| photos | seconds | peak GB | cells at τ_max 5000 / 2000 / 1000 |",
        "|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['photos']:,} | {row['seconds']} | {row['peak_gb']} | "
        f"{' / '.join(f'{count:,}' for count in row['cells'].values())} |"
        for row in result["adaptive"]
    ]
    lines += [
        "",
        "## Semantic cells of the world, from the atlas's regions and India's districts",
        "",
        "| photos | sizes | seconds | peak GB | cells | largest | too large, not split |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['photos']:,} | {row['preset']} | {row['seconds']} | {row['peak_gb']} | "
        f"{row['cells']:,} | {row['largest']:,} | {row['too_large']:,} |"
        for row in result["semantic"]
    ]
    lines += ["", "The textbook way, one OPTICS over a matrix of all distances:", ""]
    lines += ["| photos | seconds | peak GB |", "|---:|---:|---:|"]
    lines += [
        f"| {row['photos']:,} | {row['seconds']} | {row['peak_gb']} |" for row in result["textbook"]
    ]
    lines += ["", "## Assigning a million points, spread evenly over the sphere", ""]
    lines += ["| partition | cells | seconds |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {row['cells']:,} | {row['seconds']} |"
        for name, row in result["assign"].items()
        if isinstance(row, dict)
    ]
    blocks, plain = result["distances"]["blocks"], result["distances"]["broadcast"]
    ratio = (plain["seconds"] / plain["pairs"]) / (blocks["seconds"] / blocks["pairs"])
    lines += [
        "",
        "## Distances to 10,000 cells",
        "",
        "| way | million pairs | seconds | peak GB |",
        "|---|---:|---:|---:|",
        f"| in blocks | {blocks['pairs'] / 1e6:,.0f} | {blocks['seconds']} | {blocks['peak_gb']} |",
        f"| numpy broadcast of the haversine formula | {plain['pairs'] / 1e6:,.0f} | "
        f"{plain['seconds']} | {plain['peak_gb']} |",
        "",
        f"A pair in blocks is {ratio:.1f} × faster.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
