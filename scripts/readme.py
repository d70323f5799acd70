"""Write the figures of the README from the files that programs made; ``--check`` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "src" / "graticule" / "models" / "mini" / "report.json"
CONTEST = ROOT / "results" / "compare.json"
#: Splits of the contest, as given and without what its audit spoils, and what they are called.
SPLITS = {
    "folds": "sources not learnt from",
    "random": "at random (flatters)",
    "random, clean": "at random, clean photos",
}
#: Each block of the README stands between its own line and the end's.
BEGIN, SYSTEMS = "<!-- made by scripts/readme.py -->", "<!-- systems: made by scripts/readme.py -->"
END = "<!-- end -->"
SHIPPED = "(shipped)"
SCORES = ("country top-1", "country top-5", "median error", "GeoScore")


def figures() -> str:
    """The tables of the bundled model, from its report."""
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    lines = report["comparison"].items()
    shipped = next(found for name, found in lines if name.endswith(SHIPPED))
    lines = ["| judged on | photos | country top-1 | top-5 |", "|---|---:|---:|---:|"]
    for name, split in (
        ("sources not learnt from", "leave_sources_out"),
        ("a random split (flatters)", "random_split"),
    ):
        found = shipped[split]["all"]
        lines.append(f"| {name} | {found['photos']:,} | {found['top1']} % | {found['top5']} % |")
    lines += [
        "",
        "| radius | places inside it, measured | median radius |",
        "|---|---:|---:|",
    ]
    for level, found in report["calibration"]["coverage"].items():
        lines.append(f"| {level} % | {found['places']} % | {found['median_radius_km']:,} km |")
    return "\n".join(lines)


def systems() -> str:
    """S1 to S6 on the same photos, from the contest; * where S6 differs beyond doubt."""
    found = json.loads(CONTEST.read_text(encoding="utf-8"))["parts"]["systems"]
    lines = [
        "| split | system | country top-1, % | top-5, % | median km | GeoScore |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for split, words in SPLITS.items():
        if split not in found:  # every photo is clean
            continue
        told = {
            (pair["second"], pair["score"]): "*" if pair["corrected"] < 0.05 else ""
            for pair in found[split]["pairs"]
        }
        for row in found[split]["rows"]:
            cells = [
                f"{row['scores'][score]['value']:,.{1 if 'top' in score else 0}f}"
                f"{told.get((row['name'], score), '')}"
                for score in SCORES
            ]
            lines.append(f"| {words} | {row['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written(readme: str) -> str:
    """The README with its figures as they are now."""
    for begin, block in ((BEGIN, figures), (SYSTEMS, systems)):
        before, _, rest = readme.partition(begin)
        _, _, after = rest.partition(END)
        readme = f"{before}{begin}\n{block()}\n{END}{after}"
    return readme


def main() -> int:
    """Write or compare; returns the exit code."""
    path = ROOT / "README.md"
    now = path.read_text(encoding="utf-8")
    new = written(now)
    if "--check" in sys.argv[1:]:
        return int(new != now)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
