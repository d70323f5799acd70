"""Write the figures of the README from the files that programs made; ``--check`` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "src" / "graticule" / "models" / "mini" / "report.json"
BEGIN, END = "<!-- made by scripts/readme.py -->", "<!-- end -->"
SHIPPED = "(shipped)"


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


def written(readme: str) -> str:
    """The README with its figures as they are now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{figures()}\n{END}{after}"


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
