"""Does the heat of `graticule explain` name what an answer rests on? Deletion and insertion.

    python bench/explain.py [PHOTOS]

Needs ../shared/photos. Parts are hidden (and, from a blurred photo, shown) in the order of the
heat, and the probability of the answer is followed; beside it the same in random orders, from the
middle outwards, and in the reverse order. Photos are half from a source that mini never saw and
half from ones that it learned from. Writes results/explain.{json,md} as it goes.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from common.real_photos import RESULTS, SHARED, machine, need_shared
from graticule import files
from graticule.evaluation.bootstrap import Resampler
from graticule.locate.engine import Engine
from graticule.locate.explain import GRID, curves, explain
from graticule.locate.locator import find_model
from graticule.photos import manifest as manifests

#: mini's recipe leaves it out.
UNSEEN = "streetview-world"
RANDOM, STEPS, EVERY = 3, 6, 5
KINDS = ("heat", "random", "middle first")


def main() -> None:
    """A quarter of an hour for forty photos on a busy machine."""
    need_shared()
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    engine = Engine(find_model("mini"))
    manifest = manifests.read(SHARED / "photos" / "manifest.csv")
    start = time.perf_counter()
    rows: list[dict[str, Any]] = []
    for number, (name, unseen) in enumerate(sample(manifest, wanted)):
        rows.append(one(engine, manifest, name, unseen, number))
        if len(rows) % EVERY == 0 or len(rows) == wanted:
            write(rows, time.perf_counter() - start)
            print(f"{len(rows)} photos, {time.perf_counter() - start:.0f} s", flush=True)


def sample(manifest: Any, wanted: int) -> list[tuple[str, bool]]:
    """Photos with a country, half of them unseen, in a shuffled order."""
    rng = np.random.default_rng(0)
    path, country = manifest.column("path"), manifest.column("country")
    unseen = np.char.startswith(path, UNSEEN)
    learned = (country != "") & ~unseen & ~np.char.startswith(path, "san-francisco")
    chosen = [
        (str(name), new)
        for new, mask, many in ((True, unseen, wanted // 2), (False, learned, wanted - wanted // 2))
        for name in rng.choice(path[mask], many, replace=False)
    ]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def one(engine: Engine, manifest: Any, name: str, unseen: bool, seed: int) -> dict[str, Any]:
    """One photo's areas under the curves."""
    photo = engine.system.open(manifest.file(name))
    begun = time.perf_counter()
    found = explain(engine, photo)
    seconds = time.perf_counter() - begun
    order = np.argsort(-found.heat.ravel(), kind="stable")
    rng = np.random.default_rng(seed)
    at = np.indices((GRID, GRID)).reshape(2, -1) - (GRID - 1) / 2
    orders = {"heat": order, "middle first": np.argsort((at**2).sum(axis=0), kind="stable")}
    orders |= {f"random {i}": rng.permutation(GRID * GRID) for i in range(RANDOM)}
    areas = curves(engine, photo, orders, grid=GRID, steps=STEPS)
    chance = np.mean([areas[f"random {i}"] for i in range(RANDOM)], axis=0)
    areas["random"] = (float(chance[0]), float(chance[1]))
    # Of the whole photo's probability, so that sure answers do not drown the others.
    whole = max(found.probability, 1e-6)
    return {
        "unseen": unseen,
        "probability": found.probability,
        "seconds": seconds,
        "deletion": {kind: areas[kind][0] / whole for kind in KINDS},
        "insertion": {kind: areas[kind][1] / whole for kind in KINDS},
    }


def write(rows: list[dict[str, Any]], seconds: float) -> None:
    """Both files, from the photos done so far."""
    found = {
        "photos": len(rows),
        "grid": GRID,
        "steps": STEPS,
        "random_orders": RANDOM,
        "seconds": round(seconds, 1),
        "seconds_a_photo": round(float(np.median([row["seconds"] for row in rows])), 2),
        "machine": machine(),
        "groups": {
            title: group([row for row in rows if unseen is None or row["unseen"] == unseen])
            for title, unseen in (
                ("all", None),
                (f"{UNSEEN}, never seen", True),
                ("learned", False),
            )
        },
    }
    files.write_json(RESULTS / "explain.json", found)
    with files.atomic(RESULTS / "explain.md") as out:
        out.write(markdown(found))


def group(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean areas, and paired differences to the random order with intervals over photos."""
    out: dict[str, Any] = {
        "photos": len(rows),
        "probability": round(float(np.mean([row["probability"] for row in rows])), 4),
    }
    again = Resampler.over(len(rows))
    for curve in ("deletion", "insertion"):
        values = np.array([[row[curve][kind] for kind in KINDS] for row in rows])
        gaps = values - values[:, [KINDS.index("random")]]
        spread = np.nanpercentile(again.means(gaps), [2.5, 97.5], axis=0)
        better = gaps[:, 0] < 0 if curve == "deletion" else gaps[:, 0] > 0
        out[curve] = {
            kind: {
                "area": round(float(values[:, i].mean()), 4),
                "minus_random": round(float(gaps[:, i].mean()), 4),
                "interval": [round(float(edge), 4) for edge in spread[:, i]],
            }
            for i, kind in enumerate(KINDS)
        } | {"photos_better_than_random": round(float(better.mean()), 4)}
    return out


def markdown(found: dict[str, Any]) -> str:
    """``results/explain.md``."""
    lines = []
    for title, one in found["groups"].items():
        for kind in KINDS:
            hide, show = one["deletion"][kind], one["insertion"][kind]
            lines.append(
                f"| {title} ({one['photos']}) | {kind} | {hide['area']:.3f} | {_gap(hide)} | "
                f"{show['area']:.3f} | {_gap(show)} |"
            )
    every = found["groups"]["all"]
    share = {
        curve: 100 * every[curve]["photos_better_than_random"]
        for curve in ("deletion", "insertion")
    }
    return f"""# What spoke: is the heat faithful?

Written by `bench/explain.py`: {found["photos"]} photos, `mini`, {found["grid"]} × {found["grid"]}
parts, {found["steps"]} steps a curve, {found["random_orders"]} random orders a photo. Parts are
blurred in an order (deletion: a smaller area is better), and shown from a blurred photo (insertion:
a larger one is better), after RISE (Petsiuk, Das & Saenko 2018). Areas are the answer's mean
probability on the way, as a share of what the whole photo gives it ({every["probability"]:.3f} on
average). Differences are to random orders of the same photo, 95 % by bootstrap over photos.
{found["machine"]}; {found["seconds_a_photo"]} s an explanation, while other work ran beside it.

| photos | order | deletion | minus random | insertion | minus random |
|---|---|---:|---|---:|---|
{chr(10).join(lines)}

The heat's deletion is below random in {share["deletion"]:.0f} % of photos, its insertion above
in {share["insertion"]:.0f} %. The order from the middle outwards is a baseline that knows no model:
where it comes near the heat, pictures simply have their subject in the middle. A faithful heat says
what the model used. It does not say that the model was right.
"""


def _gap(one: dict[str, Any]) -> str:
    low, high = one["interval"]
    return f"{one['minus_random']:+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    main()
