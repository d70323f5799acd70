"""Locate the sample photo, or the photos of a folder: a table here, and a map in demo/map.html.

Run by ``make demo``. The sample is china.jpg, the Summer Palace in Beijing (CC BY 2.0, Jean-Pierre
Dalbéra), as scikit-learn ships it; it is copied to demo/photos and never trained on.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from itertools import tee
from pathlib import Path

import graticule
from graticule.errors import GraticuleError
from graticule.output import writer
from graticule.photos.inputs import find_photos

DEMO = Path(__file__).parents[1] / "demo"


def sample() -> Path:
    """The sample photo, copied out of scikit-learn without importing it.

    Raises:
        GraticuleError: scikit-learn is not installed.
    """
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise GraticuleError("the sample photo comes with scikit-learn: pip install -e '.[demo]'")
    target = DEMO / "photos" / "china.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(
        Path(package.submodule_search_locations[0]) / "datasets" / "images" / "china.jpg", target
    )
    return here(target)


def here(path: Path) -> Path:
    """The path as a person in this folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(arguments: list[str]) -> int:
    """Print the table, write the map, and return the exit code."""
    try:
        wanted = [Path(name).expanduser() for name in arguments] or [sample()]
        paths, shown = tee(find_photos(wanted))
        page = DEMO / "map.html"
        locator = graticule.load()
        with writer("table") as table, writer("html", page) as world:
            for answer, path in zip(locator.locate_iter(paths), shown, strict=True):
                table.write(answer, path)
                world.write(answer, path)
    except GraticuleError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\nMap: {here(page)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
