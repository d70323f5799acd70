"""A contest: the same photos for all, nothing trained twice, and what is refused."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("lightning")

from graticule.errors import GraticuleError, RecipeError
from graticule.evaluation.contest import judge
from graticule.evaluation.pixels import look
from graticule.evaluation.predictions import read_predictions
from graticule.photos import manifest as manifests
from graticule.training import run
from graticule.training.contest import hold, load_contest
from graticule.training.recipe import FOLDER
from made_photos import geotagged
from toy import make_photos


def contest(tmp_path: Path, **changes: object) -> Path:
    raw = {
        "name": "toy",
        "tested": "S6",
        "encoder": {"name": "tiny", "preprocess": {"size": 32, "resize": "squash"}},
        "splits": ["random"],
        "folds": 2,
        "common": ["phases=[{epochs: 1, learn: head}]", "optimizer=adam", "augment=none"],
        "systems": {
            "S5": {"recipe": "s5-clip-vit", "set": ["fuse=[]", "head={hidden: [16]}"]},
            "S6": {
                "recipe": "s6",
                "own_budget": True,
                "set": ["settings.choose=null", "phases.0.epochs=20", "settings.city_photos=5"],
            },
        },
        **changes,
    }
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


def test_every_photo_is_judged_once_by_models_that_did_not_see_it(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 40))
    wanted = load_contest(str(contest(tmp_path)))
    said: list[str] = []
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0, say=said.append))
    assert len(said) == 4
    for system in ("S5", "S6"):
        (files,) = held.tables["random", 1.0, system].values()
        paths = [path for file in files.values() for path in read_predictions(file).paths]
        assert sorted(paths) == sorted(table.column("path"))
    found = judge(wanted, held, replicates=20)["random"]
    assert [row.name for row in found.rows] == ["S5", "S6"]
    assert {pair.first for pair in found.pairs} == {"S6"}
    assert found.row("S6").cost is not None
    # What is there is not trained again.
    again: list[str] = []
    hold(wanted, table, tmp_path / "out", run.Options(workers=0, say=again.append))
    assert again == []


def test_a_contest_that_was_stopped_judges_what_is_whole(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 24))
    wanted = load_contest(str(contest(tmp_path)))
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0), until=lambda: True)
    assert judge(wanted, held, replicates=20) == {}
    asked = iter([False, False, False, True])  # a fold of both systems, and one more of the first
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0), until=lambda: next(asked))
    found = judge(wanted, held, replicates=20)["random"]
    assert 0 < found.photos < 24
    assert any("1 of 2 folds and 1 of 1 seeds" in note for note in found.notes)


def test_one_fold_alone_is_judged_and_more_can_be_added(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 24))
    said: list[str] = []
    options = run.Options(workers=0, say=said.append)
    one = load_contest(str(contest(tmp_path, judged=[1])))
    found = judge(one, hold(one, table, tmp_path / "out", options), replicates=20)["random"]
    assert len(said) == 2
    assert any("1 of 2 folds" in note for note in found.notes)
    whole = load_contest(str(contest(tmp_path)))
    every = judge(whole, hold(whole, table, tmp_path / "out", options), replicates=20)["random"]
    assert len(said) == 4  # the fold that was there is not trained again
    assert every.photos == 24 > found.photos


def test_a_changed_recipe_trains_that_system_again(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 24))
    said: list[str] = []
    options = run.Options(workers=0, say=said.append)
    first = load_contest(str(contest(tmp_path, judged=[0])))
    hold(first, table, tmp_path / "out", options)
    recipe = tmp_path / "own.yaml"
    recipe.write_text((FOLDER / "s5-clip-vit.yaml").read_text("utf-8"), encoding="utf-8")
    own = {"recipe": str(recipe), "set": ["fuse=[]", "head={hidden: [16]}"]}
    systems = {**first.model_dump(mode="json")["systems"], "S5": own}
    second = load_contest(str(contest(tmp_path, judged=[0], systems=systems)))
    hold(second, table, tmp_path / "out", options)
    recipe.write_text(recipe.read_text("utf-8").replace("momentum: 0.9", "momentum: 0.5"), "utf-8")
    before = len(said)
    hold(second, table, tmp_path / "out", options)
    assert len(said) == before + 1  # the other system's tables are still its own


def test_shares_of_the_photos_draw_a_curve(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 40))
    wanted = load_contest(str(contest(tmp_path, shares=[0.5, 1.0], seeds=[0, 1])))
    said: list[str] = []
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0, say=said.append))
    assert len(said) == 2 * 2 * 3  # systems, folds; the second seed draws no curve
    curve = judge(wanted, held, replicates=20)["random"].curves["country top-1"]["S6"]
    assert len(curve[0]) == 2
    assert curve[0][0] < curve[0][1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tested": "S9"}, "tested 'S9': one of S5, S6"),
        ({"splits": ["odd"]}, "splits"),
        ({"shares": [2.0]}, "shares lie in"),
        ({"sistems": {}}, "did you mean 'systems'"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        load_contest(str(contest(tmp_path, **change)))
    assert "\n" not in str(caught.value)


def test_a_comparison_that_is_not_there_is_said() -> None:
    with pytest.raises(RecipeError, match="no comparison 'compair'; there is compare"):
        load_contest("compair")


def test_the_comparison_that_ships_is_of_six_systems() -> None:
    wanted = load_contest("compare")
    for name in wanted.systems:
        assert wanted.recipe(name, "folds", 0).encoder.name == "bundled"
    assert list(wanted.systems) == ["S1", "S2", "S3", "S4", "S5", "S6"]
    assert wanted.recipe("S6", "random", 0).settings["choose"]["by"] == "groups"


def test_folds_need_a_column(tmp_path: Path) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 8))
    wanted = load_contest(str(contest(tmp_path, splits=["folds"])))
    with pytest.raises(GraticuleError, match="no column fold"):
        hold(wanted, table, tmp_path / "out", run.Options(workers=0))


def test_two_crops_of_a_group_are_never_apart(tmp_path: Path) -> None:
    from graticule.training.contest import Unit, _Photos

    make_photos(tmp_path / "p", 24)
    lines = (tmp_path / "p" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    grouped = [lines[0] + ",group", *(f"{line},g{i // 2}" for i, line in enumerate(lines[1:]))]
    (tmp_path / "p" / "g.csv").write_text("\n".join(grouped) + "\n", encoding="utf-8")
    table = manifests.read(tmp_path / "p" / "g.csv")
    photos = _Photos(table, table.latlon)
    folds = photos.folds("random", 3)
    assert (folds.reshape(-1, 2)[:, 0] == folds.reshape(-1, 2)[:, 1]).all()
    rows = photos.split(folds, Unit("S6", "random", 1.0, 0, 1))
    group = table.column("group")
    for one, other in ((rows.train, rows.test), (rows.validation, rows.test),
                       (rows.train, rows.validation)):  # fmt: skip
        assert not np.isin(group[one], group[other]).any()


def test_what_leaks_between_folds_is_said_and_left_out_beside(tmp_path: Path) -> None:
    path = make_photos(tmp_path / "p", 40)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for number, row in enumerate(rows):
        # One photographer took a quarter of them, and the folds part groups, not photographers.
        row["photographer"] = "everywhere" if number % 4 == 0 else f"p{number}"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    table = manifests.read(path)
    wanted = load_contest(str(contest(tmp_path)))
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0))
    found = judge(wanted, held, replicates=20)
    assert list(found) == ["random", "random, clean"]
    notes = "\n".join(found["random"].notes)
    assert "audit, same photographer: 10 photos" in notes
    assert "the photos were not looked at" in notes
    assert found["random"].photos == 40
    assert found["random, clean"].photos <= 30


def test_copies_between_folds_are_seen_and_places_in_files_are_not_held_against_ours(
    tmp_path: Path,
) -> None:
    table = manifests.read(make_photos(tmp_path / "p", 40))
    files = table.files()
    # In two groups, so that the split may part them; one pair lies in two folds.
    for one, other in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)):
        shutil.copy(files[one], files[other])
    files[20].write_bytes(geotagged(48, 2))
    wanted = load_contest(str(contest(tmp_path)))
    held = hold(wanted, table, tmp_path / "out", run.Options(workers=0))
    seen = look(files, len(table))
    found = judge(wanted, held, replicates=20, seen=seen)
    notes = "\n".join(found["random"].notes)
    assert "were not looked at" not in notes
    assert re.search(r"near-duplicate of training: [2468] photos: ", notes)
    assert "audit, place in metadata: 1 photo (not held against them)" in notes
    assert found["random, clean"].photos < 40
