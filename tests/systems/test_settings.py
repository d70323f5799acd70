"""Settings of a recipe: bad ones are one line that names key, value and mend; good ones load."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import Field, ValidationError

from graticule.errors import RecipeError
from graticule.photos.scene_names import VOCABULARIES
from graticule.systems.registry import SYSTEMS, find_settings
from graticule.systems.settings import Part, SystemSettings, first_words
from graticule.training import recipe as recipes

#: Tables whose keys are the user's: countries, folders.
OWN = {"arrivals", "every"}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("s1", "routng=soft", "unknown key 'settings.routng'; did you mean 'routing'"),
        ("s1", "routing=sotf", "settings.routing 'sotf': hard or soft; did you mean 'soft'"),
        ("s1", "min_sahre=0.9", "did you mean 'min_share'"),
        ("s1", "min_share=abc", "settings.min_share 'abc': should be a number"),
        ("s1", "min_share=7", "settings.min_share 7: should be less than or equal to 1"),
        ("s1", "scenes=4", "settings.scenes 4: should be a list"),
        ("s1", "scenes=[city]", "settings.scenes .*two scenes or more"),
        ("s1", "scenes=[city, costa]", "settings.scenes.1 'costa': .*did you mean 'coast'"),
        ("s1", "floor=0.5", "settings.floor 0.5"),
        ("s2-india", "fuse=abc", "settings.fuse 'abc': should be a number"),
        ("s2-india", "fuse=-1", "settings.fuse -1"),
        ("s2-india", "attribute_loss=-2", "settings.attribute_loss -2"),
        ("s2-india", "top=5", "settings.top 5: is no table of keys; known are k, merge_km"),
        ("s2-india", "top.k=five", "settings.top.k 'five': should be a whole number"),
        ("s2-india", "top.merge=75", "settings.top.merge'; did you mean 'merge_km'"),
        ("s2-india", "cells=semantic", "settings.cells 'semantic': is no table"),
        ("s2-india", "cells.min=abc", "settings.cells.min 'abc'"),
        ("s2-india", "cells.rounds=[[8]]", "settings.cells.rounds.0.1: is missing"),
        ("s2-india", "cells={kind: s2, mni: 4}", "settings.cells.mni'; did you mean 'min'"),
        ("s2-india", "cells={kind: units, mni: 4}", "settings.cells.mni'"),
        ("s2-india", "groups=[1]", r"settings.groups \[1\]: is no table"),
        ("s2-india", "refin={how: mean}", "settings.refin'; did you mean 'refine'"),
        ("s2-india", "refine.min_samples=1", "settings.refine.min_samples 1: .* equal to 2"),
        ("s2-india", "region=India", "settings.region 'India': use IN$"),
        ("s2-india", "region=in", "settings.region 'in': use IN$"),
        ("s2-india", "region=IND", "settings.region 'IND': use IN$"),
        ("s2-india", "region=QQ", "settings.region 'QQ': no country's code"),
        ("s2-india", "region=NO", "settings.region False: should be text, in quotes"),
        ("s2-india", "boundaries=distrcts", "'distrcts': .*did you mean 'districts'"),
        ("s3", "min_photos=0", "settings.min_photos 0"),
        ("s3", "radius=3", "did you mean 'radius_km'"),
        ("s4", "decode=fin", r"settings.decode 'fin': f\* or one of coarse, middle, fine"),
        ("s4", "cells.0.mxa=4", "settings.cells.0.mxa'; did you mean 'max'"),
        ("s4", "cells.1.name=coarse", "settings.cells: names coarse, coarse, fine"),
        ("s4", "batch_share=1", "settings.batch_share 1: should be less than 1"),
        ("s4", "label_share=2", "settings.label_share 2"),
        ("s4", "levels=[2, 31]", "settings.levels.1 31"),
        ("isn", "scenes=none", "settings.routing 'hard': routing needs scenes"),
        ("s5-clip-vit", "center=mid", "settings.center 'mid': polygon or photos"),
        ("s6", "choose.memory=[{wieght: 1}]", "choose.memory.0.wieght'; did you mean 'weight'"),
        ("s6", "choose.smoth_km=[1]", "did you mean 'smooth_km'"),
        ("s6", "choose.power=[]", "settings.choose.power"),
        ("s6", "memory.weight=1", "settings.memory.weight 1: should be less than 1"),
        ("s6", "center=middle", "settings.center 'middle': polygon, people or photos"),
        ("scenes", "scenes=places356", "did you mean 'places365'"),
        ("contrastive", "keep=2", "settings.keep 2"),
        ("contrastive", "levels=[cities, countries]", "in this order"),
        ("mini", "probe.itterations=3", "settings.probe.itterations'; did you mean 'iterations'"),
    ],
)
def test_a_bad_setting_is_one_line(name: str, change: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        recipes.load(name, [f"settings.{change}"])
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{recipes.recipe_path(name)}: ")


def test_a_network_that_the_system_does_not_train_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'networks\.routr'; did you mean 'router'"):
        recipes.load("s1", ["networks.routr.batch_size=4"])
    with pytest.raises(RecipeError, match=r"s1\.yaml: unknown key 'networks.router.batch_sise'"):
        recipes.load("s1", ["networks.router.batch_sise=4"])


def keys(table: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key of a recipe that the user does not make up."""
    if isinstance(table, list):
        for number, item in enumerate(table):
            yield from keys(item, (*path, number))
    elif isinstance(table, dict):
        for key, value in table.items():
            yield (*path, key)
            if key not in OWN:
                yield from keys(value, (*path, key))


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_every_key_that_ships_is_known_and_its_misspelling_names_it(name: str) -> None:
    raw = yaml.safe_load(recipes.recipe_path(name).read_text(encoding="utf-8"))
    for *way, key in keys(raw):
        wrong = copy.deepcopy(raw)
        table = wrong
        for step in way:
            table = table[step]
        table[key + key[-1]] = table.pop(key)
        with pytest.raises(RecipeError, match=f"did you mean '{key}'"):
            recipes.parse(wrong, name)


def test_every_system_that_recipes_train_declares_settings_and_networks() -> None:
    for name in recipes.list_recipes():
        system = recipes.load(name).system
        assert system in SYSTEMS
        model = find_settings(system)
        assert issubclass(model, SystemSettings)
        assert model.NETWORKS
        model.of({})  # whatever is not said has a value


def test_steps_that_are_null_are_left_out() -> None:
    from graticule.systems.semantic_settings import Settings

    found = Settings.of({"cells": None, "attributes": None, "top": None, "refine": None})
    assert (found.cells.kind, found.attributes, found.top.k) == ("semantic", (), 1)
    assert (found.refine.how, found.groups) == ("mean", None)


def test_vocabularies_of_scenes_are_those_that_there_are() -> None:
    for vocabulary in VOCABULARIES:
        assert recipes.load("scenes", [f"settings.scenes={vocabulary}"])
        assert recipes.load("s4", [f"settings.scenes={vocabulary}"])


class _Inner(Part):
    size: int = 1


class _Outer(SystemSettings):
    name: str
    inner: dict[str, tuple[_Inner, ...]] = Field(default_factory=dict)


def test_a_misspelt_key_goes_before_the_one_it_leaves_missing() -> None:
    with pytest.raises(RecipeError, match=r"^unknown key 'settings.nmae'; did you mean 'name'\?$"):
        _Outer.of({"nmae": "x"})
    with pytest.raises(RecipeError, match=r"^mine: settings.name: is missing$"):
        _Outer.of({}, "mine")
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate({"name": "x", "inner": {"a": [{"sise": 2}]}})
    said = first_words("mine", caught.value, _Outer)
    assert said == "mine: unknown key 'inner.a.0.sise'; did you mean 'size'?"
