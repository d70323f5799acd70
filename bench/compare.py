"""S1 to S6 and S6's parts on the development photos: results/compare.{json,md}, and a page.

    python bench/compare.py [--minutes 19] [--only systems,parts,frozen,tuned] [--set seeds=[0]]

One frozen trunk for all, MobileNetV2 of ../shared/weights as the bundled model's encoder holds it;
in the part ``tuned`` the top of that trunk learns, too, on a sample and one fold, and ``frozen``
is the same without.
Every answer is kept in the feature folder: a run that was cut off, by the clock or by hand, goes on
where it was, and writes the tables of what is complete. Parts that are not asked for stay as far as
their answers are in that folder: begun in an empty one, the page holds what was asked for.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import FEATURES, RESULTS, ROOT, SHARED, TOP_BLOCK, machine, need_shared
from graticule import files
from graticule.evaluation import compare_page
from graticule.evaluation.compare import TESTED, Comparison
from graticule.evaluation.contest import judge
from graticule.evaluation.pixels import look
from graticule.photos import manifest as manifests
from graticule.photos.manifest import Manifest
from graticule.training import run
from graticule.training.contest import Contest, hold, load_contest

#: What the bundled model may not learn from, and no table here either.
LEFT_OUT = ("streetview-world", "san-francisco")
#: Every n-th photo of two large collections, as the bundled model takes them.
EVERY = {"india-monuments": 3, "intel-scenes": 3}
#: The systems train three times each, and the first time on fewer photos as well.
SYSTEMS = ("seeds=[0, 1, 2]", "shares=[0.25, 0.5, 1.0]")
#: Changes of S6 in one part each; the inner folds choose the rest again.
ABLATION: dict[str, list[str]] = {
    "no balance": ["settings.choose.balance=[{}]"],
    "no votes of training photos": ["settings.choose.memory=[{weight: 0}]"],
    "no prior": ["settings.choose.power=[0]"],
    "labels never smoothed": ["settings.choose.smooth_km=[0]"],
    "labels always smoothed": ["settings.choose.smooth_km=[300]"],
    "no word of scenes": ["settings.choose.scene_weight=[0]"],
    "rests at the middle of the land": ["settings.center=polygon"],
    "nothing chosen: the recipe's defaults": ["settings.choose={by: folds}"],
    "a city from 30 photos": ["settings.city_photos=30"],
    "no city told apart": ["settings.city_photos=100000"],
}
#: The fine-tuned run of each system takes one photo in so many, and one fold: else it takes hours.
SAMPLE = 4
#: How the top of the trunk learns, after the heads have; each photo as it is or flipped.
TOP = (
    "augment=none",
    "batch_size=64",
    "optimizer=adam",
    "features=maps",
    "views=['', flip]",
    "phases=[{epochs: 3, learn: head, learning_rate: 0.002}, "
    f"{{epochs: 3, learn: {TOP_BLOCK}, learning_rate: 0.0003, schedule: cosine}}]",
    "stop={patience: 0, keep: last}",
)
#: Heads without the standardising of numbers, which only kept vectors allow.
PLAIN_HEADS = {
    "S1": "{hidden: [], dropout: 0.5}",
    "S2": "{hidden: [256], dropout: 0.3}",
    "S3": "{hidden: [1024], dropout: 0.5}",
    "S4": "{hidden: [256], dropout: 0.3}",
    "S5": "{hidden: [1024, 512, 256]}",
    "S6": "{}",
}
#: S6's inner models choose on the frozen trunk, as ever.
INNER = (
    "networks.inner={features: auto, views: [''], optimizer: lbfgs, head: {components: 96}, "
    "phases: [{epochs: 20, learn: head}]}"
)


def main() -> None:
    """Train what is not there yet, judge, write."""
    need_shared()
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--set", action="append", default=[], dest="changes", help="of systems")
    parser.add_argument("--only", default="systems,parts")
    said = parser.parse_args()
    began = time.monotonic()

    def late() -> bool:
        return time.monotonic() - began > 60 * said.minutes

    table = _manifest(FEATURES / "compare" / "manifest.csv")
    options = run.Options(features=FEATURES, device="cpu", say=lambda text: print(text, flush=True))
    result: dict[str, Any] = {
        "photos": _counts(table),
        "left_out": list(LEFT_OUT),
        "every": EVERY,
        "machine": machine(),
        "parts": {},
    }
    store = FEATURES / "compare"
    pages: list[Comparison] = []
    sample = _manifest(store / "sample.csv", SAMPLE)
    seen = look(table.files(), len(table))
    sampled = np.arange(len(table)) % SAMPLE == 0
    for name, contest, photos in (
        ("systems", load_contest("compare", [*SYSTEMS, *said.changes]), table),
        ("parts", _parts(), table),
        ("frozen", _frozen(), sample),
        ("tuned", _tuned(), sample),
    ):
        # What was not asked for is judged as far as it is there.
        until = late if name in said.only.split(",") else (lambda: True)
        held = hold(contest, photos, store, options, until=until)
        found = judge(contest, held, seen=seen if photos is table else seen.take(sampled))
        pages += found.values()
        result["parts"][name] = {split: one.as_json() for split, one in found.items()}
        result[f"first_{name}"] = {
            split: {score: one.is_first(contest.tested, score) for score in TESTED}
            for split, one in found.items()
        }
    if pages:
        _write(result, pages)


def _frozen() -> Contest:
    """The systems as they are, on the fold and the sample of the fine-tuned ones."""
    whole = load_contest("compare")
    fold = {"name": "a sample, trunk frozen", "splits": ("folds",), "judged": (0,)}
    return whole.model_copy(update=fold)


def _tuned() -> Contest:
    """The same systems with the top of the trunk learning; the trunk's plain mean, not of roots."""
    whole = _frozen()
    weights = SHARED / "weights" / "mobilenetv2_imagenet.safetensors"
    systems = {
        name: own.model_copy(
            update={
                "set": (
                    *own.set,
                    *(TOP if own.own_budget else ()),
                    f"head={PLAIN_HEADS[name]}",
                    *((INNER,) if own.own_budget else ()),
                ),
                "by_split": {},
                "note": "",
            }
        )
        for name, own in whole.systems.items()
    }
    return whole.model_copy(
        update={
            "name": "a sample, the top of the trunk learns",
            "encoder": {"name": "mobilenetv2", "weights": str(weights)},
            "common": TOP,
            "systems": systems,
        }
    )


def _parts() -> Contest:
    """S6 against itself without one part each, on sources not learned from."""
    whole = load_contest("compare")
    own = whole.systems["S6"]
    systems = {"S6": own} | {
        f"S6, {name}": own.model_copy(update={"set": (*own.set, *lines), "note": ""})
        for name, lines in ABLATION.items()
    }
    return whole.model_copy(
        update={"name": "the parts of S6", "systems": systems, "splits": ("folds",)}
    )


def _manifest(path: Path, one_in: int = 1) -> Manifest:
    """The photos of the comparison, or one in some, as a manifest beside the kept vectors."""
    source = SHARED / "photos" / "manifest.csv"
    table = manifests.read(source)
    columns = {name: table.column(name) for name in table.columns}
    seen: dict[str, int] = {}
    rows = []
    for number, name in enumerate(columns["path"]):
        folder = name.partition("/")[0]
        seen[folder] = seen.get(folder, -1) + 1
        if folder in LEFT_OUT or seen[folder] % EVERY.get(folder, 1):
            continue
        row = {key: str(values[number]) for key, values in columns.items()}
        # Two crops of one picture differ by a letter and belong together.
        pair = re.sub(r"(\d)[ab]$", r"\1", name.rpartition(".")[0])
        row["group"] = row["group"] or (pair if folder == "paises" else "")
        row["source"] = folder
        rows.append(row)
    with files.atomic(path) as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[::one_in])
    return manifests.read(path, root=source.parent)


def _counts(table: Manifest) -> dict[str, int]:
    return {
        "all": len(table),
        "with a country": int((table.column("country") != "").sum()),
        "with a scene": int((table.column("scene") != "").sum()),
    }


def _write(result: dict[str, Any], pages: list[Comparison]) -> None:
    files.write_json(RESULTS / "compare.json", result)
    counts = result["photos"]
    head = [
        "# The systems compared",
        "",
        "Made by `bench/compare.py` (`graticule compare --recipe compare`). One frozen trunk for "
        "all, MobileNetV2 of ../shared/weights with the mean of roots, its vectors kept; the same "
        "photos, splits and, for S1 to S5, epochs. S6 chooses its parts on inner folds of the "
        "training photos. Some of its settings were thought of after earlier tables like these, "
        "and are decided on inner folds: cities from four photos, the narrowest kernel that comes "
        "close, smoothed labels, the evidence of scenes.",
        "",
        f"{counts['with a country']:,} photos of ../shared/photos have a country, "
        f"{counts['with a scene']:,} others a scene. Left out: "
        f"{' and '.join(result['left_out'])}, which the bundled model may not learn from; of "
        + " and ".join(f"{k} every {v}rd photo" for k, v in result["every"].items())
        + " is taken. A photo without coordinates lies at its city where the city is known; where "
        "only the country is known, the photo judges countries and no distance. A country that "
        "no training fold has cannot be right and counts as wrong.",
        "",
        "Distances to sources not learned from hang on a few of them: a third of the photos with a "
        "place are of Indian monuments, all in one fold, and its training shows hardly any of "
        "India. Wherever a system puts its point there, none is near; a point in the middle of "
        "Asia, or of nowhere, has the better median.",
        "",
        f"One fine-tuned run of each stands below, on one photo in {SAMPLE} and one fold, beside "
        "the same with the trunk frozen: three epochs of the heads, then three of the last "
        "inverted residual block and the last convolution beside them.",
        "",
    ]
    with files.atomic(RESULTS / "compare.md") as handle:
        handle.write("\n".join(head))
        handle.write("\n".join(compare_page.markdown(one, "##") for one in pages))
        handle.write(f"\n{result['machine']}.\n")
    with files.atomic(ROOT / "reports" / "compare.html") as handle:
        handle.write(compare_page.html(pages, "The systems compared"))


if __name__ == "__main__":
    main()
