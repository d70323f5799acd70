"""A grid trains every row on the same photos, goes on where it was cut off, and counts by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graticule.errors import GraticuleError, RecipeError
from graticule.photos.manifest import Manifest
from graticule.training import grid

torch = pytest.importorskip("torch")

SMALL = """
name: small
grid: s5-clip-vit
encoders:
  a: {name: tiny, preprocess: {size: 32, resize: squash}}
  b: {name: tiny, pooling: max, normalise: half, preprocess: {size: 48}}
features: {A: [a], A + B: [a, b]}
heads: {linear: {hidden: []}, MLP: {hidden: [16]}}
base: {phases: [{epochs: 2, learn: head, learning_rate: 0.05}], batch_size: 16}
ablations:
  of: [A + B, linear]
  rows:
    sub-divisions: {settings: {divisions: regions}}
    cells: {settings: {divisions: s2, max_photos: 20}}
    means: {settings: {center: photos}}
    other pooling: {of: [A, MLP], encoder: {pooling: max}}
    top learns: {of: [A, MLP], features: maps, phases: [{epochs: 2, learn: ["10"]}]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_the_shipped_grid_makes_the_documents_rows() -> None:
    rows = grid.load("s5-grid").rows()
    assert list(rows)[:4] == [
        "linear, CLIP", "linear, CLIP + ViT", "linear, ViT + segmentation ViT", "linear, ViT",
    ]  # fmt: skip
    assert len(rows) == 8 + 14
    both = rows["MLP, CLIP + ViT"]
    assert both.encoder.pooling == "projection"
    assert [spec.name for spec in both.fuse] == ["vit_large_patch16_224.augreg_in21k"]
    assert both.head.hidden == (1024, 512, 256)
    assert rows["linear, CLIP"].fuse == ()
    one = rows["MLP, CLIP + ViT: each number standardised"].head
    assert (one.hidden, one.standardise) == ((1024, 512, 256), True)
    alone, frozen = rows["MLP, ViT: mean of tokens instead of the class token"], rows["MLP, ViT"]
    assert (frozen.encoder.pooling, alone.encoder.pooling) == ("token", "avg")
    changed = alone.model_copy(update={"encoder": frozen.encoder})
    assert changed == frozen  # nothing else
    tuned, beside = (
        rows[f"MLP, ViT: {way}, by Adam"] for way in ("top tenth fine-tuned", "frozen")
    )
    assert (tuned.encoder, tuned.fuse, tuned.mapped) == (frozen.encoder, (), True)
    same = {"phases": beside.phases, "features": beside.features}
    assert tuned.model_copy(update=same) == beside  # nothing but what learns
    assert rows["MLP, CLIP + ViT: S2 cells of about equally many photos"].clip == 1.0


def test_what_does_not_fit_is_named(small: Path) -> None:
    cases = {
        "features={C: [c]}": "no encoder c",
        "ablations.of=[C, linear]": "no row of features 'C'",
        "heds={}": "did you mean 'heads'",
        "ablations.rows.top learns.of=[A, deep]": "rows.top learns.of: .*head 'deep'",
    }
    for change, words in cases.items():
        with pytest.raises(RecipeError, match=words):
            grid.load(str(small), [change])
    with pytest.raises(RecipeError, match="bach_size"):
        grid.load(str(small), ["base.bach_size=3"]).rows()


def test_every_row_is_trained_and_a_cut_run_goes_on(
    planet: Manifest, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graticule.training import grid_run, run

    out = tmp_path / "grid"
    said: list[str] = []
    read: list[int] = []
    whole = run.read
    monkeypatch.setattr(run, "read", lambda *given: read.append(1) or whole(*given))
    options = run.Options(workers=0, say=said.append)
    report = grid_run.train(grid.load(str(small)), planet.path, out, options)
    assert len(report["rows"]) == len(said) == 9
    assert len(read) == 1  # the manifest, once for all rows
    assert report == json.loads((out / "report.json").read_text())
    for found in report["rows"].values():
        assert 0 <= found["top1"] <= found["top5"] <= found["top10"] <= 100
        assert found["mean_km"] > 0
        assert found["last_epoch"] == found["epochs_allowed"] == [2]
        assert 1 <= found["best_epoch"][0] <= 2
    # Divisions inside a country can tell it no worse by name than themselves.
    cells = report["rows"]["linear, A + B: cells"]
    assert cells["country_top1"] >= cells["top1"] - 100 / max(1, cells["photos"])
    (out / "rows" / "03.json").unlink()
    said.clear()
    resumed = run.Options(workers=0, say=said.append, resume=True)
    again = grid_run.train(grid.load(str(small)), planet.path, out, resumed)
    assert said == ["4 of 9: MLP, A + B"]
    for name, found in again["rows"].items():
        assert {**found, "seconds": 0} == {**report["rows"][name], "seconds": 0}
    text = (out / "report.md").read_text()
    assert text.count("\n| linear, A") == 5
    assert "/ 2* |" in text
    assert "sub-division" in text


def test_a_row_whose_loss_is_no_number_is_written_and_the_next_is_trained(
    planet: Manifest, small: Path, tmp_path: Path
) -> None:
    from graticule.training import grid_run, run

    changes = [
        "heads={linear: {}}",
        "features={A: [a]}",
        "ablations={of: [A, linear], rows: {too fast: {phases: [{epochs: 2, learning_rate: 1e30}]},"
        " slow: {phases: [{epochs: 1}]}}}",
    ]
    chosen, said = grid.load(str(small), changes), []
    options = run.Options(workers=0, say=said.append)
    rows = grid_run.train(chosen, planet.path, tmp_path / "g", options)["rows"]
    assert list(rows) == ["linear, A", "linear, A: too fast", "linear, A: slow"]
    assert "no number" in rows["linear, A: too fast"]["failed"]
    assert rows["linear, A: slow"]["top1"] >= 0
    text = (tmp_path / "g" / "report.md").read_text()
    assert "| linear, A: too fast | – |" in text
    assert "\nlinear, A: too fast: divisions: the loss is no number" in text
    table = [line for line in text.splitlines() if line.startswith("| linear")]
    assert len({line.count("|") for line in table}) == 1
    said.clear()
    resumed = run.Options(workers=0, say=said.append, resume=True)
    assert grid_run.train(chosen, planet.path, tmp_path / "g", resumed)["rows"] == rows
    assert said == []  # the seed is the same: it would fail again


def test_no_memory_is_said_with_what_changes_every_row(
    planet: Manifest, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graticule.training import grid_run, run
    from graticule.training.loop import Learner

    step = Learner.training_step

    def starved(self: Learner, batch: Any, index: int) -> Any:
        if len(batch.rows) > 4:
            raise MemoryError
        return step(self, batch, index)

    monkeypatch.setattr(Learner, "training_step", starved)
    few = ["heads={linear: {}}", "features={A: [a]}", "ablations={of: [A, linear], rows: {}}"]
    options = run.Options(workers=0)
    with pytest.raises(GraticuleError) as caught:
        grid_run.train(grid.load(str(small), few), planet.path, tmp_path / "g", options)
    assert "no memory for batches of 16" in str(caught.value)
    advice = re.findall(r"--set (\S+[^:\s])", str(caught.value))
    assert advice == ["base.batch_size=8", "base.accumulate=2"]
    smaller = grid.load(str(small), [*few, "base.batch_size=4", advice[1]])
    assert len(grid_run.train(smaller, planet.path, tmp_path / "g", options)["rows"]) == 1


def test_weights_of_several_encoders_are_said_by_key(
    planet: Manifest, small: Path, tmp_path: Path
) -> None:
    from graticule.errors import GraticuleError
    from graticule.training import grid_run, recipe, run

    file = tmp_path / "w.safetensors"
    file.write_bytes(b"")
    chosen = grid.load(str(small))
    with pytest.raises(
        GraticuleError, match=r"encoders\.a\.weights=FILE --set encoders\.b\.weights"
    ):
        grid_run.train(chosen, planet.path, tmp_path / "g", run.Options(weights=file))
    fused = recipe.load("s5-clip-vit")
    with pytest.raises(GraticuleError, match=r"encoder\.weights=FILE --set fuse\.0\.weights=FILE"):
        run.with_weights(fused, file)
    lacking = grid.load(str(small), ["encoders.b.pretrained=true"])
    with pytest.raises(RecipeError, match=r"--set encoders\.b\.weights=FILE"):
        grid_run.train(lacking, planet.path, tmp_path / "g", run.Options())
    assert not (tmp_path / "g").exists()  # before anything is trained
    small_fused = ["encoder={name: tiny}", "fuse=[{name: tiny, pretrained: true}]"]
    with pytest.raises(RecipeError, match=r"--set fuse\.0\.weights=FILE"):
        run.train(recipe.load("s5-clip-vit", small_fused), planet.path, tmp_path / "b")


def test_two_local_files_start_a_fused_recipe(planet: Manifest, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from graticule.encoders import registry, weights
    from graticule.encoders.spec import EncoderSpec
    from graticule.training import recipe, run

    wanted = {}
    for number, name in enumerate(("one", "two")):
        torch.manual_seed(number)
        backbone = registry.build(EncoderSpec(name="tiny")).backbone
        save_file(backbone.state_dict(), tmp_path / f"{name}.safetensors")
        wanted[name] = weights.digest(backbone)
    changes = [
        "encoder={name: tiny, preprocess: {size: 32}, pretrained: true}",
        "fuse=[{name: tiny, preprocess: {size: 32}, pretrained: true}]",
        f"encoder.weights={tmp_path / 'one.safetensors'}",
        f"fuse.0.weights={tmp_path / 'two.safetensors'}",
        "phases=[{epochs: 1}]",
    ]
    trainer, _ = run.prepare(
        recipe.load("s5-clip-vit", changes), planet.path, tmp_path / "b", run.Options(workers=0)
    )
    run.run_jobs(trainer)
    found = [weights.digest(made.module.backbone) for made in trainer.encoders.values()]
    assert found == list(wanted.values())


def test_rows_recorded_without_epochs_leave_them_blank() -> None:
    from graticule.training.grid_report import score_table

    old = dict.fromkeys(("top1", "top5", "top10", "country_top1", "country_top5"), 1.0)
    old |= {"mean_km": 5000, "within_200_750_2500": None, "seconds": 2.0}
    new = {**old, "best_epoch": [3, 9], "last_epoch": [9, 10], "epochs_allowed": [10, 10]}
    assert score_table({"old": old})[2].endswith("– | – | – |  | 2.0 |")
    lines = score_table({"old": old, "new": new})
    assert "| 3 / 9, 9 / 10* | 2.0 |" in lines[3]
    assert "as many epochs as it was allowed" in lines[-1]
    assert len(score_table({"old": old})) == 3


def test_the_command_prints_the_tables(planet: Manifest, small: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from graticule.cli.app import app

    runner = CliRunner()
    shown = runner.invoke(app, ["train", str(small), "--explain"])
    assert "MLP, A + B" in shown.output
    args = ["train", str(small), "-m", str(planet.path), "-o", str(tmp_path / "g"),
            "--set", "ablations=null", "--set", "heads={linear: {}}"]  # fmt: skip
    done = runner.invoke(app, args)
    assert done.exit_code == 0, done.output
    assert "| linear, A + B |" in done.output


def test_scores_by_hand() -> None:
    from graticule.training.grid_report import Evidence, pooled, score_table, scores

    one = Evidence(np.array([1, 6]), np.array([1, 2]), np.array([100.0, np.nan]))
    two = Evidence(np.array([11, -1]), np.array([-1, -1]), np.array([900.0, np.nan]))
    found = scores(pooled([one, two]))
    assert (found["photos"], found["country_photos"]) == (3, 2)
    assert (found["top1"], found["top5"], found["top10"]) == (33.3, 33.3, 66.7)
    assert (found["country_top1"], found["country_top5"]) == (50.0, 100.0)
    assert (found["mean_km"], found["within_200_750_2500"]) == (500, [50.0, 50.0, 100.0])
    nothing = scores(Evidence(np.array([-1]), np.array([-1]), np.array([np.nan])))
    assert "–" in score_table({"none": {**nothing, "seconds": 1.0}})[-1]
