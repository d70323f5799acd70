"""How long does an evaluation take, and an audit of many photos? results/evaluate.{json,md}.

A million made-up predictions read from a CSV and evaluated with 1,000 bootstrap replicates; the
distances beside a loop over geopy on a part; hashes and vectors of photos across two tables of
10,000, 30,000 and 100,000 each. Seconds are the processor's, one process and one thread each.

    python bench/evaluate.py [evaluate|distances|audit] …
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import RESULTS, machine
from graticule import files, sphere

PHOTOS, PART, GEOPY = 1_000_000, 200_000, 10_000
SIZES = (10_000, 30_000, 100_000)
DIMENSIONS, TWINS = 256, 0.01


def main() -> None:
    """Run each part in a process of its own, so that its peak memory is its own, and write."""
    file = RESULTS / "evaluate.json"
    result: dict[str, Any] = files.read_json(file) if file.is_file() else {}
    for part in sys.argv[1:] or ["distances", "audit", "evaluate"]:
        sizes = {"audit": SIZES, "evaluate": (PART, PHOTOS)}.get(part, (0,))
        for n in sizes:
            ran = subprocess.run(
                [sys.executable, __file__, "--one", part, str(n)],
                check=True,
                capture_output=True,
                text=True,
            )
            result.setdefault(part, {})[str(n)] = json.loads(ran.stdout.splitlines()[-1])
            result["machine"] = machine()
            files.write_json(file, result)
            with files.atomic(RESULTS / "evaluate.md") as handle:
                handle.write(_markdown(result))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of a call, and what it gave."""
    began = time.process_time()
    found = work()
    return round(time.process_time() - began, 3), found


def peak_gb() -> float:
    """The most memory this process held, GB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def distances(_: int) -> dict[str, Any]:
    """Haversine over a million pairs; geopy, pair by pair, on a part."""
    from geopy.distance import geodesic, great_circle

    rng = np.random.default_rng(0)
    a, b = sphere.uniform(PHOTOS, rng), sphere.uniform(PHOTOS, rng)
    seconds, km = timed(lambda: sphere.haversine(a, b))
    ours = PHOTOS / seconds
    slow, theirs = timed(lambda: [great_circle(a[i], b[i]).km for i in range(GEOPY)])
    slower, exact = timed(lambda: [geodesic(a[i], b[i]).km for i in range(GEOPY // 10)])
    fast, curved = timed(lambda: sphere.geodesic(a[: PHOTOS // 10], b[: PHOTOS // 10]))
    return {
        "pairs": PHOTOS,
        "seconds": seconds,
        "pairs_a_second": round(ours),
        "geopy_great_circle_a_second": round(GEOPY / slow),
        "geopy_geodesic_a_second": round(GEOPY / 10 / slower),
        "our_geodesic_a_second": round(PHOTOS / 10 / fast),
        "faster_than_great_circle": round(ours / (GEOPY / slow)),
        "faster_than_geodesic": round(ours / (GEOPY / 10 / slower)),
        "geodesic_faster_than_geodesic": round(PHOTOS / 10 / fast / (GEOPY / 10 / slower)),
        "largest_difference_km": float(np.abs(km[:GEOPY] - theirs).max()),
        "largest_geodesic_difference_km": float(np.abs(curved[: GEOPY // 10] - exact).max()),
    }


def evaluated(n: int) -> dict[str, Any]:
    """Read, match, audit the tables, score with intervals, slice, and write the report."""
    from graticule.evaluation.predictions import read_predictions
    from graticule.evaluation.report import evaluate
    from graticule.evaluation.run import judged_photos, write_report
    from graticule.evaluation.truth import Truth

    with tempfile.TemporaryDirectory() as folder:
        truth, said = Path(folder) / "m.csv", Path(folder) / "p.csv"
        _write_tables(truth, said, n)
        before = peak_gb()
        reading, (table, predictions) = timed(
            lambda: (judged_photos(truth), read_predictions(said))
        )
        scoring, report = timed(lambda: evaluate(predictions, Truth.of(table)))
        writing, _ = timed(lambda: write_report(report, Path(folder) / "report"))
    return {
        "photos": n,
        "clusters": report.score("mean error").clusters,
        "replicates": 1000,
        "reading_seconds": reading,
        "scoring_seconds": scoring,
        "writing_seconds": writing,
        "peak_gb": peak_gb(),
        "before_gb": before,
    }


def _write_tables(truth: Path, said: Path, n: int) -> None:
    """Photos near towns by photographers of some ten photos each, missed by a lognormal error."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    from graticule import atlas

    rng = np.random.default_rng(0)
    towns = atlas.towns()
    at = np.asarray(towns.latlon)[rng.integers(0, len(towns.latlon), n)]
    places = sphere.offset(at, rng.uniform(0, 360, n), rng.uniform(0, 5, n))
    guess = sphere.offset(places, rng.uniform(0, 360, n), np.exp(rng.normal(5, 2.5, n)))
    paths = np.char.add(np.arange(n).astype(str), ".jpg")
    own = {"path": paths, "lat": places[:, 0], "lon": places[:, 1]}
    own["photographer"] = rng.integers(0, n // 10, n).astype(str)
    own["source"] = rng.choice(["a", "b", "c"], n)
    pacsv.write_csv(pa.table(own), truth)
    pacsv.write_csv(pa.table({"path": paths, "lat": guess[:, 0], "lon": guess[:, 1]}), said)


def audited(n: int) -> dict[str, Any]:
    """Hashes and vectors of n judged photos against n others, a hundredth of them twins."""
    from graticule.evaluation.likeness import Judged
    from graticule.photos.duplicates import groups

    rng = np.random.default_rng(0)
    twins = int(TWINS * n)
    hashes = rng.integers(0, 2**63, 2 * n, dtype=np.uint64)
    hashes[n : n + twins] = hashes[:twins] ^ (
        np.uint64(1) << rng.integers(0, 64, twins).astype("u8")
    )
    hashing, labels = timed(lambda: groups(hashes))
    judged = _vectors(n, 1)
    building, index = timed(lambda: Judged(judged))

    def pass_by() -> None:
        for start in range(0, n, 10_000):
            block = _vectors(10_000, 2 + start)
            if start == 0:
                block[:twins] = judged[:twins] + 0.1 * rng.standard_normal(
                    (twins, DIMENSIONS)
                ).astype(np.float32)
            index.compare(block, start)

    making, _ = timed(lambda: [_vectors(10_000, 2 + start) for start in range(0, n, 10_000)][:0])
    comparing, _ = timed(pass_by)
    return {
        "photos_a_table": n,
        "hash_seconds": hashing,
        "hash_twins_found": int((labels[:twins] >= 0).sum()),
        "vector_seconds": round(building + comparing - making, 3),
        "vector_twins_found": int((index.best[:twins] == np.arange(twins)).sum()),
        "vectors_named_wrongly": int((index.best[twins:] >= 0).sum()),
        "twins": twins,
        "dimensions": DIMENSIONS,
        "peak_gb": peak_gb(),
    }


def _vectors(n: int, seed: int) -> np.ndarray:
    """Vectors in a hundred loose clumps, as photos of a hundred kinds of place."""
    middles = np.random.default_rng(99).standard_normal((100, DIMENSIONS)).astype(np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, DIMENSIONS), dtype=np.float32)
    return np.asarray(middles[rng.integers(0, 100, n)] + noise)


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# Evaluation and audit: time and memory",
        "",
        "Made by `bench/evaluate.py`; seconds of the processor, one thread. Others used the "
        "machine too: read the ratios.",
    ]
    if "distances" in result:
        d = next(iter(result["distances"].values()))
        lines += [
            "",
            "## Distances",
            "",
            "| | pairs a second | ours is faster by |",
            "|---|---:|---:|",
            f"| haversine, {d['pairs']:,} pairs | {d['pairs_a_second']:,} | |",
            f"| loop over geopy `great_circle` | {d['geopy_great_circle_a_second']:,} | "
            f"{d['faster_than_great_circle']:,} × |",
            f"| loop over geopy `geodesic` | {d['geopy_geodesic_a_second']:,} | "
            f"{d['faster_than_geodesic']:,} × |",
            f"| `--geodesic` | {d['our_geodesic_a_second']:,} | "
            f"{d['geodesic_faster_than_geodesic']:,} × than geopy's |",
            "",
            f"Largest difference to geopy: {d['largest_difference_km']:.1e} km on the sphere (it "
            f"takes 6371.009 km), {d['largest_geodesic_difference_km']:.1e} km on the ellipsoid.",
        ]
    if "evaluate" in result:
        lines += [
            "",
            "## An evaluation with 1,000 bootstrap replicates",
            "",
            "| photos | photographers | read, s | audit and score, s | report, s | peak GB |",
            "|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {e['photos']:,} | {e['clusters']:,} | {e['reading_seconds']:.1f} | "
                f"{e['scoring_seconds']:.1f} | {e['writing_seconds']:.1f} | {e['peak_gb']} |"
                for e in result["evaluate"].values()
            ),
        ]
    if "audit" in result:
        lines += [
            "",
            "## Twins across two tables",
            "",
            "One in a hundred is a twin: a bit of its hash turned, a little noise on its vector "
            f"({DIMENSIONS} numbers).",
            "",
            "| photos a table | hashes, s | twins found | vectors, s | twins found | others named "
            "| peak GB |",
            "|---:|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {a['photos_a_table']:,} | {a['hash_seconds']:.1f} | "
                f"{a['hash_twins_found']:,} of {a['twins']:,} | {a['vector_seconds']:.1f} | "
                f"{a['vector_twins_found']:,} of {a['twins']:,} | {a['vectors_named_wrongly']:,} | "
                f"{a['peak_gb']} |"
                for a in result["audit"].values()
            ),
        ]
    return "\n".join([*lines, "", f"{result['machine']}."]) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        parts = {"distances": distances, "evaluate": evaluated, "audit": audited}
        print(json.dumps(parts[sys.argv[2]](int(sys.argv[3]))))
    else:
        main()
