"""How fast `graticule locate` is beside its parts and beside a plain loop, and that memory is flat.

    python bench/locate.py [--model mini] [--photos 96] [--most 10000]

Writes results/locate.json and results/locate.md. Photos are made here: 12-megapixel JPEGs for
speed, small ones for memory, many names of a few files. Each figure of speed is the median of
rounds in which the contenders take turns, so that a busy machine is as busy for all of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graticule import files
from graticule.encoders.onnx import available_cores
from graticule.locate.engine import BATCH, Engine
from graticule.locate.locator import find_model
from graticule.photos.photo import open_photo

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 5
KINDS = 8


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--photos", type=int, default=96, help="12 MP photos in a round")
    parser.add_argument("--most", type=int, default=10_000, help="photos of the longest memory run")
    chosen = parser.parse_args()
    bundle = find_model(chosen.model)
    with tempfile.TemporaryDirectory() as folder:
        large = photos(Path(folder, "large"), chosen.photos, (4000, 3000))
        speed, work = speeds(Engine(bundle), large)
        memory = {
            str(n): peak_mb(bundle, photos(Path(folder, f"small{n}"), n, (640, 480))[0].parent)
            for n in (100, 1_000, 10_000)
            if n <= chosen.most
        }
        start = {
            "graticule --help": seconds_of(["--help"]),
            "locate one 12 MP photo, first answer": seconds_of(
                ["locate", str(large[0]), "-f", "json", "-m", str(bundle)]
            ),
        }
    result = {
        "model": bundle.name,
        "cores": available_cores(),
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "photos": {
            "large": f"{chosen.photos} names of {KINDS} JPEGs of 4000×3000",
            "small": f"names of {KINDS} JPEGs of 640×480",
        },
        "photos_per_second": speed,
        "processor_ms_per_photo": work,
        "ratios": ratios(speed, work),
        "peak_memory_mb": memory,
        "start_seconds": start,
    }
    files.write_json(RESULTS / "locate.json", result)
    with files.atomic(RESULTS / "locate.md") as handle:
        handle.write(markdown(result))
    print(markdown(result))


def photos(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write a few JPEGs with the detail of real ones, and link them to many names."""
    folder.mkdir()
    kinds = []
    for seed in range(KINDS):
        rng = np.random.default_rng(seed)
        picture = np.zeros((size[1], size[0], 3), np.float32)
        # Noise of every scale, halving in strength: the spectrum of photographs.
        for octave in range(9):
            grid = rng.normal(size=(4 << octave, 4 << octave, 3)).astype(np.float32)
            layers = [
                Image.fromarray(grid[..., c]).resize(size, Image.Resampling.BILINEAR)
                for c in range(3)
            ]
            picture += np.stack([np.asarray(layer) for layer in layers], axis=2) * 60 / 1.6**octave
        # And a sensor's: it is most of the bytes of a photo, and of the work of decoding one.
        picture += rng.normal(scale=5, size=picture.shape).astype(np.float32)
        kinds.append(folder / f"{seed:06d}.jpg")
        pixels = np.clip(picture + 120, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(kinds[-1], quality=90)
    paths = list(kinds)
    for number in range(KINDS, count):
        paths.append(folder / f"{number:06d}.jpg")
        os.link(kinds[number % KINDS], paths[-1])
    return paths[:count]


def speeds(engine: Engine, paths: list[Path]) -> tuple[dict[str, float], dict[str, float]]:
    """The engine, its parts alone, and a loop without it.

    Returns:
        Photos a second, and processor milliseconds a photo, which other work on the machine
        hardly changes.
    """
    crop = engine.system.inputs[0]
    draft = 2 * max(one.size for one in engine.system.inputs)
    pixels = [
        np.stack([one(open_photo(path).image) for path in paths[:BATCH]])
        for one in engine.system.inputs
    ]

    def decode(path: Path) -> Any:
        return crop(open_photo(path, draft=draft).image)

    def decode_all() -> None:
        with ThreadPoolExecutor(available_cores()) as pool:
            for _ in pool.map(decode, paths):
                pass

    def infer_all() -> None:
        for _ in range(len(paths) // BATCH):
            engine.system.predict(pixels)

    def locate_all() -> None:
        for _ in engine.locate((str(path), str(path)) for path in paths):
            pass

    def plain_loop() -> None:
        for path in paths[: len(paths) // 4]:
            with Image.open(path) as image:
                small = crop(image.convert("RGB"))
            engine.system.predict([small[None]] * len(engine.system.inputs))

    contenders: dict[str, tuple[Callable[[], None], int]] = {
        "decoding alone, threads": (decode_all, len(paths)),
        "network alone, batches": (infer_all, len(paths) // BATCH * BATCH),
        "graticule locate": (locate_all, len(paths)),
        "plain loop: open, resize, one by one": (plain_loop, len(paths) // 4),
    }
    for call, _ in contenders.values():
        call()
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    work: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, (call, count) in contenders.items():
            begin, worked = time.perf_counter(), time.process_time()
            call()
            wall[name].append(count / (time.perf_counter() - begin))
            work[name].append((time.process_time() - worked) / count * 1000)
    rates = {name: round(statistics.median(values), 1) for name, values in wall.items()}
    return rates, {name: round(statistics.median(values), 1) for name, values in work.items()}


def ratios(speed: dict[str, float], work: dict[str, float]) -> dict[str, float]:
    """The engine against the slower part, against both parts on the same cores, and the loop."""
    decode, network, engine, loop = speed.values()
    decode_ms, network_ms, engine_ms, _ = work.values()
    return {
        "to the slower part alone": round(engine / min(decode, network), 2),
        "to both parts sharing the cores": round(engine / (1 / (1 / decode + 1 / network)), 2),
        "to the plain loop": round(engine / loop, 2),
        "of processor time, both parts to the engine": round(
            (decode_ms + network_ms) / engine_ms, 2
        ),
    }


def peak_mb(bundle: Path, folder: Path) -> float:
    """Largest resident memory of one `graticule locate` over a folder, MB (Linux)."""
    command = [*COMMAND, "locate", str(folder), "-f", "json", "-m", str(bundle)]
    # Not getrusage: what it says of a child begins with the parent's memory at the fork.
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1])
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return round(peak * 1024 / 1e6, 1)


def seconds_of(arguments: list[str]) -> float:
    """Median wall time of a command, after one to warm the file cache."""
    taken = []
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        subprocess.run([*COMMAND, *arguments], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - begin)
    return round(statistics.median(taken[1:]), 2)


COMMAND = [sys.executable, "-m", "graticule"]


def markdown(result: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Speed and memory of `graticule locate`",
        "",
        f"Written by `bench/locate.py`. Model {result['model']}, {result['cores']} cores "
        f"({result['machine']}), load average {result['load_average']} at the end. "
        f"Speed: {result['photos']['large']}; memory: {result['photos']['small']}. "
        f"Medians of {ROUNDS} rounds in turns.",
        "",
        "| 12 MP photos | photos/s | processor ms/photo |",
        "|---|---:|---:|",
        *(
            f"| {name} | {rate} | {result['processor_ms_per_photo'][name]} |"
            for name, rate in result["photos_per_second"].items()
        ),
        "",
        "| ratio of `graticule locate` | |",
        "|---|---:|",
        *(f"| {name} | {ratio}× |" for name, ratio in result["ratios"].items()),
        "",
        "Decoding alone and the network alone each had every core to themselves; a pipeline that "
        "runs both on the same cores can at most reach the rate of the second ratio's base. Where "
        "the machine is busy with other work, trust the processor time: what the engine adds to "
        "its two parts.",
        "",
        "| photos in one run | peak memory, MB |",
        "|---:|---:|",
        *(f"| {int(n):,} | {mb} |" for n, mb in result["peak_memory_mb"].items()),
        "",
        "| start | seconds |",
        "|---|---:|",
        *(f"| {name} | {value} |" for name, value in result["start_seconds"].items()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
