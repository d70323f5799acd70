"""GeoCLIP through graticule beside the `geoclip` package: the same random CLIP, the same photos.

    python bench/gallery.py [--photos 64] [--sizes 10000 100000 1000000] [--work build/geoclip]

Writes results/geoclip.json and results/geoclip.md. A CLIP ViT-L/14 of random weights is made once
in the work folder (1.7 GB) and so is the bundle; speed does not depend on what the weights are.
Each contender runs in a process of its own, one after the other, on the same cores. The index is
measured on synthetic vectors of clustered directions.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graticule import files
from graticule.encoders.onnx import available_cores

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
WIDTH = 512


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "geoclip")
    parser.add_argument(
        "--part", choices=["make", "package", "ours", "index"], help=argparse.SUPPRESS
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        found = {"make": make, "package": package, "ours": ours, "index": index}[chosen.part](
            chosen
        )
        print(json.dumps(found))
        return
    try:
        import geoclip  # noqa: F401
    except ImportError:
        print("bench/gallery.py: needs pip install 'graticule[geoclip]'")
        return
    with tempfile.TemporaryDirectory() as folder:
        photos(Path(folder), chosen.photos)
        parts = {
            name: child(name, chosen, Path(folder)) for name in ("make", "package", "ours", "index")
        }
    write(chosen, parts)


def child(part: str, chosen: argparse.Namespace, folder: Path) -> Any:
    """Run a part in a process of its own, so that its memory is its own."""
    sizes = [str(size) for size in chosen.sizes]
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    command += ["--work", str(chosen.work), "--sizes", *sizes]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def photos(folder: Path, n: int) -> None:
    """Photos of noise, 1600×1200 JPEG."""
    rng = np.random.default_rng(0)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8))
        small.resize((1600, 1200), Image.Resampling.BICUBIC).save(folder / f"{i:04d}.jpg")


def seconds(work: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> float:
    """The most memory this process has held, MB."""
    scale = 1 if platform.system() == "Darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6)


def make(chosen: argparse.Namespace) -> dict[str, float]:
    """A random CLIP and the bundle of it, where they are not there yet."""
    import torch

    clip, bundle = chosen.work / "clip", chosen.work / "bundle"
    if not (clip / "model.safetensors").is_file():
        from geoclip import GeoCLIP

        torch.manual_seed(0)
        GeoCLIP(clip_pretrained=False).image_encoder.CLIP.save_pretrained(clip)
    if not (bundle / "system.json").is_file():
        from graticule.systems.geoclip_bundle import make_bundle

        make_bundle(clip, bundle)
    from graticule.encoders.geoclip import encode_gallery, packaged_gallery

    points = packaged_gallery()
    return {"encode_gallery_s": seconds(lambda: encode_gallery(points))}


def package(chosen: argparse.Namespace) -> dict[str, float]:
    """The package's own predict, and the gallery step alone."""
    import torch
    import transformers
    from geoclip import GeoCLIP

    torch.set_num_threads(available_cores())
    start = time.perf_counter()
    model = GeoCLIP(clip_pretrained=False).eval()
    model.image_encoder.CLIP = transformers.CLIPModel.from_pretrained(chosen.work / "clip").eval()
    load = time.perf_counter() - start
    photo = str(sorted(chosen.folder.glob("*.jpg"))[0])
    one = seconds(lambda: model.predict(photo, 50))
    with torch.no_grad():
        query = torch.nn.functional.normalize(torch.ones(1, WIDTH), dim=1)

        def gallery() -> None:
            places = torch.nn.functional.normalize(model.location_encoder(model.gps_gallery), dim=1)
            (model.logit_scale.exp() * query @ places.T).softmax(dim=1).topk(50)

        step = seconds(gallery)
    return {"load_s": load, "one_s": one, "gallery_s": step, "peak_mb": peak_mb()}


def ours(chosen: argparse.Namespace) -> dict[str, float]:
    """One photo after start, a folder, and the gallery step alone."""
    from graticule.locate.engine import Engine

    names = [(str(path), path.name) for path in sorted(chosen.folder.glob("*.jpg"))]
    start = time.perf_counter()
    engine = Engine(chosen.work / "bundle")
    load = time.perf_counter() - start
    # What the first answer alone needs: the atlas and the names of the gallery's places.
    first = seconds(lambda: list(engine.locate(names[:1])))
    one = min(seconds(lambda: list(engine.locate(names[:1]))) for _ in range(3))
    folder = seconds(lambda: list(engine.locate(names))) / len(names)
    query = np.ones((1, WIDTH), np.float32) / WIDTH**0.5
    engine.system.similarities(query)  # type: ignore[attr-defined]

    def gallery() -> None:
        logits = engine.system.similarities(query)[0]  # type: ignore[attr-defined]
        np.exp(logits - logits.max())[np.argpartition(-logits, 50)[:50]]

    step = float(np.median([seconds(gallery) for _ in range(9)]))
    return {
        "load_s": load,
        "first_s": first,
        "one_s": one,
        "folder_s": folder,
        "gallery_s": step,
        "peak_mb": peak_mb(),
    }


def index(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Build and query the photo index at some sizes; recall beside the exact search."""
    out = []
    for size in chosen.sizes:
        with tempfile.TemporaryDirectory() as folder:
            out.append(index_of(Path(folder) / "index", size))
    return out


def index_of(folder: Path, size: int) -> dict[str, Any]:
    """One size: made, searched by FAISS where that is used, and exactly."""
    from graticule.refine.photo_index import PhotoIndex

    start = time.perf_counter()
    made = filled(folder, size)
    add = time.perf_counter() - start
    start = time.perf_counter()
    coarse = made.build_search()
    built = time.perf_counter() - start
    opened, queries = PhotoIndex(folder), vectors(100, seed=1)
    opened.search(queries[:1], 10)
    one = float(np.median([seconds(lambda: opened.search(queries[:1], 10)) for _ in range(9)]))
    many = seconds(lambda: opened.search(queries, 10)) / len(queries)
    found = opened.search(queries, 10)[0]
    exact = opened.search(queries, 10, exact=True)[0]
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]
    return {
        "rows": size,
        "add_s": add,
        "faiss": coarse,
        "build_s": built,
        "query_ms": 1000 * one,
        "query_of_100_ms": 1000 * many,
        "recall_at_10": float(np.mean(shared)),
        "disk_mb": sum(file.stat().st_size for file in folder.iterdir()) / 1e6,
        "peak_mb": peak_mb(),
    }


def vectors(n: int, seed: int) -> np.ndarray:
    """Directions about 1,000 centres, float32 (n, 512)."""
    centres = np.random.default_rng(99).standard_normal((1000, WIDTH), np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, WIDTH), np.float32)
    return centres[rng.integers(0, len(centres), n)] + noise


def filled(folder: Path, size: int) -> Any:
    """An index of synthetic photos."""
    from graticule.refine.photo_index import SHARD, PhotoIndex, Rows

    index = PhotoIndex.create(folder, model="synthetic", key="0" * 16)
    for start in range(0, size, SHARD):
        n = min(SHARD, size - start)
        names = tuple(f"{i:07d}" for i in range(start, start + n))
        blank = np.zeros(n, np.uint64)
        rows = Rows(names, np.zeros((n, 2)), names, blank, np.full(n, np.nan))
        index.add(vectors(n, seed=start + 2), rows)
    return index


def write(chosen: argparse.Namespace, parts: dict[str, Any]) -> None:
    """Both files, with the ratios that count."""
    theirs, own, make_ = parts["package"], parts["ours"], parts["make"]
    ratios = {
        "one photo after start": (theirs["one_s"] / own["one_s"], "≥ 25"),
        f"a photo of a folder of {chosen.photos}": (theirs["one_s"] / own["folder_s"], "≥ 33"),
        "the gallery step alone": (theirs["gallery_s"] / own["gallery_s"], "≥ 1,000"),
        "first start, gallery encoded in it": (
            theirs["one_s"] / (make_["encode_gallery_s"] + own["one_s"]),
            "≥ 0.91",
        ),
        "peak memory, theirs over ours": (theirs["peak_mb"] / own["peak_mb"], "≥ 1"),
    }
    about = f"{platform.system()} {platform.machine()}, {available_cores()} cores, one run"
    found = {
        "machine": about,
        "photos": chosen.photos,
        "parts": parts,
        "ratios": {
            name: {"ratio": ratio, "wanted": wanted} for name, (ratio, wanted) in ratios.items()
        },
    }
    files.write_json(RESULTS / "geoclip.json", found)
    lines = [
        "# GeoCLIP beside the `geoclip` package",
        "",
        f"Written by `bench/gallery.py`; {about}. The same random CLIP and photos for both.",
        "",
        "| | package | graticule | ratio | wanted |",
        "|---|---|---|---|---|",
    ]
    seconds_ = (
        (theirs["one_s"], own["one_s"]),
        (theirs["one_s"], own["folder_s"]),
        (theirs["gallery_s"], own["gallery_s"]),
        (theirs["one_s"], make_["encode_gallery_s"] + own["one_s"]),
    )
    cells = [(f"{a:.3g} s", f"{b:.3g} s") for a, b in seconds_]
    cells.append((f"{theirs['peak_mb']:,.0f} MB", f"{own['peak_mb']:,.0f} MB"))
    lines += [
        f"| {name} | {a} | {b} | {ratio:,.1f} | {wanted} |"
        for (name, (ratio, wanted)), (a, b) in zip(ratios.items(), cells, strict=True)
    ]
    lines += [
        "",
        f"Loading: package {theirs['load_s']:.1f} s; graticule {own['load_s']:.1f} s (checksums of "
        f"the bundle among them), and {own['first_s'] - own['one_s']:.1f} s once for names at the "
        "first answer.",
        "",
        "## Photo index",
        "",
        f"Synthetic vectors of {WIDTH} numbers about 1,000 directions; recall beside the exact "
        "search. Peak memory is of the whole process, building included.",
        "",
        "| rows | add | FAISS build | one query | of 100, each | recall@10 | disk | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['rows']:,} | {row['add_s']:.1f} s | "
        + (f"{row['build_s']:.0f} s" if row["faiss"] else "exact")
        + f" | {row['query_ms']:.1f} ms | {row['query_of_100_ms']:.2f} ms | "
        f"{row['recall_at_10']:.3f} | {row['disk_mb']:,.0f} MB | {row['peak_mb']:,.0f} MB |"
        for row in parts["index"]
    ]
    with files.atomic(RESULTS / "geoclip.md") as out:
        out.write("\n".join(lines) + "\n")
    print((RESULTS / "geoclip.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
