"""Recipes: what ships is sound, and what is wrong is named with the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from graticule.errors import RecipeError
from graticule.training import recipe as recipes
from toy import cities_recipe


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_every_recipe_that_ships_is_sound_and_says_what_it_is(name: str) -> None:
    found = recipes.load(name)
    assert found.name == name
    assert found.description


def test_s1_is_the_documents() -> None:
    s1 = recipes.load("s1")
    router, country = s1.network("router"), s1.network("countries")
    names = (router.encoder.name, country.encoder.name)
    assert [name.partition(".")[0] for name in names] == ["efficientnet_b0", "resnet50"]
    assert [p.epochs for p in router.phases] == [10, 40]
    assert [p.epochs for p in country.phases] == [10, 30]
    assert router.phases[1].learn == 0.3
    assert {p.learning_rate for p in (*router.phases, *country.phases)} == {1e-3}
    assert (s1.batch_size, country.head.dropout, s1.augment, s1.optimizer) == (
        32,
        0.5,
        "s1",
        "adam",
    )
    assert not router.cached


def test_the_baseline_of_s1_is_inception_v3_at_its_own_size() -> None:
    baseline = recipes.load("s1").network("baseline")
    assert baseline.start.name.partition(".")[0] == "inception_v3"
    assert (baseline.start.preprocess.size, baseline.start.normalise) == (299, "half")
    assert [p.epochs for p in baseline.phases] == [10, 30]


@pytest.mark.parametrize("name", ["s1", "s3"])
def test_published_weights_are_named_by_their_tag(name: str) -> None:
    timm = pytest.importorskip("timm")
    recipe = recipes.load(name)
    for network in (recipe.network("countries"), *map(recipe.network, recipe.networks)):
        assert network.encoder.name in timm.list_pretrained()


def test_s3_is_the_documents() -> None:
    s3 = recipes.load("s3").network("cities")
    assert s3.encoder.name.partition(".")[0] == "vgg16"
    assert (s3.head.hidden, s3.batch_size) == ((1024,), 15)
    assert (s3.stop.patience, s3.stop.keep) == (7, "best")
    assert s3.start.normalise == "unit"
    assert s3.cached


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phasis": []}, "unknown key 'phasis'; did you mean 'phases'"),
        ({"phases": [{"epoch": 3}]}, "phases.0.epoch'; did you mean 'epochs'"),
        ({"encoder": {"name": "tiny", "weight": "x"}}, "encoder.weight'; did you mean 'weights'"),
        ({"networks": {"cities": {"augmnt": "s1"}}}, "augmnt'; did you mean 'augment'"),
        ({"encodr": {"name": "tiny"}, "encoder": 1}, "'encodr'; did you mean 'encoder'"),
        ({"system": "ten_citys"}, "mine.yaml: no system 'ten_citys'; did you mean 'ten_cities'"),
        ({"system": "geoclip"}, "mine.yaml: system 'geoclip' has no plan"),
        ({"phases": [{"learn": "haed"}]}, "phases.0.learn 'haed': head or all"),
        ({"phases": [{"learn": 1.5}]}, "share lies in"),
        ({"batch_size": 0}, "batch_size"),
        ({"schema_version": 99}, "newer than this graticule"),
        ({"augment": "s9"}, "no augmentation 's9'"),
        ({"features": "always", "augment": "s1"}, "no random augmentation"),
        ({"features": "maps", "augment": "s1"}, "maps takes no random augmentation"),
        ({"views": ["", "flip"]}, "views: only with kept"),
        ({"encoder": {"name": "bundled"}}, "cannot learn"),
    ],
)
def test_what_is_wrong_is_one_line(change: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        recipes.parse(cities_recipe(**change), "mine.yaml")
    assert "\n" not in str(caught.value)


def test_set_reaches_lists_and_makes_tables() -> None:
    found = recipes.load(
        "s1", ["phases.0.epochs=2", "networks.router.phases.1.learn=0.5", "settings.routing=soft"]
    )
    assert found.network("countries").phases[0].epochs == 2
    assert found.network("router").phases[1].learn == 0.5
    assert found.settings["routing"] == "soft"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("phases.0.epochs", "KEY=VALUE"),
        ("phases.7.epochs=1", "is not one of"),
        ("phases.0.epochs=[", "not a YAML value"),
        ("phases.0.epochs.x=1", "nothing below|single value"),
        ("stops.0.patience=1", "no list 'stops'"),
        ("phases.0.epocs=1", "did you mean 'epochs'"),
    ],
)
def test_a_wrong_set_is_named(change: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipes.load("s3", [change])


def test_files_and_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(cities_recipe()), encoding="utf-8")
    assert recipes.load(str(file)).name == "toy"
    with pytest.raises(RecipeError, match="did you mean 's3'"):
        recipes.load("s33")
    with pytest.raises(RecipeError, match="'qqqq'; there are cities, contrastive, "):
        recipes.load("qqqq")
    with pytest.raises(RecipeError, match="no such recipe"):
        recipes.load(str(tmp_path / "gone.yaml"))
    file.write_text("a: [", encoding="utf-8")
    with pytest.raises(RecipeError, match="not readable as YAML"):
        recipes.load(str(file))
    file.write_text("!!python/object/apply:os.system ['true']", encoding="utf-8")
    with pytest.raises(RecipeError, match="not readable as YAML"):
        recipes.load(str(file))


def test_a_network_changes_only_what_it_says() -> None:
    found = recipes.parse(
        cities_recipe(networks={"cities": {"encoder": {"pooling": "max"}, "batch_size": 3}}), "x"
    )
    cities, other = found.network("cities"), found.network("other")
    assert (cities.encoder.name, cities.encoder.pooling, cities.batch_size) == ("tiny", "max", 3)
    assert (other.encoder.pooling, other.batch_size) == ("avg", 8)
