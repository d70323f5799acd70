"""The contenders of ``bench/gallery.py``: each works in a process of its own, on request.

A worker reads one JSON line a request on stdin and answers with one on stdout, so that the driver
can let them take turns on the same cores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from common.memory import peak_mb

FIRST = 50
WIDTH = 512
THREADS = int(os.environ.get("OMP_NUM_THREADS", "0")) or len(os.sched_getaffinity(0))


class Clock:
    """Wall and processor seconds of a block; all threads of the process count."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Add the block's time."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def per(self, n: int = 1) -> dict[str, float]:
        """Seconds for each of ``n``."""
        return {"wall_s": self.wall / n, "cpu_s": self.cpu / n}


def timed(work: Callable[[], Any], n: int = 1) -> dict[str, float]:
    """The time of a call, shared among ``n``."""
    clock = Clock()
    with clock.on():
        work()
    return clock.per(n)


class Package:
    """``geoclip`` around a CLIP of random weights."""

    def __init__(self, clip: Path) -> None:
        import torch
        import transformers
        from geoclip import GeoCLIP

        torch.set_num_threads(THREADS)
        clock = Clock()
        with clock.on():
            self.model = GeoCLIP(clip_pretrained=False).eval()
            clip_model = transformers.CLIPModel.from_pretrained(clip).eval()
            self.model.image_encoder.CLIP = clip_model
        self.load = clock.per()
        self._image = Clock()
        inner, before = self.model.image_encoder.forward, self.model.image_encoder.preprocess_image

        def forward(x: Any) -> Any:
            with self._image.on():
                return inner(x)

        def preprocess(image: Any) -> Any:
            with self._image.on():
                return before(image)

        self.model.image_encoder.forward = forward
        self.model.image_encoder.preprocess_image = preprocess

    def one(self, photo: str) -> dict[str, Any]:
        """One call of ``predict``, and what of it was not the image: the gallery step."""
        self._image = Clock()
        clock = Clock()
        with clock.on():
            places, shares = self.model.predict(photo, FIRST)
        step = {key: value - self._image.per()[key] for key, value in clock.per().items()}
        return {
            **clock.per(),
            "gallery": step,
            "places": places.numpy().astype(float).tolist(),
            "shares": shares.numpy().astype(float).tolist(),
        }

    def places(self, kept: str) -> float:
        """The largest gap between some of the package's place vectors and those that we keep."""
        import torch

        rows = np.sort(np.random.default_rng(0).choice(100_000, 2000, replace=False))
        with torch.no_grad():
            found = self.model.location_encoder(self.model.gps_gallery[rows])
            found = torch.nn.functional.normalize(found, dim=1).numpy()
        self.vectors = np.load(kept, mmap_mode="r")
        return float(np.abs(found - self.vectors[rows]).max())

    def first(self, photo: str) -> dict[str, Any]:
        """Its image side over the vectors of :meth:`places`, as ``predict`` goes on from there."""
        import torch
        from PIL import Image

        with torch.no_grad():
            pixels = self.model.image_encoder.preprocess_image(Image.open(photo).convert("RGB"))
            query = torch.nn.functional.normalize(self.model.image_encoder(pixels), dim=1)
            places = torch.as_tensor(np.array(self.vectors))
            shares = (self.model.logit_scale.exp() * query @ places.T).softmax(dim=1)
            best = torch.topk(shares, FIRST, dim=1)
        return {
            "places": self.model.gps_gallery[best.indices[0]].numpy().astype(float).tolist(),
            "shares": best.values[0].numpy().astype(float).tolist(),
        }


class Ours:
    """graticule from a bundle folder."""

    def __init__(self, bundle: Path) -> None:
        from graticule.locate.engine import Engine

        clock = Clock()
        with clock.on():
            self.engine = Engine(bundle)
        self.load = clock.per()

    def _locate(self, photos: list[str]) -> None:
        for answer in self.engine.locate((path, Path(path).name) for path in photos):
            if answer.error:
                raise RuntimeError(answer.error)

    def one(self, photo: str) -> dict[str, Any]:
        """One photo to its whole answer."""
        return timed(lambda: self._locate([photo]))

    def folder(self, photos: list[str]) -> dict[str, Any]:
        """Many photos, each."""
        return timed(lambda: self._locate(photos), len(photos))

    def gallery(self, times: int) -> dict[str, float]:
        """The gallery step alone: similarities, softmax, the first fifty."""
        query = np.random.default_rng(0).standard_normal((1, WIDTH)).astype(np.float32)
        query /= np.linalg.norm(query)
        system: Any = self.engine.system

        def step() -> None:
            logits = system.similarities(query)[0]
            p = np.exp(logits - logits.max())
            p /= p.sum()
            best = np.argpartition(-p, FIRST)[:FIRST]
            best[np.argsort(-p[best])]

        step()
        return timed(lambda: [step() for _ in range(times)], times)

    def first(self, photo: str) -> dict[str, Any]:
        """The first fifty places and shares of one photo, to compare with the package's."""
        system = self.engine.system
        said = system.predict([crop[None] for crop in system.crops(system.open(photo).image)])
        order, p = said.beliefs["gallery"].top(FIRST)
        centers = said.beliefs["gallery"].over.centers
        return {"places": centers[order[0]].tolist(), "shares": p[0].astype(float).tolist()}


class First:
    """What is done once, before a first answer: the gallery encoded."""

    load = None

    def encode(self) -> dict[str, float]:
        """The package's 100,000 points, as ``graticule models get`` encodes them."""
        import torch

        from graticule.encoders.geoclip import encode_gallery, packaged_gallery

        torch.set_num_threads(THREADS)
        points = packaged_gallery()
        return timed(lambda: encode_gallery(points))


def serve(worker: Any) -> None:
    """Answer requests ``[method, arguments]`` until stdin ends."""
    out = sys.stdout
    for line in sys.stdin:
        name, arguments = json.loads(line)
        if name == "load":
            found: Any = worker.load
        elif name == "peak":
            found = peak_mb()
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                found = getattr(worker, name)(*arguments)
        print(json.dumps(found), file=out, flush=True)


def index_of(size: int) -> dict[str, Any]:
    """The photo index at one size: made, searched by FAISS where that is used, and exactly."""
    from graticule.refine.photo_index import PhotoIndex

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        add = timed(lambda: _filled(path, size))
        made = PhotoIndex(path)
        built = timed(made.build_search)
        opened, queries = PhotoIndex(path), _vectors(100, seed=1)
        opened.search(queries[:1], 10)
        one = timed(lambda: [opened.search(queries[i : i + 1], 10) for i in range(20)], 20)
        found: list[Any] = []
        many = timed(lambda: found.append(opened.search(queries, 10)[0]), len(queries))
        exact: list[Any] = []
        slow = timed(lambda: exact.append(opened.search(queries, 10, exact=True)[0]), len(queries))
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(found[0], exact[0], strict=True)]
        return {
            "rows": size,
            "add": add,
            "faiss": "coarse" in made.about,
            "build": built,
            "query": one,
            "query_of_100": many,
            "exact_of_100": slow,
            "recall_at_10": float(np.mean(shared)),
            "disk_mb": sum(file.stat().st_size for file in path.iterdir()) / 1e6,
            "peak_mb": peak_mb(),
        }


def _vectors(n: int, seed: int) -> np.ndarray:
    """Directions about 1,000 centres, float32 (n, 512)."""
    centres = np.random.default_rng(99).standard_normal((1000, WIDTH), np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, WIDTH), np.float32)
    return centres[rng.integers(0, len(centres), n)] + noise


def _filled(folder: Path, size: int) -> None:
    from graticule.refine.photo_index import PhotoIndex
    from graticule.refine.rows import Rows

    index = PhotoIndex.create(folder, model="synthetic", key="0" * 16)
    portion = 16_384
    for start in range(0, size, portion):
        n = min(portion, size - start)
        names = tuple(f"{i:07d}" for i in range(start, start + n))
        blank = np.zeros(n, np.uint64)
        rows = Rows(names, np.zeros((n, 2)), names, blank, np.full(n, np.nan))
        index.add(_vectors(n, seed=start + 2), rows)


def own_gallery_of(bundle: Path, size: int) -> dict[str, Any]:
    """A gallery of the user's beyond the exact search: encoded, and asked both ways."""
    from graticule import files
    from graticule.cells.gallery import drawn_on_land, gallery
    from graticule.encoders.geoclip import encode_gallery
    from graticule.refine import coarse
    from graticule.systems import own_gallery
    from graticule.systems.bundle import Bundle

    points = gallery(drawn_on_land(size, "population", 0))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRATICULE_CACHE"] = cache
        found: list[Any] = []
        first = timed(lambda: found.append(own_gallery.vectors_of(points, Bundle(bundle))))
        own = found[0]
        again = timed(lambda: own_gallery.vectors_of(points, Bundle(bundle)))
        some = np.random.default_rng(0).choice(size, 500, replace=False)
        theirs = encode_gallery(points.centers[some])
        cosine = (theirs * np.asarray(own.vectors[some], np.float32)).sum(axis=1)
        query = theirs[:1].copy()
        own_gallery.narrowed(query, own)
        narrowed = timed(lambda: [own_gallery.narrowed(query, own) for _ in range(20)], 20)
        exact = timed(lambda: [own_gallery.compared(query, own.vectors) for _ in range(5)], 5)
        recall = files.read_json(own.search.with_suffix(".json"))["recall"] if own.search else 1.0
        return {
            "points": size,
            "beyond": coarse.EXACT,
            "first_start": first,
            "again": again,
            "faiss_query": narrowed,
            "exact_query": exact,
            "recall_at_50": recall,
            "least_cosine_with_the_package": float(cosine.min()),
            "peak_mb": peak_mb(),
        }


def eight_bits(bundle: Path, photos: Path, count: int) -> dict[str, Any]:
    """A copy in eight bits: its size, its speed beside the full one, and what it lost."""
    from dataclasses import asdict

    from graticule.systems import exporting
    from graticule.systems.bundle import Bundle
    from graticule.systems.registry import load_system

    chosen = sorted(photos.glob("*.jpg"))[:count]
    with tempfile.TemporaryDirectory(dir=bundle.parent) as folder:
        target = Path(folder) / "int8"
        made, loss = exporting.eight_bits(Bundle(bundle), target, chosen)
        full, small = load_system(bundle), load_system(target)
        pixels = [crop[None] for crop in full.crops(full.open(chosen[0]).image)]
        small.predict(pixels)
        times: dict[str, list[dict[str, float]]] = {"full": [], "int8": []}
        for _ in range(3):
            times["full"].append(timed(lambda: full.predict(pixels)))
            times["int8"].append(timed(lambda: small.predict(pixels)))
        return {
            "loss": asdict(loss) if loss else None,
            "encoder_mb": {
                name: (where / "encoder.onnx").stat().st_size / 1e6
                for name, where in (("full", bundle), ("int8", made.path))
            },
            "predict": {
                name: min(found, key=lambda one: one["cpu_s"]) for name, found in times.items()
            },
        }


def main() -> None:
    """Be one of the parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part")
    parser.add_argument("arguments", nargs="*")
    chosen = parser.parse_args()
    paths = [Path(argument) for argument in chosen.arguments]
    out, sys.stdout = sys.stdout, sys.stderr  # libraries print; only answers go to the driver
    if chosen.part in {"package", "ours", "first"}:
        sys.stdout = out
        with contextlib.redirect_stdout(sys.stderr):
            worker = {"package": Package, "ours": Ours, "first": First}[chosen.part](*paths)
        serve(worker)
        return
    if chosen.part == "index":
        found = index_of(int(chosen.arguments[0]))
    elif chosen.part == "own":
        found = own_gallery_of(paths[0], int(chosen.arguments[1]))
    else:
        found = eight_bits(paths[0], paths[1], int(chosen.arguments[2]))
    print(json.dumps(found), file=out)


if __name__ == "__main__":
    main()
