"""S2 on data that lacks something: districts, photos, columns, clusters. Answered or named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graticule import sphere
from graticule.errors import GraticuleError, RecipeError
from graticule.systems.place_labels import place_labels
from graticule.systems.plan import Outcome
from graticule.systems.semantic_cells import plan
from s2_plan import CELLS, SETTINGS, TEST, TOWN, TOWNS, carried_out, rows

pytest.importorskip("sklearn")

ASKED = np.flatnonzero(TEST)
SEMANTIC: dict[str, Any] = {"kind": "semantic", "min": 5, "max": 40}


def near(outcome: Outcome, km: float = 60.0) -> float:
    """The share of the test photos that lie within ``km`` of their town."""
    assert outcome.points is not None
    points = outcome.points(ASKED)
    assert np.isfinite(points).all()
    return float((sphere.haversine(points, TOWNS[TOWN[ASKED]]) < km).mean())


def test_districts_without_photos_are_no_cells_or_part_of_another() -> None:
    _, outcome = carried_out(rows(), cells={"kind": "units"}, groups=None)
    cells = outcome.partitions["cells"]
    assert len(cells) == 4
    assert (cells.counts > 0).all()
    assert near(outcome) == 1.0
    _, outcome = carried_out(rows(), cells=SEMANTIC, groups=None)
    cells = outcome.partitions["cells"]
    assert (cells.counts >= 5).all()
    # A place in a district without photos has a cell all the same.
    assert (cells.assign([(10.0, 76.3), (30.7, 76.8)]) >= 0).all()


def test_a_state_with_one_photo_joins_another() -> None:
    places = rows().latlon.copy()
    places[0] = (15.49, 73.83)  # Goa
    _, outcome = carried_out(rows(latlon=places), cells=SEMANTIC, groups=None)
    cells = outcome.partitions["cells"]
    assert (cells.counts >= 5).all()
    assert cells.assign([places[0]])[0] >= 0
    assert near(outcome) == 1.0


def test_without_metadata_columns_the_atlas_speaks() -> None:
    jobs, outcome = carried_out(rows(columns={}))
    assert {"climate", "script"} <= set(jobs[0].tasks)
    assert not {"landmark", "month"} & set(jobs[0].tasks)
    assert any("landmark left out" in note for note in outcome.notes)
    assert any("month left out" in note for note in outcome.notes)


def test_half_filled_columns_leave_the_rest_unknown_or_to_the_atlas() -> None:
    half = np.arange(80) % 2 == 0
    columns = {
        "captured_at": np.where(half, "2024-05-01T10:00:00", "soon"),
        "month": np.where(np.arange(80) < 8, "12", ""),
        "climate": np.where(half, "BSh", ""),
    }
    told, _ = place_labels(rows(columns=columns), np.ones(80, bool), ["month", "climate"])
    outcomes, month = told["month"]
    assert outcomes == ("05", "12")
    assert (month[half & (np.arange(80) >= 8)] == 0).all()
    assert (month[~half & (np.arange(80) >= 8)] == -1).all()
    assert (told["climate"][1] >= 0).all()  # where the column is empty, by the place


def test_a_script_that_no_training_photo_has_is_unknown() -> None:
    script = np.where(TEST, "Klingon", "Deva").astype("<U8")
    script[:10] = np.where(TEST[:10], "Klingon", "Latn")
    table = rows(columns={"script": script})
    told, _ = place_labels(table, np.ones(80, bool), ["script"])
    outcomes, target = told["script"]
    assert outcomes == ("Deva", "Latn")
    assert (target[TEST] == -1).all()
    _, outcome = carried_out(table)
    assert near(outcome) == 1.0


def test_k_larger_than_the_cells_takes_them_all() -> None:
    _, outcome = carried_out(rows(), top={"k": 500, "merge_km": 75}, groups=None)
    assert near(outcome) == 1.0


def test_no_photo_to_learn_from_in_the_region_is_named() -> None:
    with pytest.raises(RecipeError, match="no training photo with coordinates in FJ"):
        carried_out(rows(), region="FJ")


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(GraticuleError, match="k 0"):
        carried_out(rows(), top={"k": 0, "merge_km": 0})
    with pytest.raises(GraticuleError, match="merge_km -1"):
        carried_out(rows(), top={"k": 5, "merge_km": -1})
    with pytest.raises(GraticuleError, match="photos"):
        carried_out(rows(), cells=CELLS | {"kind": "semantic", "min": 9, "max": 3})


@pytest.mark.parametrize("few", [1, 0, -3])
def test_too_few_samples_of_optics_are_named_before_any_training(few: int) -> None:
    for step in ({"refine": {"min_samples": few}}, {"groups": {"min_samples": few}}):
        asked = plan(rows(), SETTINGS | step)
        with pytest.raises(RecipeError, match=rf"min_samples.*{few}") as caught:
            next(asked)
        assert "\n" not in str(caught.value)
