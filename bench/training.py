"""The training loop and the loader: results/training.{json,md} and results/data-loader.{json,md}.

Images a second of the loop beside a bare PyTorch loop with the same model, loader and order; S3's
kept vectors beside the plain path; the loader beside torchvision's ImageFolder. All on photos of
the synthetic planet, so that anybody can run it.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.memory import peak_mb
from graticule import files
from graticule.photos import manifest as manifests
from graticule.photos import planet as planets
from graticule.training import recipe as recipes
from graticule.training import run, sampling
from graticule.training.loader import Labels, PhotoLoader, Photos
from graticule.training.recipe import SamplingSpec

RESULTS = Path(__file__).parents[1] / "results"
PHOTOS, BATCH, SIZE, ROUNDS = 90, 15, 96, 3
#: VGG16 is slow: a smaller square changes both ways alike.
VGG_SIZE = 64


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = planet(folder / "planet")
        training = {
            "machine": machine(),
            "photos": PHOTOS,
            "loop": loop(table, folder),
            "kept_vectors": kept(table, folder),
            "peak_memory_mb": peak_mb(),
        }
        loading = {"machine": machine(), **loader(table)}
    files.write_json(RESULTS / "training.json", training)
    files.write_json(RESULTS / "data-loader.json", loading)
    _write("training.md", training_page(training))
    _write("data-loader.md", loader_page(loading))


def planet(folder: Path) -> Path:
    """A manifest of planet photos whose cities are its countries' capitals."""
    return planets.make(folder, PHOTOS, countries=6, seed=7).path


def toy(**changes: Any) -> recipes.Recipe:
    """The small recipe all measurements share."""
    raw = {
        "name": "bench",
        "system": "ten_cities",
        "data": {"split": "", "validation": 0.0},
        "encoder": {"name": "tiny", "preprocess": {"size": SIZE, "resize": "squash"}},
        "phases": [{"epochs": 2, "learn": "all"}],
        "batch_size": BATCH,
        "stop": {"keep": "last"},
    }
    return recipes.parse(raw | changes, "bench")


def loop(table: Path, folder: Path) -> dict[str, Any]:
    """Photos a second of the loop and of a bare loop over the same loader, taking turns."""
    wanted = toy(encoder={"name": "mobilenetv2", "preprocess": {"size": SIZE, "resize": "squash"}})
    ours, bare = [], []
    options = run.Options(device="cpu", workers=0)
    for number in range(ROUNDS):
        spent = []
        for epochs in (1, 3):
            some = wanted.model_copy(
                update={"phases": (recipes.PhaseSpec(epochs=epochs, learn="all"),)}
            )
            trainer, _ = run.prepare(some, table, folder / f"loop{number}-{epochs}", options)
            began = time.process_time()
            results, _ = run.run_jobs(trainer)
            spent.append(time.process_time() - began)
        # What three epochs take more than one: two epochs, and nothing of the start.
        ours.append(2 * int(trainer.rows.train.sum()) / (spent[1] - spent[0]))
        bare.append(_bare(trainer, results[0].job.tasks["cities"].target))
    return {
        "model": f"MobileNetV2 at {SIZE} pixels, batch {BATCH}, all layers learn, one process",
        "loop_photos_per_second": float(np.median(ours)),
        "bare_photos_per_second": float(np.median(bare)),
        "ratio": float(np.median(np.array(ours) / np.array(bare))),
    }


def _bare(trainer: Any, target: np.ndarray) -> float:
    """One epoch, the plain way."""
    spec = trainer.recipe.network("cities")
    _, module = trainer._encoder(spec, "cities")
    head = torch.nn.Linear(module.dim, int(target.max()) + 1)
    optimizer = torch.optim.Adam([*module.parameters(), *head.parameters()])
    photos = Photos(trainer.files, spec.start.preprocess, None, 0)
    labels = Labels({"cities": target}, trainer.rows.latlon)
    loader = PhotoLoader(photos, labels, BATCH, 0)
    rows = np.flatnonzero(trainer.rows.train & (target >= 0))
    loader.set(sampling.order(trainer.rows, rows, SamplingSpec(), seed=0, epoch=1), 1)
    module.train()
    began = time.process_time()
    for batch in loader:
        loss = torch.nn.functional.cross_entropy(head(module(batch.x)), batch.targets["cities"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return len(rows) / (time.process_time() - began)


def kept(table: Path, folder: Path) -> dict[str, Any]:
    """S3's eleven epochs with kept vectors and without, from nothing to the last weights."""
    seconds = {}
    for name, way in (("first", "always"), ("again", "always"), ("plain", "never")):
        wanted = toy(
            encoder={"name": "vgg16", "preprocess": {"size": VGG_SIZE, "resize": "squash"}},
            head={"hidden": [1024], "dropout": 0.5},
            phases=[{"epochs": 11, "learn": "head"}],
            features=way,
            augment="s3",
        )
        options = run.Options(device="cpu", workers=0, features=folder / "vectors")
        began = time.process_time()
        trainer, _ = run.prepare(wanted, table, folder / name, options)
        run.run_jobs(trainer)
        seconds[name] = time.process_time() - began
    return {
        "what": f"VGG16 at {VGG_SIZE} pixels, frozen; 1024 ReLU, dropout, softmax; 11 epochs",
        "seconds": seconds,
        "times_faster_first": seconds["plain"] / seconds["first"],
        "times_faster_again": seconds["plain"] / seconds["again"],
    }


def loader(table: Path) -> dict[str, Any]:
    """Photos a second from manifest to batch at 224, beside torchvision's ImageFolder."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    paths = manifests.read(table).files()
    found: dict[str, Any] = {"photos": len(paths), "size": 224, "batch": 32}
    with tempfile.TemporaryDirectory() as name:
        for i, path in enumerate(paths):
            there = Path(name) / f"class{i % 4}"
            there.mkdir(exist_ok=True)
            (there / f"{i:05d}{path.suffix}").symlink_to(path.resolve())
        change = transforms.Compose(
            [
                transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC),
                transforms.PILToTensor(),
            ]
        )
        theirs = datasets.ImageFolder(name, change)
        spec = toy(encoder={"name": "tiny", "preprocess": {"resize": "squash"}}).encoder
        labels = Labels({"x": np.zeros(len(paths), np.int64)}, np.full((len(paths), 2), np.nan))
        for workers in (0, 2):
            ours, other = [], []
            mine = PhotoLoader(Photos(paths, spec.preprocess, None, 0), labels, 32, workers)
            plain = DataLoader(
                theirs, 32, num_workers=workers, persistent_workers=workers > 0,
                multiprocessing_context="forkserver" if workers else None,
            )  # fmt: skip
            for number in range(ROUNDS + 1):
                mine.set(np.arange(len(paths)), number)
                ours.append(_rate(mine, len(paths)))
                other.append(_rate(plain, len(paths)))
            # The first pass starts the workers.
            found[f"workers_{workers}"] = {
                "ours": float(np.median(ours[1:])),
                "image_folder": float(np.median(other[1:])),
                "ratio": float(np.median(np.array(ours[1:]) / np.array(other[1:]))),
            }
    return found


def _rate(batches: Any, photos: int) -> float:
    began = time.monotonic()
    for _ in batches:
        pass
    return photos / (time.monotonic() - began)


def machine() -> str:
    """The machine in words, without its name, and how busy it was."""
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"


def training_page(found: dict[str, Any]) -> str:
    """``training.md``."""
    loop, kept = found["loop"], found["kept_vectors"]
    return f"""# The training loop

Made by `bench/training.py` on {found["machine"]}, {found["photos"]} photos of the synthetic planet.
Seconds are of the processor, one thread, so that what else runs on the machine does not count.

| | photos/s | ratio |
|---|---|---|
| graticule's loop (Lightning) | {loop["loop_photos_per_second"]:.1f} | {loop["ratio"]:.2f} |
| bare PyTorch loop, same loader | {loop["bare_photos_per_second"]:.1f} | 1 |

{loop["model"]}. The aim is 0.95 or more; medians of {ROUNDS} rounds, taking turns.

| S3, 11 epochs | seconds | times faster |
|---|---|---|
| plain: the trunk runs every epoch | {kept["seconds"]["plain"]:.1f} | 1 |
| kept vectors, first run | {kept["seconds"]["first"]:.1f} | {kept["times_faster_first"]:.1f} |
| kept vectors, another seed or fold | {kept["seconds"]["again"]:.1f} | \
{kept["times_faster_again"]:.1f} |

{kept["what"]}. The aim is 20 times. Eleven epochs run the trunk eleven times where the first run
with kept vectors runs it once: it cannot be more than eleven times faster. Runs after it do not run
the trunk at all.

Peak memory of the whole measurement: {found["peak_memory_mb"]} MB.
"""


def loader_page(found: dict[str, Any]) -> str:
    """``data-loader.md``."""
    lines = [
        "# The loader",
        "",
        f"Made by `bench/training.py` on {found['machine']}: {found['photos']} photos of the "
        f"synthetic planet, from manifest to batches of {found['batch']} at {found['size']} px.",
        "",
        "| workers | graticule, photos/s | ImageFolder, photos/s | ratio |",
        "|---|---|---|---|",
    ]
    for workers in (0, 2):
        cell = found[f"workers_{workers}"]
        lines.append(
            f"| {workers} | {cell['ours']:.0f} | {cell['image_folder']:.0f} | {cell['ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _write(name: str, text: str) -> None:
    with files.atomic(RESULTS / name) as handle:
        handle.write(text)


if __name__ == "__main__":
    main()
