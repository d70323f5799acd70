"""How fast and how right the atlas names places, beside reverse_geocoder in the same run.

    python bench/atlas.py [--points 200000]

Writes results/atlas.json and results/atlas.md. Processor time of one core; the median of five
rounds, the tools taking turns. The country a land point should have is read off the regions'
polygons (Natural Earth, US Census, geoBoundaries): their border lines come from other sources than
the countries' own (country-coder) and than GeoNames' towns.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from graticule import atlas, files
from graticule.atlas.regions import region_layer

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 5


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200_000)
    n = parser.parse_args().points
    points = atlas.sample_land(n, 2026)
    import reverse_geocoder

    other = reverse_geocoder.RGeocoder(mode=1, verbose=False)
    pairs = list(map(tuple, points.tolist()))
    tools: dict[str, Callable[[], Any]] = {
        "country": lambda: atlas.countries(points),
        "nearest town": lambda: atlas.nearest_towns(points),
        "region": lambda: atlas.regions(points),
        "climate": lambda: atlas.climate(points),
        "names: country, region, town": lambda: atlas.names(points),
        "attributes": lambda: atlas.attributes(points),
        "reverse_geocoder: k-d tree alone": lambda: other.tree.query(pairs, k=1),
        "reverse_geocoder: names": lambda: other.query(pairs),
    }
    first = {name: _seconds(tool) for name, tool in tools.items()}
    rounds = [{name: _seconds(tool) for name, tool in tools.items()} for _ in range(ROUNDS)]
    rates = {name: n / statistics.median(r[name] for r in rounds) for name in tools}
    result = {
        "points": n,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "points_per_second": {name: round(rate) for name, rate in rates.items()},
        "first_call_seconds": {name: round(value, 3) for name, value in first.items()},
        "right_country": _right_countries(points, other.query(pairs)),
        "data_bytes": sum(p.stat().st_size for p in _data_files()),
    }
    files.write_json(RESULTS / "atlas.json", result)
    with files.atomic(RESULTS / "atlas.md") as handle:
        handle.write(_markdown(result))
    print(_markdown(result))


def _seconds(call: Callable[[], Any]) -> float:
    # Processor time, so that other work on the machine does not count.
    start = time.process_time()
    call()
    return time.process_time() - start


def _data_files() -> list[Path]:
    from graticule.atlas.shapes import DATA

    return [path for path in DATA.rglob("*") if path.is_file()]


def _right_countries(points: np.ndarray, theirs: list[dict[str, str]]) -> dict[str, Any]:
    """Shares of land points with the right country, and of towns with their own."""
    layer = region_layer()
    truth = layer.countries[layer.index.find(points)]
    known = truth != ""
    ours = atlas.countries(points)
    town = atlas.towns().country[atlas.nearest_towns(points)[0]]
    listed = np.array([row["cc"] for row in theirs])
    table = atlas.towns()
    # Antarctica has no towns: a tool that goes by towns cannot name it.
    inhabited = known & (truth != "AQ")
    return {
        "land_points_judged": int(known.sum()),
        "land_points_in_no_region": int((~known).sum()),
        "country": _share(ours, truth, known),
        "country of the nearest town": _share(town, truth, known),
        "reverse_geocoder": _share(listed, truth, known),
        "country, Antarctica left out": _share(ours, truth, inhabited),
        "country of the nearest town, Antarctica left out": _share(town, truth, inhabited),
        "reverse_geocoder, Antarctica left out": _share(listed, truth, inhabited),
        "GeoNames towns whose country is theirs": float(
            np.mean(atlas.countries(table.latlon) == table.country)
        ),
    }


def _share(found: np.ndarray, truth: np.ndarray, judged: np.ndarray) -> float:
    return float(np.mean(found[judged] == truth[judged]))


def _markdown(result: dict[str, Any]) -> str:
    right = result["right_country"]
    shares = "\n".join(
        f"| {name} | {100 * value:.2f} % |"
        for name, value in right.items()
        if isinstance(value, float)
    )
    rates = "\n".join(
        f"| {name} | {rate:,} | {result['first_call_seconds'][name]:.2f} |"
        for name, rate in result["points_per_second"].items()
    )
    return f"""# The atlas, measured

Written by `bench/atlas.py`: {result["points"]:,} points spread evenly over the land, processor
time of one core ({result["machine"]}), median of {ROUNDS} rounds, tools taking
turns. The atlas's data is {result["data_bytes"]:,} bytes.

| what | points a second | first call, CPU s |
|---|---|---|
{rates}

The first call reads the data. `reverse_geocoder` reads its own before it is timed.

| country of a point | right |
|---|---|
{shares}

Judged on {right["land_points_judged"]:,} land points against the regions' polygons (Natural Earth,
US Census, geoBoundaries), whose border lines come from other sources than what is judged (which
country a region as a whole belongs to was looked up once, at a point inside it);
{right["land_points_in_no_region"]:,} points in no region (coasts drawn apart) are left out. Both
outlines are generalised, so part of the difference is theirs. GeoNames' towns are judged by
GeoNames' own country.
"""


if __name__ == "__main__":
    main()
