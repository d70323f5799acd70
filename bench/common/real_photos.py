"""The development photos in ../shared, as jobs of a recipe see them; absent for strangers."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graticule import sphere
from graticule.photos import manifest as manifests

# PyTorch takes a gigabyte: what only wants to know where results go must not load it.
if TYPE_CHECKING:
    from graticule.systems.plan import Rows
    from graticule.training.recipe import Recipe
    from graticule.training.trainer import Trainer

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("GRATICULE_SHARED", ROOT.parent / "shared"))
RESULTS = ROOT / "results"
#: Kept vectors and runs: large, and made again by running the program.
FEATURES = Path(os.environ.get("GRATICULE_FEATURES", ROOT / "features"))
FOLDS = 5
#: Landmarks this near each other are one sight: what shows one may show the other.
SIGHT_KM = 1.0
#: MobileNetV2's last inverted residual block and last convolution: what learns of it here, if any.
TOP_BLOCK = ["conv48", "conv49", "conv50", "conv51"]


def need_shared() -> None:
    """Leave, saying so, where the photos are not."""
    if not (SHARED / "photos" / "manifest.csv").is_file():
        print(f"{sys.argv[0]}: needs the development photos in ../shared, which are not here")
        sys.exit(0)


def trunk(name: str, *changes: str) -> list[str]:
    """``--set`` lines that put a trunk of ../shared, frozen, in the place of the recipe's."""
    files = {
        "mobilenetv2": "mobilenetv2_imagenet.safetensors",
        "resnet50v2_stage3": "resnet50v2_stages123_imagenet.safetensors",
    }
    value = f"{{name: {name}, weights: '{SHARED / 'weights' / files[name]}'}}"
    return [f"encoder={value}", *changes]


class Photos:
    """The manifest of ../shared, and ways to divide it."""

    def __init__(self) -> None:
        self.manifest = manifests.read(SHARED / "photos" / "manifest.csv")
        self.files = self.manifest.files()
        self.columns = {
            name: self.manifest.column(name)
            for name in self.manifest.columns
            if name not in {"lat", "lon"}
        }
        self.folder = np.array([path.split("/")[0] for path in self.columns["path"]])
        # One collection under many names counts as one source.
        self.columns["source"] = np.where(
            np.char.startswith(self.folder, "cities-"), "cities", self.folder
        )
        fold = self.columns["fold"]
        self.fold = np.where(fold == "", -1, np.where(fold == "", "0", fold).astype(int))

    def random_folds(self, rows: np.ndarray, seed: int) -> np.ndarray:
        """Five folds of ``rows`` at random, groups together, −1 elsewhere."""
        rng = np.random.default_rng(seed)
        group = np.where(self.columns["group"] == "", self.columns["path"], self.columns["group"])
        names, index = np.unique(group, return_inverse=True)
        drawn = rng.integers(0, FOLDS, len(names))[index]
        return np.where(rows, drawn, -1)

    def sights(self) -> np.ndarray:
        """What may not be on two sides of a split: sights as one that are near each other.

        The manifest has monuments under two names, and five within the walls of one garden. A
        photo without a landmark is of its group, "" where it has none.
        """
        name, latlon = self.columns["landmark"], self.manifest.latlon
        own = np.flatnonzero((name != "") & np.isfinite(latlon).all(axis=1))
        names, index = np.unique(name[own], return_inverse=True)
        places, spot = np.unique(latlon[own], axis=0, return_inverse=True)
        linked = sphere.distances(places, places) <= SIGHT_KM
        one = connected_components(linked)[1][spot.ravel()]
        pairs = coo_matrix((np.ones(len(own)), (index, one)), shape=(len(names), one.max() + 1))
        joined = connected_components(pairs @ pairs.T)[1][index]
        out = np.where(name != "", name, self.columns["group"]).astype(object)
        for number in np.unique(joined):
            same = own[joined == number]
            found, count = np.unique(name[same], return_counts=True)
            out[same] = str(found[count.argmax()])
        return out.astype(str)

    @staticmethod
    def folds_apart(names: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Five folds in which no name is on two sides; photos without a name stand alone."""
        rng = np.random.default_rng(0)
        own = np.where(names == "", np.char.add("#", np.arange(len(names)).astype(str)), names)
        _, index = np.unique(own, return_inverse=True)
        return np.where(rows, rng.integers(0, FOLDS, index.max() + 1)[index], -1)

    def rows(self, train: np.ndarray, test: np.ndarray, seed: int) -> Rows:
        """Rows with a tenth of the training photos set aside."""
        from graticule.systems.plan import Rows

        aside = train & (np.random.default_rng([seed, 5]).random(len(train)) < 0.1)
        return Rows(
            self.columns, self.manifest.latlon, train & ~aside, aside, test, "../shared/photos"
        )

    def trainer(
        self, recipe: Recipe, rows: Rows, folder: Path, kept: dict | None = None
    ) -> Trainer:
        """A trainer on the CPU, without checkpoints of earlier runs."""
        from graticule.training.trainer import Trainer

        return Trainer(
            recipe=recipe,
            rows=rows,
            files=self.files,
            folder=folder,
            features=FEATURES,
            key="bench",
            kept={} if kept is None else kept,
        )


def recipe(name: str, changes: list[str]) -> Recipe:
    """A recipe that ships, changed."""
    from graticule.training.recipe import load

    return load(name, changes)


def machine() -> str:
    """The machine in words, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, no accelerator"
