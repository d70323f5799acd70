"""Names of scenes: any collection's becomes a number of one vocabulary, an unknown one an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import ManifestError
from graticule.photos import scene_names
from graticule.photos.scene_names import PLACES16, VOCABULARIES, coarser, labelled
from graticule.scenes import GROUPS, SCENES


@pytest.mark.parametrize(
    ("label", "group", "scene"),
    [
        ("street", "urban", "city"),
        ("coast", "natural", "coast"),
        ("kitchen", "indoor", "indoor"),
        ("natural", "natural", None),
        ("/b/beach", "natural", "coast"),
        ("Living Room", "indoor", "indoor"),
        ("water, ice, snow", "natural", None),
        ("airfield", None, None),
        ("moon", None, None),
    ],
)
def test_a_name_means_the_same_in_every_vocabulary(
    label: str, group: str | None, scene: str | None
) -> None:
    for vocabulary, names, wanted in (("groups", GROUPS, group), ("s1", SCENES, scene)):
        number = scene_names.number(label, vocabulary)
        assert (names[number] if number >= 0 else None) == wanted


@given(st.sampled_from(sorted(set(VOCABULARIES) - {"column"})), st.data())
def test_every_vocabulary_knows_its_own_names(vocabulary: str, data: st.DataObject) -> None:
    names = VOCABULARIES[vocabulary]
    number = data.draw(st.integers(0, len(names) - 1))
    assert scene_names.number(names[number], vocabulary) == number
    assert scene_names.number(names[number].upper().replace("_", " "), vocabulary) == number
    scene_names.check([names[number]], "here")


@pytest.mark.parametrize(
    ("label", "near"), [("citty", "city"), ("beech", "beach"), ("mountian", "mountain")]
)
def test_an_unknown_name_is_one_line_with_the_nearest(label: str, near: str) -> None:
    with pytest.raises(ManifestError, match=rf"m\.csv: scene '{label}'.*'{near}'") as caught:
        labelled({"scene": np.array(["city", label, ""])}, "groups", "m.csv")
    assert "\n" not in str(caught.value)


def test_the_vocabularys_own_column_goes_first_and_people_before_networks() -> None:
    columns = {
        "scene": np.array(["street", "forest", "", "beach"]),
        "places3": np.array(["", "urban", "", "natural"]),
        "places3_p": np.array(["", "", "", "0.75"]),
    }
    found = labelled(columns, "places3", "m.csv")
    assert [GROUPS[i] if i >= 0 else "" for i in found.target] == ["urban", "urban", "", "natural"]
    np.testing.assert_array_equal(found.by_hand, [True, True, False, False])
    assert found.p[3] == 0.75


def test_names_of_your_own() -> None:
    found = labelled({"scene": np.array(["lava tube", "", "skate park"])}, "column", "m.csv")
    assert found.names == ("lava tube", "skate park")
    assert found.target.tolist() == [0, -1, 1]


def test_365_sum_into_16_and_3_as_the_sheet_in_the_manifest_says() -> None:
    columns = {
        "places365": np.array(["beach", "airfield", ""]),
        "places16": np.array(["water, ice, snow", "transportation", ""]),
        "places3": np.array(["natural", "urban", ""]),
    }
    levels = coarser("places365", columns)
    names = VOCABULARIES["places365"]
    sixteen, of16 = levels["places16"]
    assert sixteen == PLACES16
    assert PLACES16[of16[names.index("beach")]] == "water, ice, snow"
    assert of16[names.index("bedroom")] == -1  # the manifest does not say
    three, of3 = levels["places3"]
    assert three[of3[names.index("airfield")]] == "urban"
    assert three[of3[names.index("bedroom")]] == "indoor"  # from our own table
    # Without a sheet there are no 16, and the three follow our table.
    assert set(coarser("places365")) == {"places3"}
    assert (coarser("places16")["places3"][1] >= 0).all()
    assert coarser("groups") == {}
