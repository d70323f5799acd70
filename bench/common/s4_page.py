"""The page results/s4.md, from the numbers of results/s4.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graticule.systems.s2_report import row

_HEAD = "| 1 | 25 | 200 | 750 | 2500 | median km |"


def markdown(result: Mapping[str, Any]) -> str:
    """All sections that were measured."""
    lines = [
        "# S4, multitask on S2 cells, on the development photos",
        "",
        f"Made by `bench/s4.py`. {result['photos_with_coordinates']} photos with coordinates at "
        f"{result['places']} places; {result['photos_with_scenes']} others have scenes and no "
        "coordinates. A cell's place is the mean of its photos. Neither Places nor a whole "
        "trained ResNet50 can be had where this ran. Percent of photos within 1 / 25 / 200 / 750 / "
        "2500 km.",
        "",
        "Most photos are of two dozen Indian sights and of San Francisco: a random split asks "
        "which sight it is; landmarks apart asks for the region of a sight never seen; the "
        "manifest's folds ask for cells that no training photo is in.",
        "",
    ]
    if "last_stage" in result:
        lines += [
            "## ResNet50, its last stage trained here",
            "",
            "Stages 1–3 are ImageNet's and frozen, their maps kept; the last stage starts at "
            "random and learns with the heads. One fold of five is held out. The helper is a head "
            "on the same frozen stages.",
            "",
        ]
        for split, cell in result["last_stage"].items():
            words = f"{split}, {cell['pixels']} pixels, {cell['scene_photos']} scene photos"
            lines += _cell(f"### {words}", cell)
    if "least" in result:
        lines += [
            "## What is the least that is needed? MobileNetV2, frozen; ISN beside it",
            "",
            "One hidden layer of 256 shared by the tasks; one fold of five. ISN: a scene "
            "network and a network of cells for each of three scene groups, by the same code.",
            "",
        ]
        for split, cell in result["least"].items():
            lines += [*_cell(f"### {split}", cell), _verdict(cell), ""]
    for name, splits in result.get("trunks", {}).items():
        lines += [f"## {name}, frozen, one hidden layer of 256, five folds", ""]
        for split, cell in splits.items():
            lines += _cell(f"### {split}", cell)
    if "speed" in result:
        lines += _speed(result["speed"])
    lines += [
        "## Published, on other data (not comparable; GeoEstimation, 4.7 million photos)",
        "",
        "| system | 1 | 25 | 200 | 750 | 2500 |",
        "|---|" + "---:|" * 5,
    ]
    lines += [
        f"| {name} (published) | " + " | ".join(f"{share:.1f}" for share in shares) + " |"
        for name, shares in result["published_other_data"].items()
    ]
    took = ", ".join(f"{part} {seconds} s" for part, seconds in result.get("took_s", {}).items())
    lines += ["", f"{result['machine']}" + (f"; {took}, on a shared machine." if took else ".")]
    return "\n".join(lines) + "\n"


def _verdict(cell: Mapping[str, Any]) -> str:
    """Which variants differ from the plain one, after Bonferroni."""
    against = [pair for pair in cell["paired"] if not pair["pair"].startswith("f* - ")]
    if not against:  # written after the first variant
        return "One variant so far."
    bound = 0.05 / len(against)
    found = [pair["pair"].split(" - ")[0] for pair in against if pair["p"] < bound]
    differ = "; ".join(found) if found else "none"
    least = "see there" if found else "places alone: scenes, by whoever, add nothing that shows"
    return (
        f"Of {len(against)} variants, those that differ from the one without scenes at "
        f"p < 0.05 / {len(against)}: {differ}. The least that is needed here: {least}."
    )


def _cell(title: str, cell: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{title}: {cell['photos']} photos, {cell['clusters']} clusters",
        "",
        f"| variant | decoding {_HEAD}",
        "|---|---|" + "---:|" * 6,
    ]
    for variant, found in cell["within_percent"].items():
        for decoding, shares in found.items():
            numbers = " | ".join(f"{share:.1f}" for share in shares)
            median = cell["median_km"][variant][decoding]
            lines.append(f"| {variant} | {decoding} | {numbers} | {median:,.0f} |")
    lines += [
        "",
        "| pair | GeoScore difference | 95 % | p | McNemar p at 200 km |",
        "|---|---:|---|---:|---:|",
    ]
    lines += [
        f"| {p['pair']} | {p['geoscore_difference']} | [{p['interval'][0]}, "
        f"{p['interval'][1]}] | {p['p']} | {p['mcnemar_200_km']} |"
        for p in cell["paired"]
    ]
    words = {
        "scenes": ("scene, by the helper", "f* by what the photo shows:"),
        "counts": ("photos in the cell", "f* by training photos in the true fine cell:"),
    }
    for key, (name, title_) in words.items():
        if cell.get(key):
            lines += ["", title_, "", f"| {name} {_HEAD} photos |", "|---|" + "---:|" * 7]
            lines += [row(label, one) for label, one in cell[key].items()]
    return [*lines, ""]


def _speed(speed: Mapping[str, Any]) -> list[str]:
    heads, f_star = speed["heads"], speed["f_star"]
    lines = [
        "## Speed",
        "",
        f"ResNet50 at {heads['size']} pixels, random weights, {heads['threads']} thread; by "
        f"processor time, medians of rounds in turn. Outcomes of the heads: "
        f"{', '.join(map(str, heads['outcomes']))}; the one head is that of the fine cells. What "
        "training pays is the larger step of the weights: less a photo in the recipe's batches of "
        "128.",
        "",
        "| | images/s, 1 head | images/s, 4 heads | ratio (aim ≥ 0.95) |",
        "|---|---:|---:|---:|",
    ]
    for what in ("locating", "training"):
        one = heads[what]
        lines.append(
            f"| {what}, batches of {one['batch']}, {one['rounds']} rounds | {one['one']:.2f} | "
            f"{one['four']:.2f} | {one['ratio']:.3f} |"
        )
    sizes = " / ".join(f"{n:,}" for n in f_star["cells"])
    lines += [
        "",
        f"f* over {sizes} cells, {f_star['photos']:,} photos in batches of {f_star['batch']}: "
        f"{f_star['processor_ms']:.2f} ms of processor a photo ({f_star['wall_ms']:.2f} ms on the "
        f"clock of a shared machine; aim < 2). Most memory of the process: "
        f"{f_star['mb_after_1000']:.0f} MB after 1,000 photos, {f_star['mb_after_all']:.0f} MB "
        "after all.",
        "",
    ]
    return lines
