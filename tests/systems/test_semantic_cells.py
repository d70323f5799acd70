"""S2's plan: what it asks to be trained, what it answers, and that no place leaks into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graticule import sphere
from graticule.errors import GraticuleError, RecipeError
from graticule.refine.prototypes import HOWS
from graticule.systems.place_labels import place_labels
from s2_plan import CELLS, TEST, TOWN, TOWNS, carried_out, rows

pytest.importorskip("sklearn")


def test_the_chain_asks_for_cells_with_attributes_and_for_groups() -> None:
    jobs, outcome = carried_out(rows(), groups={"alpha": 1.0, "borders": False})
    assert jobs[0].name == "cells"
    assert {"cells", "climate", "script", "landmark"} <= set(jobs[0].tasks)
    assert "road_side" not in jobs[0].tasks  # all of India drives on the left
    assert any("road_side left out" in note for note in outcome.notes)
    assert outcome.points is not None
    points = outcome.points(np.flatnonzero(TEST))
    assert (sphere.haversine(points, TOWNS[TOWN[TEST]]) < 5).all()


def test_coordinates_of_test_photos_change_no_answer() -> None:
    table = rows()
    moved = table.latlon.copy()
    moved[TEST] = np.random.default_rng(3).permutation(moved[TEST]) + 2.0
    gone = np.where(TEST[:, None], np.nan, table.latlon)
    wanted = np.flatnonzero(TEST)
    said = [carried_out(rows(latlon=places))[1] for places in (table.latlon, moved, gone)]
    for other in said[1:]:
        assert said[0].points is not None
        assert other.points is not None
        assert said[0].log_p is not None
        assert other.log_p is not None
        assert other.settings == said[0].settings
        np.testing.assert_array_equal(said[0].points(wanted), other.points(wanted))
        np.testing.assert_array_equal(said[0].log_p(wanted), other.log_p(wanted))


def test_every_step_can_be_left_out() -> None:
    jobs, outcome = carried_out(rows(), attributes=[], groups=None, top=None, refine=None)
    assert [list(job.tasks) for job in jobs] == [["cells"]]
    assert outcome.settings["refine"]["how"] == "mean"
    assert outcome.points is not None
    assert (sphere.haversine(outcome.points(np.flatnonzero(TEST)), TOWNS[TOWN[TEST]]) < 5).all()


STEPS: dict[str, dict[str, Any]] = {
    "A": {"cells": {"kind": "units"}},
    "B": {"attributes": []},
    "B fused": {"fuse": 0},
    "C": {"groups": None},
    "C mass": {"cells": CELLS | {"max": 8}, "groups": {"alpha": 0.5, "label_mass": 0.2}},
    "E": {"top": None},
    "E merged": {"top": {"k": 5, "merge_km": 75}},
    "F": {"groups": {"alpha": 0.5, "borders": False}},
    "G": {"refine": None},
    **{f"G {how}": {"refine": {"how": how}} for how in HOWS},
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_changed_alone(step: str) -> None:
    _, outcome = carried_out(rows(), **STEPS[step])
    assert outcome.points is not None
    found = sphere.haversine(outcome.points(np.flatnonzero(TEST)), TOWNS[TOWN[TEST]])
    # Districts are wide: their photos' mean is all that A0 has.
    assert (found < (50 if step == "A" else 5)).all()


def test_alike_cells_share_labels_in_a_second_network() -> None:
    cells = CELLS | {"max": 8}
    jobs, outcome = carried_out(rows(), cells=cells, groups={"alpha": 0.5, "label_mass": 0.3})
    assert [job.name for job in jobs] == ["cells-before", "groups", "cells"]
    assert [job.keep for job in jobs] == [False, True, True]
    assert jobs[0].tasks["cells"].alike is None
    task = jobs[-1].tasks["cells"]
    assert task.shared == 0.3
    assert task.alike is not None
    assert task.alike.tolist() == outcome.settings["over"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["semantic", "units"])
def test_cells_of_indias_districts(kind: str) -> None:
    _, outcome = carried_out(rows(), cells={"kind": kind, "min": 5, "max": 40})
    cells = outcome.partitions["cells"]
    assert cells.kind == {"semantic": "semantic", "units": "regions"}[kind]
    assert set(cells.parents["countries"]) == {"IN"}
    assert (cells.assign(TOWNS) >= 0).all()


def test_the_world_and_s2_cells_by_the_same_code() -> None:
    _, outcome = carried_out(rows(), region="", groups=None)
    assert outcome.partitions["cells"].kind == "s2"


def test_a_manifest_column_goes_before_the_atlas_where_it_is_filled() -> None:
    script = np.full(80, "", dtype="<U8")
    script[:10] = "Klingon"
    table = rows(columns={"script": script})
    told, _ = place_labels(table, np.ones(80, bool), ["script"])
    outcomes, target = told["script"]
    assert outcomes[target[0]] == "Klingon"
    assert outcomes[target[25]] == "Taml"


def test_photos_at_one_place_make_one_cell_and_it_is_said() -> None:
    jobs, _ = carried_out(rows(latlon=np.broadcast_to(TOWNS[0], (80, 2))), groups=None)
    assert len(jobs[0].tasks["cells"].outcomes) == 1  # the trainer names what is missing


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "FJ"}, "no training photo with coordinates in FJ"),
        ({"cells": {"kind": "hexagons"}}, "hexagons"),
        ({"cells": {"kind": "semantic", "size": 3}}, "unknown key 'settings.cells.size'"),
        ({"boundaries": "parishes", "cells": {"kind": "units"}}, "parishes"),
        ({"attributes": ["smell"]}, "smell"),
        ({"refine": {"how": "closest"}}, "closest"),
        ({"refine": {"hwo": "mean"}}, "hwo"),
        ({"groups": {"alfa": 1}}, "alfa"),
        ({"groups": {"label_mass": 1}}, "label_mass 1"),
    ],
)
def test_senseless_settings_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        carried_out(rows(), **changes)


def test_no_coordinates_at_all() -> None:
    with pytest.raises(RecipeError, match="no training photo"):
        carried_out(rows(latlon=np.full((80, 2), np.nan)))
