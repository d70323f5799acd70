"""Fit the bundled model's calibration again, without training it: after its rules have changed.

    python scripts/refit_mini.py ../shared/photos/manifest.csv

Needs the extra ``train``, and the photos and starting weights that the bundle was made from; some
minutes. Temperature, radii, silence and verdicts are fitted by the bundle's own recipe;
calibration.json, MODEL_CARD.md and report.json are written, and system.json is sealed. Then
bench/mini.py and bench/verify.py have new figures to record.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graticule.locate.locator import find_model
from graticule.photos import manifest as manifests
from graticule.systems.bundle import Bundle
from graticule.training.mini.refit import refit

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Refit the bundle that ships, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="the photos that it was made from")
    parser.add_argument("--bundle", default="mini", help="the one that ships by default")
    parser.add_argument("--features", type=Path, default=ROOT / "features", help="kept vectors")
    asked = parser.parse_args()
    bundle = Bundle(find_model(asked.bundle))
    weights = asked.manifest.parent / bundle.manifest.recipe["encoder"]["weights"]
    refit(bundle, manifests.read(asked.manifest), weights, asked.features, print)


if __name__ == "__main__":
    main()
