"""Places365 (Places2): lists of photos by scene, and the way from 365 scenes to 16, 3 and our own.

The 365 → 16 → 3 hierarchy is a sheet that the makers publish; it is read from the user's copy.
The way from the 365 to S1's four scenes and "indoor" is ours: ``places365.csv`` beside this file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from graticule.errors import GraticuleError, ManifestError
from graticule.photos.sources.source import About, Finder, Row
from graticule.scenes import GROUPS, TO_GROUP

ABOUT = About(
    name="places365",
    title="Places365 (Places2)",
    home="http://places2.csail.mit.edu",
    files=(
        "categories_places365.txt",
        "places365_train_standard.txt",
        "places365_train_challenge.txt",
        "places365_val.txt",
        "places365_test.txt",
        "scene_hierarchy_places365.csv",
    ),
    licence="lists CC BY; the photos are their owners', for non-commercial research and education",
    citation="Zhou, Lapedriza, Khosla, Oliva, Torralba: Places, TPAMI 2017",
    columns=("path", "scene", "places365", "places16", "places3", "split", "source"),
)

#: The 16 groups in the order of the sheet's columns, with the third level each belongs to.
GROUPS_16 = (
    ("shopping and dining", "indoor"),
    ("workplace", "indoor"),
    ("home or hotel", "indoor"),
    ("transportation (interiors)", "indoor"),
    ("sports and leisure (indoor)", "indoor"),
    ("cultural", "indoor"),
    ("water, ice, snow", "natural"),
    ("mountains, hills, desert, sky", "natural"),
    ("forest, field, jungle", "natural"),
    ("man-made elements", "natural"),
    ("transportation", "urban"),
    ("cultural or historical place", "urban"),
    ("sports fields, parks, leisure", "urban"),
    ("industrial and construction", "urban"),
    ("houses, cabins, gardens, farms", "urban"),
    ("commercial buildings, markets, cities", "urban"),
)


@cache
def _table() -> tuple[tuple[str, str], ...]:
    text = resources.files(__package__).joinpath("places365.csv").read_text(encoding="utf-8")
    return tuple((row["category"], row["scene"]) for row in csv.DictReader(text.splitlines()))


def categories() -> tuple[str, ...]:
    """The 365 categories, in the order of their numbers: "airfield" is 0."""
    return tuple(name for name, _ in _table())


def scene_of_category(category: str) -> str | None:
    """Our scene for a category ("/b/beach" or "beach"), None where it says too little.

    Raises:
        GraticuleError: there is no such category.
    """
    found = dict(_table()).get(plain_category(category))
    if found is None:
        raise GraticuleError(
            f"{category!r}: not one of the 365 categories; see categories_places365.txt"
        )
    return found or None


def plain_category(name: str) -> str:
    """A category without its letter: "/b/bakery/shop" becomes "bakery/shop"."""
    name = name.strip().strip("'\"")
    return name[3:] if name[:1] == "/" and name[2:3] == "/" else name


@dataclass(frozen=True)
class Hierarchy:
    """Groups of the categories, as the makers' sheet has them.

    A category may be in several groups; as the field does, each is given an equal share.

    Attributes:
        shares16: category → share of each of the 16 groups.
        shares3: category → share of indoor, natural, urban.
    """

    shares16: Mapping[str, tuple[float, ...]]
    shares3: Mapping[str, tuple[float, ...]]

    def group16(self, category: str) -> str:
        """The group with the largest share, the first of equal ones."""
        shares = self.shares16[plain_category(category)]
        return GROUPS_16[shares.index(max(shares))][0]

    def group3(self, category: str) -> str:
        """Indoor, natural or urban, the first of equal ones."""
        shares = self.shares3[plain_category(category)]
        return GROUPS[shares.index(max(shares))]


def read_hierarchy(path: Path) -> Hierarchy:
    """Read the scene hierarchy as exported from the makers' sheet.

    Two lines of headings, then a line a category: its name, three columns of the first level and
    sixteen of the second, each 0 or 1.

    Raises:
        GraticuleError: it is another file, or a category is missing.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise GraticuleError(f"{path}: cannot be read as the scene hierarchy ({error})") from error
    shares3: dict[str, tuple[float, ...]] = {}
    shares16: dict[str, tuple[float, ...]] = {}
    known = set(categories())
    for number, line in enumerate(lines[2:], start=3):
        name = plain_category(line[0]) if line else ""
        if not name:
            continue
        flags = [cell.strip() for cell in line[1:20]]
        if name not in known or len(flags) != 19 or not set(flags) <= {"0", "1"}:
            raise GraticuleError(
                f"{path}: line {number} is not a category with 3 + 16 columns of 0 and 1; "
                "export the sheet that places2.csail.mit.edu links as 'scene hierarchy' as CSV"
            )
        shares3[name] = _shares(flags[:3])
        shares16[name] = _shares(flags[3:])
    missing = known - shares3.keys()
    if missing:
        raise GraticuleError(f"{path}: {len(missing)} categories are missing, as {min(missing)!r}")
    return Hierarchy(shares16, shares3)


def _shares(flags: list[str]) -> tuple[float, ...]:
    total = flags.count("1")
    return tuple((flag == "1") / total if total else 0.0 for flag in flags)


def rows(
    listing: Path,
    root: Path,
    photos: Path,
    hierarchy: Hierarchy | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """Rows of one of the official lists whose photo is there.

    Args:
        listing: ``places365_train_standard.txt`` and its like: a path and a number a line.
        root: the manifest's folder.
        photos: the folder that the list's paths start from.
        hierarchy: fills ``places16`` and ``places3``; without it ``places3`` follows our scene.
        limit: at most so many.

    Raises:
        ManifestError: a line is not of this form.
    """
    names, found = categories(), 0
    finder = Finder(root, photos)
    split = next((word for word in ("train", "val", "test") if word in listing.name), "")
    with listing.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            if limit is not None and found >= limit:
                return
            if not line.strip():
                continue
            name, _, label = line.strip().rpartition(" ")
            if not name and split == "test":
                name, label = label, ""
            if label and not (label.isdigit() and int(label) < len(names)):
                raise ManifestError(
                    f"{listing}: line {number}: {line.strip()[:60]!r} is not a path and a number "
                    "from 0 to 364"
                )
            path = finder.find(name.lstrip("/"))
            if path is None:
                continue
            found += 1
            yield {"path": path, "split": split, "source": ABOUT.name} | (
                _labels(names[int(label)], hierarchy) if label else {}
            )


def _labels(category: str, hierarchy: Hierarchy | None) -> dict[str, str]:
    scene = scene_of_category(category) or ""
    if hierarchy is None:
        return {"places365": category, "scene": scene, "places3": TO_GROUP.get(scene, "")}
    return {
        "places365": category,
        "scene": scene,
        "places16": hierarchy.group16(category),
        "places3": hierarchy.group3(category),
    }
