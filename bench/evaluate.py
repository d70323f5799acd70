"""How long does an evaluation take, and an audit of many photos? results/evaluate.{json,md}.

A million made-up predictions read from a CSV and evaluated with 1,000 bootstrap replicates, as bare
points and as full answers; the distances beside a loop over geopy on a part; hashes and vectors of
photos across two tables of 10,000, 30,000 and 100,000 each. Seconds are the processor's, one
process and one thread each.

    python bench/evaluate.py [distances|audit|evaluate|answers] …
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.real_photos import RESULTS, machine
from graticule import files, sphere

if TYPE_CHECKING:
    from graticule.evaluation.truth import Truth

PHOTOS, PART, GEOPY = 1_000_000, 200_000, 10_000
SIZES = (10_000, 30_000, 100_000)
DIMENSIONS, TWINS = 256, 0.01


def main() -> None:
    """Run each part in a process of its own, so that its peak memory is its own, and write."""
    file = RESULTS / "evaluate.json"
    result: dict[str, Any] = files.read_json(file) if file.is_file() else {}
    sizes = {"distances": (0,), "audit": SIZES, "evaluate": (PART, PHOTOS), "answers": (PHOTOS,)}
    for part in sys.argv[1:] or sizes:
        result[part] = {}
        for n in sizes[part]:
            with tempfile.TemporaryDirectory() as folder:
                if part in TABLES:
                    # Not by the process that is measured: making tables takes memory too.
                    _alone("write", part, n, folder)
                result[part][str(n)] = json.loads(_alone("one", part, n, folder))
            result["machine"] = machine()
            files.write_json(file, result)
            with files.atomic(RESULTS / "evaluate.md") as handle:
                handle.write(_markdown(result))


def _alone(what: str, part: str, n: int, folder: str) -> str:
    """The last line that a process of its own, with one thread, prints."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    ran = subprocess.run(
        [sys.executable, __file__, f"--{what}", part, str(n), folder],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | one_thread,
    )
    return ran.stdout.rstrip().rpartition("\n")[2]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of a call, and what it gave."""
    began = time.process_time()
    found = work()
    return round(time.process_time() - began, 3), found


def peak_gb() -> float:
    """The most memory this process held, GB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def distances(_n: int, _folder: Path) -> dict[str, Any]:
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


def evaluated(n: int, folder: Path) -> dict[str, Any]:
    """Read, match, audit the tables, score with intervals, slice, and write the report."""
    from graticule.evaluation.predictions import read_predictions
    from graticule.evaluation.report import evaluate
    from graticule.evaluation.run import judged_photos, write_report
    from graticule.evaluation.truth import Truth

    started = peak_gb()
    reading, (table, predictions) = timed(
        lambda: (judged_photos(folder / "m.csv"), read_predictions(folder / "p.csv"))
    )
    scoring, report = timed(lambda: evaluate(predictions, Truth.of(table)))
    writing, _ = timed(lambda: write_report(report, folder / "report"))
    return {
        "photos": n,
        "clusters": report.score("mean error").clusters,
        "replicates": 1000,
        "scores": len(report.as_given),
        "reading_seconds": reading,
        "scoring_seconds": scoring,
        "writing_seconds": writing,
        "peak_gb": peak_gb(),
        "started_gb": started,
    }


def bare_points(n: int, folder: Path) -> None:
    """Photos near towns by photographers of some ten photos each, missed by a lognormal error."""
    truth, said = _points(n)
    rng = np.random.default_rng(1)
    truth["photographer"] = rng.integers(0, n // 10, n).astype(str)
    truth["source"] = rng.choice(["a", "b", "c"], n)
    _write(truth, said, folder)


def full_answers(n: int, folder: Path) -> None:
    """The same by strangers, each photo for itself, answered with all that answers may hold."""
    from graticule import atlas

    truth, said = _points(n)
    rng = np.random.default_rng(1)
    truth["scene"] = rng.choice(["city", "coast", "indoor", "industrial", "nature"], n)
    truth["source"], truth["licence"] = rng.choice(["a", "b", "c"], (2, n))
    truth["captured_at"] = rng.choice(["2015-06-01T12:00:00", ""], n)
    codes, shares = np.array(atlas.country_codes()), rng.dirichlet(np.ones(6), n)[:, :5]
    said["countries"] = [";".join(row) for row in codes[rng.integers(0, len(codes), (n, 5))]]
    said["probabilities"] = [";".join(f"{share:.4f}" for share in row) for row in shares.tolist()]
    said["confidence"] = shares[:, 0]
    for name in ("radius_50", "radius_90", "area_50", "area_90"):
        said[name] = np.exp(rng.normal(5, 2, n))
    _write(truth, said, folder)


def _points(n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    from graticule import atlas

    rng = np.random.default_rng(0)
    towns = atlas.towns().latlon
    at = towns[rng.integers(0, len(towns), n)]
    places = sphere.offset(at, rng.uniform(0, 360, n), rng.uniform(0, 5, n))
    guess = sphere.offset(places, rng.uniform(0, 360, n), np.exp(rng.normal(5, 2.5, n)))
    paths = np.char.add(np.arange(n).astype(str), ".jpg")
    return (
        {"path": paths, "lat": places[:, 0], "lon": places[:, 1]},
        {"path": paths, "lat": guess[:, 0], "lon": guess[:, 1]},
    )


def _write(truth: dict[str, Any], said: dict[str, Any], folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    pacsv.write_csv(pa.table(truth), folder / "m.csv")
    pacsv.write_csv(pa.table(said), folder / "p.csv")


def audited(n: int, _folder: Path) -> dict[str, Any]:
    """Tables, hashes and vectors of n judged photos against n others, a hundredth of them twins."""
    from graticule.evaluation.audit import audit_tables
    from graticule.evaluation.likeness import Judged
    from graticule.photos.duplicates import nearest

    rng = np.random.default_rng(0)
    twins = int(TWINS * n)
    train, test = _walkers(n, twins)
    walking, found = timed(lambda: audit_tables(train, test))
    walks = next(f for f in found if f.kind == "same place and time").rows[:twins]
    hashes = rng.integers(0, 2**63, 2 * n, dtype=np.uint64)
    hashes[n : n + twins] = hashes[:twins] ^ (
        np.uint64(1) << rng.integers(0, 64, twins).astype("u8")
    )
    hashing, near = timed(lambda: nearest(hashes[n:], hashes[:n]))
    judged = _vectors(n, 1)
    # As the audit of photos has it, whose neighbours are laid over each other afterwards.
    building, index = timed(lambda: Judged(judged, neighbours=3))

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
        "table_seconds": walking,
        "walks_found": int(walks.sum()),
        "hash_seconds": hashing,
        "hash_twins_found": int((near[:twins] == np.arange(twins)).sum()),
        "vector_seconds": round(building + comparing - making, 3),
        "vector_twins_found": int((index.best[:twins] == np.arange(twins)).sum()),
        "vectors_named_wrongly": int((index.best[twins:] >= 0).sum()),
        "twins": twins,
        "dimensions": DIMENSIONS,
        "peak_gb": peak_gb(),
    }


def _walkers(n: int, twins: int) -> tuple[Truth, Truth]:
    """Two tables of ten years in the same hundred towns; some of the second on walks of the first.

    Every photo is near many of the other table, few of them of its day.
    """
    from graticule.evaluation.truth import Truth

    rng = np.random.default_rng(3)
    towns = sphere.offset(np.full((100, 2), [48.0, 8.0]), np.arange(100) * 3.6, 300.0)
    centres = np.repeat(towns, -(-2 * n // 100), axis=0)[rng.permutation(2 * n)]
    places = sphere.offset(centres, rng.uniform(0, 360, 2 * n), rng.uniform(0, 2, 2 * n))
    hours = rng.integers(0, 10 * 365 * 24, 2 * n)
    places[n : n + twins] = sphere.offset(places[:twins], 90.0, 0.5)
    hours[n : n + twins] = hours[:twins] + 1
    times = (np.datetime64("2012-01-01T00:00:00") + 3600 * hours).astype(str)
    people = rng.integers(0, n // 10, 2 * n)
    sides = []
    for name, rows in (("train", slice(0, n)), ("test", slice(n, 2 * n))):
        columns = {
            "captured_at": times[rows],
            "photographer": np.char.add(name, people[rows].astype(str)),
        }
        paths = tuple(f"{name}/{name}{i:07d}photo.jpg" for i in range(n))
        sides.append(Truth(paths, places[rows], columns))
    return sides[0], sides[1]


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
    ran = [
        (what, e)
        for part, what in (("evaluate", "bare points"), ("answers", "full answers"))
        for e in result.get(part, {}).values()
    ]
    if ran:
        lines += [
            "",
            "## An evaluation with 1,000 bootstrap replicates",
            "",
            "Bare points: a place each, countries and regions read off it; a photographer has some "
            "ten photos. Full answers: five countries with probabilities, radii and areas besides; "
            "every photo stands alone, which is the most that a bootstrap can have to draw.",
            "",
            "| predictions | photos | clusters | scores | read, s | audit and score, s | report, s "
            "| peak GB |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {what} | {e['photos']:,} | {e['clusters']:,} | {e['scores']} | "
                f"{e['reading_seconds']:.1f} | {e['scoring_seconds']:.1f} | "
                f"{e['writing_seconds']:.1f} | {e['peak_gb']:.2f} |"
                for what, e in ran
            ),
        ]
    if "audit" in result:
        lines += [
            "",
            "## Twins across two tables",
            "",
            "Two tables of photos of a hundred towns. One in a hundred is a twin: taken on one "
            "walk with its other, a bit of its hash turned, a little noise on its vector "
            f"({DIMENSIONS} numbers). Pairs are never held all at once.",
            "",
            "| photos a table | tables, s | walks found | hashes, s | twins found | vectors, s "
            "| twins found | others named | peak GB |",
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {a['photos_a_table']:,} | {a['table_seconds']:.1f} | "
                f"{a['walks_found']:,} of {a['twins']:,} | {a['hash_seconds']:.1f} | "
                f"{a['hash_twins_found']:,} of {a['twins']:,} | {a['vector_seconds']:.1f} | "
                f"{a['vector_twins_found']:,} of {a['twins']:,} | {a['vectors_named_wrongly']:,} | "
                f"{a['peak_gb']} |"
                for a in result["audit"].values()
            ),
        ]
    return "\n".join([*lines, "", f"{result['machine']}."]) + "\n"


#: What makes the tables of a part, and what is measured.
TABLES = {"evaluate": bare_points, "answers": full_answers}
PARTS = {
    "distances": distances,
    "audit": audited,
    "evaluate": evaluated,
    "answers": evaluated,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        TABLES[sys.argv[2]](int(sys.argv[3]), Path(sys.argv[4]))
    elif sys.argv[1:2] == ["--one"]:
        print(json.dumps(PARTS[sys.argv[2]](int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        main()
