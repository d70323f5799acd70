"""The taxonomy of scenes: the four of S1 with indoor, and the 365 → 16 → 3 of Places365.

The four scenes route S1's country classifiers; the three groups are S4's scene task. A photo's
``scene`` column in a manifest holds one of these names, or one of a vocabulary it declares.
"""

from __future__ import annotations

from typing import Final

#: S1's four scenes, in the order its router puts them.
S1_SCENES: Final = ("city", "nature", "coast", "industrial")
#: What the bundled model tells apart: S1's four, and indoor, where nothing outside is seen.
SCENES: Final = (*S1_SCENES, "indoor")
#: S4's three groups of Places365.
GROUPS: Final = ("indoor", "natural", "urban")

#: Names used by public scene collections, mapped onto :data:`SCENES`.
TO_SCENE: Final = {
    "buildings": "city",
    "street": "city",
    "insidecity": "city",
    "tallbuilding": "city",
    "suburb": "city",
    "highway": "city",
    "forest": "nature",
    "glacier": "nature",
    "mountain": "nature",
    "opencountry": "nature",
    "sea": "coast",
    "coast": "coast",
    "industrial": "industrial",
    "bedroom": "indoor",
    "kitchen": "indoor",
    "livingroom": "indoor",
    "office": "indoor",
    "store": "indoor",
    "indoor": "indoor",
    "city": "city",
    "nature": "nature",
}

#: The group of S4 that each of :data:`SCENES` belongs to.
TO_GROUP: Final = {
    "city": "urban",
    "industrial": "urban",
    "nature": "natural",
    "coast": "natural",
    "indoor": "indoor",
}


def scene_of(label: str) -> str | None:
    """The scene of :data:`SCENES` that a collection's label means, or None where it means none."""
    return TO_SCENE.get(label.strip().lower().replace(" ", "").replace("_", ""))
