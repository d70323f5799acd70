"""One recipe by two splits of the same photos: two bundles, one cache, one table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

pytest.importorskip("lightning")

from graticule import files
from graticule.errors import GraticuleError, ManifestError, RecipeError
from graticule.systems.bundle import Bundle
from graticule.training import beside, run
from graticule.training import recipe as recipes
from toy import cities_recipe, make_photos

CPU = run.Options(device="cpu", workers=0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy's photos with a second split, in which the first half is held out."""
    table = make_photos(tmp_path_factory.mktemp("p"), 24)
    with table.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for i, row in enumerate(rows):
        row["split_photographer"] = "test" if i < 6 else "val" if i < 12 else "train"
        row["split_none"] = "train"
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table


def wanted(**changes: object) -> recipes.Recipe:
    return recipes.parse(cities_recipe(**changes), "toy.yaml")


def test_each_split_has_a_bundle_and_all_one_table(photos: Path, tmp_path: Path) -> None:
    out, columns = tmp_path / "b", ["split_random", "split_photographer"]
    recipe = wanted(phases=[{"epochs": 1}])
    text = beside.train(recipe, [photos], out, columns, CPU)
    first, second = Bundle(out), Bundle(tmp_path / "b-split_photographer")
    made = [bundle.manifest.recipe["data"]["split"] for bundle in (first, second)]
    assert made == columns
    home = tmp_path / "b.run"
    assert (home / "splits.md").read_text(encoding="utf-8") == text
    found = files.read_json(home / "splits.json")
    assert [found[column]["photos"] for column in columns] == [2, 6]
    assert "(6)" in text
    # The encoder ran once over the photos.
    assert len(list((home / "features").iterdir())) == 1
    assert not (tmp_path / "b-split_photographer.run" / "features").exists()


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        (["split_random", "split_place"], ManifestError, "split_place"),
        (["split_random", "split_none"], RecipeError, "'split_none' holds no photo out"),
        (["split_random", "split_random"], RecipeError, "each column once"),
    ],
)
def test_what_is_wrong_with_any_split_is_said_before_training(
    photos: Path, tmp_path: Path, columns: list[str], error: type[GraticuleError], words: str
) -> None:
    recipe = wanted(data={"validation": 0})
    with pytest.raises(error, match=words):
        beside.train(recipe, [photos], tmp_path / "b", columns, CPU)
    assert list(tmp_path.iterdir()) == []


def test_other_systems_are_not_compared(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="s1: --split is compared for systems of cities"):
        beside.train(recipes.load("s1"), [photos], tmp_path / "b", ["a", "b"], CPU)
