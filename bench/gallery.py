"""GeoCLIP through graticule beside the `geoclip` package: the same random CLIP, the same photos.

    python bench/gallery.py [--parts speed int8 own index] [--photos 64] [--work build/geoclip]

Writes results/geoclip.json and results/geoclip.md; parts that are not asked for keep the figures of
an earlier run. A CLIP ViT-L/14 of random weights is made once in the work folder (1.7 GB), and so
is the bundle; speed does not depend on what the weights are, and what int8 loses does.

The contenders live in processes of their own and take turns on the same cores. Both the clock and
the processor time are written down: on a machine with other work the second is the steadier.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common.gallery_parts import THREADS, timed
from graticule import files

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
BENCH = Path(__file__).parent
PARTS = ("-m", "common.gallery_parts")
Found = dict[str, Any]


def main() -> None:
    """Measure, and write what there is after each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ["speed", "memory", "parity", "int8", "own", "index"]
    parser.add_argument("--parts", nargs="*", choices=names, default=names)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="photos for the package, 30 s each")
    parser.add_argument("--points", type=int, default=150_000, help="of the own gallery")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--clip", type=Path, help="CLIP ViT-L/14 in safetensors; made if absent")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "geoclip")
    chosen = parser.parse_args()
    chosen.work = chosen.work.resolve()
    chosen.clip = chosen.clip and chosen.clip.resolve()
    try:
        import geoclip  # noqa: F401
    except ImportError:
        print("bench/gallery.py: needs pip install 'graticule[geoclip]'")
        return
    target = RESULTS / "geoclip.json"
    if chosen.parts != ["index"]:
        bundle = ready(chosen.clip or chosen.work / "clip", chosen.work / "bundle")
    with tempfile.TemporaryDirectory() as folder:
        photos(Path(folder), chosen.photos)
        for part in chosen.parts:
            if part == "speed":
                clip = chosen.clip or chosen.work / "clip"
                made: Any = speed(clip, bundle, sorted(Path(folder).glob("*.jpg")), chosen.rounds)
            elif part == "memory":
                clip = chosen.clip or chosen.work / "clip"
                made = memory(clip, bundle, sorted(Path(folder).glob("*.jpg")))
            elif part == "parity":
                clip = chosen.clip or chosen.work / "clip"
                made = parity(clip, bundle, sorted(Path(folder).glob("*.jpg")))
            elif part == "int8":
                made = once("int8", bundle, folder, min(24, chosen.photos))
            elif part == "own":
                made = once("own", bundle, chosen.points)
            else:
                for size in chosen.sizes:
                    keep(target, part, once("index", size))
                continue
            keep(target, part, made)
    print((RESULTS / "geoclip.md").read_text(encoding="utf-8"))


def keep(target: Path, part: str, made: Any) -> None:
    """Write a part beside those that are there, and the page anew; an index by its size."""
    found: Found = files.read_json(target) if target.is_file() else {}
    if part == "index":
        others = [row for row in found.get(part, []) if row["rows"] != made["rows"]]
        made = sorted([*others, made], key=lambda row: row["rows"])
    found[part] = made
    found.setdefault("about", {})[part] = about()
    files.write_json(target, found)
    with files.atomic(RESULTS / "geoclip.md") as out:
        out.write(page(found))


def about() -> str:
    """The machine and the day of one part."""
    day = datetime.now(UTC).date().isoformat()
    return f"{platform.system()} {platform.machine()}, {THREADS} threads, {day}"


def ready(clip: Path, bundle: Path) -> Path:
    """A random CLIP and the bundle of it, where they are not there yet."""
    if not (clip / "model.safetensors").is_file():
        import torch
        from geoclip import GeoCLIP

        torch.manual_seed(0)
        GeoCLIP(clip_pretrained=False).image_encoder.CLIP.save_pretrained(clip)
    if not (bundle / "system.json").is_file():
        from graticule.systems.geoclip_bundle import make_bundle

        print(f"the bundle: {timed(lambda: make_bundle(clip, bundle))}", file=sys.stderr)
    return bundle


def photos(folder: Path, n: int) -> None:
    """Photos of noise, 1600×1200 JPEG."""
    rng = np.random.default_rng(0)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8))
        small.resize((1600, 1200), Image.Resampling.BICUBIC).save(folder / f"{i:04d}.jpg")


class Contender:
    """A worker that answers requests."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *PARTS, *map(str, arguments)],
            cwd=BENCH,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name: str, *arguments: object) -> Any:
        """Ask and wait."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        print(f"{name}: {answer[:160].strip()}", file=sys.stderr)
        return json.loads(answer)

    def end(self) -> float:
        """Let it go; the most memory it held, MB."""
        peak = float(self("peak"))
        self._process.communicate()
        return peak


def once(*arguments: object) -> Any:
    """A part that answers once."""
    command = [sys.executable, *PARTS, *map(str, arguments)]
    ran = subprocess.run(command, cwd=BENCH, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def speed(clip: Path, bundle: Path, chosen: list[Path], rounds: int) -> Found:
    """Both contenders in turns over the same photos."""
    names = [str(path) for path in chosen]
    theirs, ours, first = Contender("package", clip), Contender("ours", bundle), Contender("first")
    found: Found = {"load": {"package": theirs("load"), "ours": ours("load")}}
    # What the first answer alone needs: the atlas and the names of the gallery's places.
    found["warming"] = ours("one", names[0])
    package, one, folder, gallery = [], [], [], []
    for turn, part in enumerate(np.array_split(names, rounds)):
        said = theirs("one", names[turn])
        package.append(said)
        one += [ours("one", names[turn]) for _ in range(3)]
        folder.append((len(part), ours("folder", part.tolist())))
        gallery.append(ours("gallery", 20))
        if turn == 0:
            found["encode_gallery"] = first("encode")
    total = sum(n for n, _ in folder)
    found |= {
        "photos": len(names),
        "rounds": rounds,
        "package_one": middle(package),
        "package_gallery": middle([said["gallery"] for said in package]),
        "ours_one": middle(one),
        "ours_folder": {
            key: sum(n * said[key] for n, said in folder) / total for key in ("wall_s", "cpu_s")
        },
        "ours_gallery": middle(gallery),
    }
    for worker in (theirs, ours, first):
        worker.end()
    return found


def memory(clip: Path, bundle: Path, chosen: list[Path]) -> Found:
    """The most memory each has held after a few photos, MB."""
    names = [str(path) for path in chosen]
    theirs, ours, first = Contender("package", clip), Contender("ours", bundle), Contender("first")
    theirs("one", names[0])
    ours("folder", names[:8])
    first("encode")
    return {"package": theirs.end(), "ours": ours.end(), "encoding": first.end()}


def parity(clip: Path, bundle: Path, chosen: list[Path]) -> Found:
    """The first fifty of both over the same gallery, and our own speed once more.

    The package's gallery is not encoded again for each photo: a sample of it is compared with the
    vectors that are kept, and its image side is asked over those.
    """
    names = [str(path) for path in chosen]
    theirs, ours = Contender("package", clip), Contender("ours", bundle)
    gap = theirs("places", str(bundle / "gallery.npy"))
    ours("one", names[0])
    same, positions, gaps, swaps, one = [], [], [], [], []
    for name in names[:6]:
        said, own = theirs("first", name), ours("first", name)
        swaps.append(swapped(said, own))
        alike = np.isclose(own["places"], said["places"], atol=1e-4).all(axis=1)
        same.append(bool(alike.all()))
        positions.append(float(alike.mean()))
        gaps.append(float(np.abs(np.subtract(own["shares"], said["shares"])).max()))
        one.append(ours("one", name))
    folder = ours("folder", names)
    theirs.end()
    ours.end()
    return {
        "photos": len(same),
        "same_order_of_50": sum(same),
        "same_positions": float(np.mean(positions)),
        "largest_gap_of_shares": max(gaps),
        "largest_swap": max(swaps),
        "largest_gap_of_places_vectors": gap,
        "ours_one": middle(one),
        "folder": len(names),
        "ours_folder": folder,
    }


def swapped(said: Found, own: Found) -> float:
    """How much likelier, by the package's own shares, a place is that we name after another."""
    places = [tuple(np.round(place, 4)) for place in said["places"]]
    share = dict(zip(places, said["shares"], strict=True))
    least = min(said["shares"])  # a place that is not among its first fifty has no more than that
    ours = np.array([share.get(tuple(np.round(place, 4)), least) for place in own["places"]])
    return float(max(0.0, (ours - np.minimum.accumulate(ours)).max()))


def middle(times: list[Found]) -> Found:
    """The median of some timings."""
    return {key: float(np.median([one[key] for one in times])) for key in ("wall_s", "cpu_s")}


def ratios(found: Found) -> list[tuple[str, str, Found, Found]]:
    """What the bench is for: a name, what is wanted, theirs and ours."""
    start = {
        key: found["encode_gallery"][key] + found["ours_one"][key] for key in found["ours_one"]
    }
    return [
        ("one photo after start", "≥ 25", found["package_one"], found["ours_one"]),
        (f"a photo of {found['photos']}", "≥ 33", found["package_one"], found["ours_folder"]),
        ("the gallery step", "≥ 1,000", found["package_gallery"], found["ours_gallery"]),
        ("first start, gallery encoded in it", "≥ 0.91", found["package_one"], start),
    ]


def page(found: Found) -> str:
    """The results for people."""
    lines = [
        "# GeoCLIP beside the `geoclip` package",
        "",
        "Written by `bench/gallery.py`. The same random CLIP ViT-L/14 and the same photos for "
        "both, in turns on the same cores. Processor seconds are the steadier figure where other "
        "work runs.",
    ]
    if "speed" in found:
        lines += _speed(found["speed"], found["about"]["speed"])
    if "memory" in found:
        lines += _memory(found["memory"], found["about"]["memory"])
    if "parity" in found:
        lines += _parity(found["parity"], found["about"]["parity"])
    if "int8" in found:
        lines += _int8(found["int8"], found["about"]["int8"])
    if "own" in found:
        lines += _own(found["own"], found["about"]["own"])
    if "index" in found:
        lines += _index(found["index"], found["about"]["index"])
    return "\n".join(lines) + "\n"


def _speed(found: Found, machine: str) -> list[str]:
    load = found["load"]
    whole = found["package_one"]["wall_s"]
    image = whole - found["package_gallery"]["wall_s"]
    lines = [
        "",
        "## Speed",
        "",
        f"{machine}; the package's predict in the median of {found.get('rounds', 3)} photos.",
        "",
        "| | package | graticule | ratio | by processor time | wanted |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, wanted, theirs, own in ratios(found):
        lines.append(
            f"| {name} | {theirs['wall_s']:.3g} s ({theirs['cpu_s']:.3g}) | {own['wall_s']:.3g} s "
            f"({own['cpu_s']:.3g}) | {_times(theirs['wall_s'] / own['wall_s'])} | "
            f"{_times(theirs['cpu_s'] / own['cpu_s'])} | {wanted} |"
        )
    lines += [
        "",
        f"In brackets processor seconds. Loading: package {load['package']['wall_s']:.1f} s, "
        f"graticule {load['ours']['wall_s']:.1f} s (checksums of the bundle among them); the first "
        f"answer took {found['warming']['wall_s']:.1f} s.",
        "",
        "What bounds the first two ratios is CLIP itself, which both run in full precision: the "
        f"package's own image side takes {image:.2f} s of its {whole:.1f}, so that leaving out "
        f"everything else would be {whole / image:.3g} times as fast.",
    ]
    return lines


def _memory(peak: Found, machine: str) -> list[str]:
    return [
        "",
        f"Memory ({machine}): the package held {peak['package']:,.0f} MB at most, graticule "
        f"{peak['ours']:,.0f} MB over a folder, and {peak['encoding']:,.0f} MB while it encoded "
        "the gallery, which is done once.",
    ]


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _parity(found: Found, machine: str) -> list[str]:
    one, folder = found["ours_one"], found["ours_folder"]
    # Figures of an earlier run may lack it.
    swap = found.get("largest_swap")
    swapped = (
        ""
        if swap is None
        else (
            f"; places that changed theirs differ by {swap:.1e} at most in the package's own shares"
        )
    )
    return [
        "",
        "## The same answers",
        "",
        f"{machine}. Over the package's 100,000 points its first fifty stood in the same order for "
        f"{found['same_order_of_50']} of {found['photos']} photos "
        f"({found['same_positions']:.1%} of the positions){swapped}. No share differed by more "
        f"than {found['largest_gap_of_shares']:.1e}, and no number of a place's vector by more "
        f"than {found['largest_gap_of_places_vectors']:.1e}. In that run graticule took "
        f"{one['cpu_s']:.2f} s of processor time for one photo and {folder['cpu_s']:.2f} s for "
        f"each of {found['folder']}.",
    ]


def _int8(found: Found, machine: str) -> list[str]:
    loss, size, times = found["loss"], found["encoder_mb"], found["predict"]
    return [
        "",
        "## Eight bits (`graticule export --int8`)",
        "",
        f"{machine}. Of random weights: what yours lose, `--photos` measures. On {loss['photos']} "
        f"photos the likeliest place was the same in {loss['top_1']:.1%}, "
        f"{loss['top_50']:.1%} of the first fifty were shared, points moved "
        f"{loss['median_km']:,.0f} km in the median ({loss['p90_km']:,.0f} km at nine of ten), "
        f"mean cosine {loss['cosine']:.4f}. The encoder takes {size['int8']:,.0f} MB instead of "
        f"{size['full']:,.0f}, a prediction {times['int8']['cpu_s']:.2f} s of processor time "
        f"instead of {times['full']['cpu_s']:.2f}.",
    ]


def _own(found: Found, machine: str) -> list[str]:
    first, again = found["first_start"], found["again"]
    return [
        "",
        "## A gallery of one's own, beyond the exact search",
        "",
        f"{machine}. {found['points']:,} points drawn by population: encoded and made searchable "
        f"once in {first['wall_s']:.0f} s ({first['cpu_s']:.0f} s of processor), then opened in "
        f"{again['wall_s']:.1f} s. One photo against all takes "
        f"{1000 * found['exact_query']['cpu_s']:.0f} ms of processor time, by FAISS "
        f"{1000 * found['faiss_query']['cpu_s']:.0f} ms, finding {found['recall_at_50']:.1%} of "
        f"the true first fifty. Vectors by ONNX Runtime beside the package's: cosine at least "
        f"{found['least_cosine_with_the_package']:.6f}. Peak memory {found['peak_mb']:,.0f} MB, "
        "torch for the comparison included.",
    ]


def _index(found: list[Found], machine: str) -> list[str]:
    lines = [
        "",
        "## Photo index",
        "",
        f"{machine}. Synthetic vectors of 512 numbers about 1,000 directions; recall beside the "
        "exact search. Peak memory is of the whole process, building included; times are the "
        "processor's.",
        "",
        "| rows | add | FAISS build | one query | of 100, each | exact, of 100, each | recall@10 | "
        "disk | peak memory |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['rows']:,} | {row['add']['cpu_s']:.1f} s | "
        + (f"{row['build']['cpu_s']:.0f} s" if row["faiss"] else "exact")
        + f" | {1000 * row['query']['cpu_s']:.1f} ms | "
        f"{1000 * row['query_of_100']['cpu_s']:.2f} ms | "
        f"{1000 * row['exact_of_100']['cpu_s']:.2f} ms | {row['recall_at_10']:.3f} | "
        f"{row['disk_mb']:,.0f} MB | {row['peak_mb']:,.0f} MB |"
        for row in found
    ]
    return lines


if __name__ == "__main__":
    main()
