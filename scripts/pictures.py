"""Draw the README's pictures of the map, light and dark, from what ``make demo`` wrote.

Run: make demo && .venv/bin/python scripts/pictures.py (needs Chromium)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from graticule.files import atomic_path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "demo" / "map.html"
IMAGES = ROOT / "docs" / "images"
#: Chromium's numbers of the two colour schemes.
SCHEMES = {"map-dark.png": 0, "map.png": 1}
SIZE = (1280, 760)


def draw(target: Path, scheme: int, chromium: str) -> None:
    """Photograph the page in one colour scheme; 256 colours keep the picture small."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        subprocess.run(
            [
                chromium,
                *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--force-prefers-reduced-motion", "--virtual-time-budget=4000"),
                f"--user-data-dir={folder}/profile",
                f"--blink-settings=preferredColorScheme={scheme}",
                f"--window-size={SIZE[0]},{SIZE[1]}",
                f"--screenshot={shot}",
                PAGE.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        with atomic_path(target) as part:
            Image.open(shot).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(part)


def main() -> int:
    """Draw both pictures and return the exit code."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or not PAGE.is_file():
        what = "run make demo first" if chromium else "needs chromium"
        print(f"pictures: {PAGE.name}: {what}", file=sys.stderr)
        return 1
    for name, scheme in SCHEMES.items():
        draw(IMAGES / name, scheme, chromium)
        print(f"docs/images/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
