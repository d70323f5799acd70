"""The bundled model's figures on held-out sources, as its own training measured them.

    python bench/mini.py

Writes results/mini.json and results/mini.md from the report inside the bundle, which
``graticule train mini`` writes; nothing is measured again here.
"""

from __future__ import annotations

from pathlib import Path

from graticule import files
from graticule.locate.locator import find_model
from graticule.training.mini.card import results

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    """Copy the report and lay it out as a page."""
    report = files.read_json(find_model("mini") / "report.json")
    files.write_json(RESULTS / "mini.json", report)
    with files.atomic(RESULTS / "mini.md") as page:
        page.write(results(report))


if __name__ == "__main__":
    main()
