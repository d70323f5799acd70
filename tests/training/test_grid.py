"""A grid trains every row on the same photos, goes on where it was cut off, and counts by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import RecipeError
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
    assert len(rows) == 8 + 11
    both = rows["MLP, CLIP + ViT"]
    assert both.encoder.pooling == "projection"
    assert [spec.name for spec in both.fuse] == ["vit_large_patch16_224.augreg_in21k"]
    assert both.head.hidden == (1024, 512, 256)
    assert rows["linear, CLIP"].fuse == ()
    one = rows["MLP, CLIP + ViT: each number standardised"].head
    assert (one.hidden, one.standardise) == ((1024, 512, 256), True)


def test_what_does_not_fit_is_named(small: Path) -> None:
    cases = {
        "features={C: [c]}": "no encoder c",
        "ablations.of=[C, linear]": "no row of features 'C'",
        "heds={}": "did you mean 'heads'",
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
    assert len(report["rows"]) == len(said) == 7
    assert len(read) == 1  # the manifest, once for all rows
    assert report == json.loads((out / "report.json").read_text())
    for found in report["rows"].values():
        assert 0 <= found["top1"] <= found["top5"] <= found["top10"] <= 100
        assert found["mean_km"] > 0
    # Divisions inside a country can tell it no worse by name than themselves.
    cells = report["rows"]["linear, A + B: cells"]
    assert cells["country_top1"] >= cells["top1"] - 100 / max(1, cells["photos"])
    (out / "rows" / "03.json").unlink()
    said.clear()
    resumed = run.Options(workers=0, say=said.append, resume=True)
    again = grid_run.train(grid.load(str(small)), planet.path, out, resumed)
    assert said == ["4 of 7: MLP, A + B"]
    for name, found in again["rows"].items():
        assert {**found, "seconds": 0} == {**report["rows"][name], "seconds": 0}
    text = (out / "report.md").read_text()
    assert text.count("\n| linear, A") == 5
    assert "sub-division" in text


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
