"""``graticule scenes``: a helper is trained, labels photos, and both tables train one network."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graticule.cli.app import app
from graticule.errors import BundleError, ManifestError, RecipeError
from graticule.photos import manifest as manifests
from graticule.photos.scene_names import check
from graticule.scenes import SCENES
from toy import make_photos

RUNNER = CliRunner()
TINY = "encoder={name: tiny, preprocess: {size: 32, resize: squash}}"
FAST = ["--set", TINY, "--set", "augment=none", "--set", "batch_size=8", "--workers", "0",
        "--device", "cpu"]  # fmt: skip
#: The toy's four scenes as categories of Places365, with the groups of the makers' sheet.
PLACES = {
    "city": ("street", "commercial buildings, markets, cities", "urban"),
    "nature": ("valley", "mountains, hills, desert, sky", "natural"),
    "coast": ("beach", "water, ice, snow", "natural"),
    "industrial": ("bedroom", "home or hotel", "indoor"),
}


def rewrite(table: Path, out: str, change: object) -> Path:
    """A manifest beside another, with each row changed; columns are those of the first row."""
    with table.open(encoding="utf-8", newline="") as handle:
        rows = [change(i, row) for i, row in enumerate(csv.DictReader(handle))]  # type: ignore[operator]
    with (table.parent / out).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table.parent / out


def places_row(_: int, row: dict[str, str]) -> dict[str, str]:
    fine, sixteen, three = PLACES[row["scene"]]
    return {"path": row["path"], "scene": row["scene"], "places365": fine, "places16": sixteen,
            "places3": three, "split_random": row["split_random"]}  # fmt: skip


def places_only(_: int, row: dict[str, str]) -> dict[str, str]:
    return row | {"scene": ""}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def helper(photos: Path) -> Path:
    """A bundle of Places' 365 scenes."""
    pytest.importorskip("lightning")
    table = rewrite(photos, "places.csv", places_row)
    out = photos.parent.parent / "helper"
    phases = "phases=[{epochs: 12, learn: all, learning_rate: 0.003}]"
    done = RUNNER.invoke(
        app,
        ["scenes", "train", str(table), "-o", str(out), *FAST, "--set", phases,
         "--set", "optimizer=adam"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.parametrize("command", ["show", "train", "label"])
def test_every_help_has_an_example(command: str) -> None:
    found = RUNNER.invoke(app, ["scenes", command, "--help"])
    assert found.exit_code == 0
    assert "Example" in found.output


def test_a_grid_trains_no_helper(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    args = ["scenes", "train", str(photos), "-o", str(tmp_path / "b"), "--recipe", "s5-grid"]
    said = RUNNER.invoke(app, args)
    assert isinstance(said.exception, RecipeError)


def test_show_names_365_16_and_3(helper: Path, photos: Path) -> None:
    photo = str(photos.parent / "000.png")
    said = RUNNER.invoke(app, ["scenes", "show", photo, "-m", str(helper), "-f", "json"])
    assert said.exit_code == 0, said.output
    row = json.loads(said.output)
    assert len(row["probabilities"]) == 365
    assert len(row["places16"]["probabilities"]) == 16
    assert set(row["places3"]["probabilities"]) == {"indoor", "natural", "urban"}
    for part in (row, row["places16"], row["places3"]):
        assert sum(part["probabilities"].values()) == pytest.approx(1, abs=0.02)
        assert next(iter(part["probabilities"])) == part["name"]
    table = RUNNER.invoke(app, ["scenes", "show", photo, "-m", str(helper)]).output
    assert table.count("·") == 2
    lines = RUNNER.invoke(app, ["scenes", "show", photo, "-m", str(helper), "-f", "csv"]).output
    header, line = csv.reader(lines.splitlines())
    assert header[:4] == ["photo", "scene", "places16", "places3"]
    assert len(line) == len(header) == 4 + 365


def test_show_of_the_model_that_ships(photos: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    good = str(photos.parent / "001.png")
    said = RUNNER.invoke(app, ["scenes", "show", str(broken), good, "-f", "json"])
    assert said.exit_code == 1
    row = json.loads(next(line for line in said.output.splitlines() if line.startswith("{")))
    assert set(row["probabilities"]) == set(SCENES)
    assert "broken.jpg" in said.output
    wrong = RUNNER.invoke(app, ["scenes", "show", good, "-f", "xml"])
    assert "table, json or csv" in str(wrong.exception)


def test_a_model_of_scenes_locates_nothing_and_says_so(helper: Path, photos: Path) -> None:
    said = RUNNER.invoke(app, ["locate", str(photos.parent / "000.png"), "--model", str(helper)])
    assert isinstance(said.exception, BundleError)
    assert "scenes and no places" in str(said.exception)
    card = (helper / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "It tells scenes and no places: 365 of places365." in card
    assert "| places16 | 16 |" in (helper / "report.md").read_text(encoding="utf-8")


def test_label_writes_scenes_and_how_sure_they_are(helper: Path, photos: Path) -> None:
    def two_have_one(i: int, row: dict[str, str]) -> dict[str, str]:
        return row | {"scene": "coast" if i < 2 else ""}

    table = rewrite(photos, "places-known.csv", two_have_one)
    out = table.with_name("labelled.csv")
    done = RUNNER.invoke(app, ["scenes", "label", str(table), "-m", str(helper), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "46 photos labelled, 2 had a scene, of 48" in done.output
    found = manifests.read(out)
    truth = manifests.read(photos).column("scene")
    assert found.column("scene")[:2].tolist() == ["coast", "coast"]
    assert found.column("scene_p")[:2].tolist() == ["", ""]
    p = found.numbers("scene_p")[2:]
    assert ((p > 0) & (p <= 1)).all()
    wanted = [PLACES[scene][0] for scene in truth[2:]]
    assert (found.column("scene")[2:] == wanted).mean() > 0.8
    three = [PLACES[scene][2] for scene in truth[2:]]
    assert (found.column("places3")[2:] == three).mean() > 0.8
    assert (found.numbers("places3_p")[2:] >= p - 1e-3).all()
    # Everything else is as it was, and it passes the check.
    assert found.column("lat").tolist() == manifests.read(table).column("lat").tolist()
    checked = RUNNER.invoke(app, ["data", "check", str(out)])
    assert checked.exit_code == 0, checked.output
    assert not out.with_name("labelled.csv.labels").exists()


def test_label_goes_on_where_it_was_cut_off(
    helper: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graticule.locate.scenes import SceneReader, label

    opened = manifests.read(rewrite(photos, "cut.csv", places_only))
    reader = SceneReader(helper)
    whole = opened.path.with_name("whole.csv")
    label(opened, reader, whole)
    out = opened.path.with_name("again.csv")
    read = SceneReader.read

    def cut(self: SceneReader, *args: object, **kwargs: object) -> object:
        for i, seen in enumerate(read(self, *args, **kwargs)):  # type: ignore[arg-type]
            if i == 20:
                raise KeyboardInterrupt
            yield seen

    monkeypatch.setattr(SceneReader, "read", cut)
    with pytest.raises(KeyboardInterrupt):
        label(opened, reader, out)
    assert not out.exists()
    journal = out.with_name("again.csv.labels")
    with journal.open("a", encoding="utf-8") as handle:
        handle.write('{"photo": "half a li')
    monkeypatch.setattr(SceneReader, "read", read)
    done = label(opened, reader, out)
    assert done.resumed == 20
    assert out.read_bytes() == whole.read_bytes()
    assert not journal.exists()


def test_labels_of_another_model_are_not_taken_over(helper: Path, photos: Path) -> None:
    from graticule.locate.scenes import SceneReader, label

    opened = manifests.read(rewrite(photos, "other.csv", places_only))
    out = opened.path.with_name("other-out.csv")
    journal = out.with_name("other-out.csv.labels")
    journal.write_text('{"model": "another"}\n{"photo": "x", "levels": {}}\n', encoding="utf-8")
    assert label(opened, SceneReader(helper), out).resumed == 0
    journal.write_text("shopping list\n", encoding="utf-8")
    from graticule.errors import GraticuleError

    with pytest.raises(GraticuleError, match=r"other-out\.csv\.labels.*remove it"):
        label(opened, SceneReader(helper), out)


def test_a_broken_photo_is_named_and_the_rest_labelled(helper: Path, tmp_path: Path) -> None:
    table = rewrite(make_photos(tmp_path, 6), "open.csv", places_only)
    (tmp_path / "002.png").write_bytes(b"no photo")
    out = tmp_path / "out.csv"
    done = RUNNER.invoke(app, ["scenes", "label", str(table), "-m", str(helper), "-o", str(out)])
    assert done.exit_code == 1
    assert "002.png" in done.output
    assert (manifests.read(out).column("scene") != "").tolist() == [True] * 2 + [False] + [True] * 3
    elsewhere = RUNNER.invoke(app, ["scenes", "label", str(table), "-o", "/tmp/elsewhere.csv"])
    assert isinstance(elsewhere.exception, ManifestError)


def test_unknown_names_of_scenes_name_the_nearest(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")

    def misspelt(i: int, row: dict[str, str]) -> dict[str, str]:
        return row | {"scene": "indutrial" if i == 5 else row["scene"]}

    table = rewrite(photos, "misspelt.csv", misspelt)
    out = str(tmp_path / "b")
    done = RUNNER.invoke(app, ["scenes", "train", str(table), "-o", out, "--scenes", "s1", *FAST])
    assert isinstance(done.exception, ManifestError)
    assert "scene 'indutrial' (1 rows)" in str(done.exception)
    assert "'industrial'" in str(done.exception)


def test_label_refuses_a_name_of_no_list_before_any_photo_is_read(tmp_path: Path) -> None:
    table = rewrite(
        make_photos(tmp_path, 6), "natture.csv", lambda _, row: row | {"scene": "natture"}
    )
    out = table.with_name("out.csv")
    done = RUNNER.invoke(app, ["scenes", "label", str(table), "-o", str(out)])
    assert isinstance(done.exception, ManifestError)
    assert "natture.csv: scene 'natture' (6 rows)" in str(done.exception)
    assert "'nature'" in str(done.exception)
    assert not out.exists()
    # Names that the model itself tells are known, whatever they are.
    check(["my own"], "it", ["my own"])
    with pytest.raises(ManifestError, match="my own"):
        check(["my own"], "it")


def test_labels_of_a_network_alone_train_no_helper(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    table = rewrite(photos, "sure.csv", lambda _, row: row | {"scene_p": "1"})
    out = str(tmp_path / "b")
    done = RUNNER.invoke(app, ["scenes", "train", str(table), "-o", out, "--scenes", "s1", *FAST])
    assert isinstance(done.exception, RecipeError)
    assert "every scene has a scene_p" in str(done.exception)


def test_both_tables_train_one_network(helper: Path, photos: Path, tmp_path: Path) -> None:
    """The whole of S4's document: scenes by the helper, then one network from two manifests."""
    from graticule.locate.scenes import SceneReader, label
    from graticule.systems.registry import load_system

    gps = manifests.read(rewrite(photos, "gps.csv", places_only))
    label(gps, SceneReader(helper), gps.path.with_name("gps-labelled.csv"))
    cells = "[{name: coarse, max: 20, min: 1}, {name: fine, max: 10, min: 1}]"
    done = RUNNER.invoke(
        app,
        ["train", "s4", "-m", str(gps.path.with_name("gps-labelled.csv")),
         "-m", str(photos.parent / "places.csv"), "-o", str(tmp_path / "s4"), *FAST,
         "--set", f"settings.cells={cells}", "--set", "phases.0.epochs=1"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    bundle = load_system(tmp_path / "s4").bundle.manifest
    assert bundle.provenance["manifest"] == "gps-labelled.csv + places.csv"
    assert bundle.provenance["train_photos"] == 68
    assert list(bundle.provenance["networks"]) == ["multitask"]  # no photo was left for a helper
    assert bundle.settings["scenes"] == ["indoor", "natural", "urban"]


def test_the_scenes_of_a_made_up_world_teach_a_helper(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    world = tmp_path / "world"
    made = RUNNER.invoke(app, ["data", "planet", "-o", str(world), "-n", "40"])
    assert made.exit_code == 0, made.output
    done = RUNNER.invoke(
        app,
        ["scenes", "train", str(world / "manifest.csv"), "-o", str(tmp_path / "helper"), *FAST,
         "--scenes", "column", "--set", "phases=[{epochs: 1, learn: head}]"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
