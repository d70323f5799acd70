"""Captions: what they say, what they leave out, and that nothing but the place decides it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import atlas
from graticule.atlas.captions import EXTRAS, LEVELS
from graticule.errors import GraticuleError

AGRA, POLE, OCEAN = (27.17, 78.04), (-85.0, 10.0), (0.0, -140.0)
points = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=12)


def test_a_place_in_words() -> None:
    found = atlas.captions([AGRA])
    assert found.draw(keep=0)[0] == "A photo taken near Agra in Uttar Pradesh, India."
    assert found.draw(keep=0, level=1)[0] == "A photo taken in Uttar Pradesh, India."
    assert found.draw(keep=0, level=2)[0] == "A photo taken in India."
    assert found.draw(keep=1)[0] == (
        "A photo taken near Agra in Uttar Pradesh, India. Climate: hot steppe. "
        "People drive on the left side of the road. Signs are written in the Devanagari script."
    )


def test_places_without_a_town_a_region_or_a_country() -> None:
    said = atlas.captions([POLE, OCEAN, (np.nan, 3.0)]).draw(keep=0)
    assert said.tolist() == ["A photo taken in Antarctica.", "A photo taken at sea.", ""]
    near = atlas.captions([(20.0, 68.5)]).draw(keep=0)[0]
    assert near.startswith("A photo taken at sea near ")


def test_hindi_has_the_names_the_atlas_has_and_says_where_not() -> None:
    found = atlas.captions([AGRA, (43.30, 5.37), OCEAN], language="hi")
    assert found.draw(keep=0)[0] == "भारत के उत्तर प्रदेश में आगरा के पास ली गई तस्वीर।"
    assert "France" in found.draw(keep=0)[1]
    assert found.translated.tolist() == [True, False, True]
    assert "देवनागरी" in found.draw(keep=1)[0]


def test_names_of_the_manifest_stand_in_for_coordinates() -> None:
    columns = {"country": np.array(["IN", "", "IN"]), "city": np.array(["Hampi", "Hampi", ""])}
    said = atlas.captions([[np.nan, np.nan]] * 3, columns=columns).draw(keep=1)
    assert said.tolist() == ["A photo taken near Hampi in India.", "", "A photo taken in India."]


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(GraticuleError, match="captions in 'xx': there are en, hi"):
        atlas.captions([AGRA], language="xx")


@settings(deadline=None, max_examples=40)
@given(points, st.integers(0, 5), st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_caption_depends_on_its_own_place_alone(
    where: list[tuple[float, float]], seed: int, epoch: int, random: object
) -> None:
    order = np.random.default_rng(seed).permutation(len(where))
    whole = atlas.captions(where).draw(seed=seed, epoch=epoch)
    turned = atlas.captions([where[i] for i in order]).draw(seed=seed, epoch=epoch)
    assert whole[order].tolist() == turned.tolist()
    alone = atlas.captions([where[0]]).draw(seed=seed, epoch=epoch)
    assert alone[0] == whole[0]


@settings(deadline=None, max_examples=40)
@given(points, st.sampled_from(["en", "hi"]), st.integers(0, 9))
def test_captions_lie_between_the_shortest_and_the_longest(
    where: list[tuple[float, float]], language: str, epoch: int
) -> None:
    found = atlas.captions(where, language=language)
    for level in range(len(LEVELS)):
        least, most = found.draw(level=level, keep=0), found.draw(level=level, keep=1)
        drawn = found.draw(level=level, epoch=epoch)
        for shortest, text, longest in zip(least, drawn, most, strict=True):
            assert text.startswith(shortest)
            assert len(shortest) <= len(text) <= len(longest)
            assert "{" not in longest
            assert "  " not in longest
    assert found.known.all()
    assert found.extras.shape == (len(where), len(EXTRAS))


def test_sentences_are_left_out_as_often_as_asked_and_anew_each_epoch() -> None:
    found = atlas.captions(atlas.sample_land(4000, 0))
    land = found.extras[:, 1] != ""
    kept = ["People drive" in text for text in found.draw(keep=0.3)[land]]
    assert abs(np.mean(kept) - 0.3) < 0.03
    assert (found.draw(epoch=1) != found.draw(epoch=2)).mean() > 0.4


def test_every_script_and_zone_of_the_atlas_has_its_words() -> None:
    from graticule.atlas.climate import ZONE_NAMES
    from graticule.atlas.wordings import WORDINGS

    scripts = {script for code in atlas.country_codes() for script in atlas.scripts_of(code)}
    for wording in WORDINGS.values():
        assert scripts <= set(wording.scripts)
        if wording.climates is not None:
            assert {zone[0] for zone in ZONE_NAMES} <= set(wording.climates)
