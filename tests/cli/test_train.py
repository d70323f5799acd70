"""The commands of training, as a person types them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from graticule.cli.app import app
from toy import cities_recipe, make_photos

RUNNER = CliRunner()


@pytest.mark.parametrize("command", [["train"], ["recipes"], ["embed"], ["data", "preview"]])
def test_every_help_has_an_example(command: list[str]) -> None:
    found = RUNNER.invoke(app, [*command, "--help"])
    assert found.exit_code == 0
    if command != ["recipes"]:
        assert "Example" in found.output


def test_recipes_are_listed_and_shown() -> None:
    listed = RUNNER.invoke(app, ["recipes"]).output
    assert {line.split()[0] for line in listed.splitlines()} >= {"s1", "s3", "cities"}
    where = {len(line) - len(line.split(maxsplit=1)[1]) for line in listed.splitlines()}
    assert len(where) == 1, "the columns stand below one another"
    shown = RUNNER.invoke(app, ["recipes", "show", "s3"]).output
    assert yaml.safe_load(shown)["name"] == "s3"


def test_train_then_locate(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    manifest = make_photos(tmp_path / "p", 24)
    recipe = tmp_path / "r.yaml"
    recipe.write_text(yaml.safe_dump(cities_recipe()), encoding="utf-8")
    out = tmp_path / "b"
    done = RUNNER.invoke(
        app,
        ["train", str(recipe), "-m", str(manifest), "-o", str(out), "--workers", "0",
         "--device", "cpu", "--set", "phases.0.epochs=1"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert str(out) in done.output
    said = RUNNER.invoke(
        app,
        ["locate", str(tmp_path / "p" / "000.png"), "--model", str(out), "--format", "json",
         "--always-answer"],
    )  # fmt: skip
    assert '"name":"toy"' in said.output.replace(" ", "")


def test_preview_draws_a_sheet(tmp_path: Path) -> None:
    from PIL import Image

    manifest = make_photos(tmp_path / "p", 4)
    (tmp_path / "p" / "001.png").write_bytes(b"no photo")
    sheet = tmp_path / "sheet.png"
    done = RUNNER.invoke(
        app, ["data", "preview", str(manifest), "--augment", "strong", "-o", str(sheet)]
    )
    assert done.exit_code == 0, done.output
    assert Image.open(sheet).size[0] > 800


def test_embed_writes_rows_in_order(tmp_path: Path) -> None:
    import numpy as np

    pytest.importorskip("torch")
    manifest = make_photos(tmp_path / "p", 5)
    done = RUNNER.invoke(
        app,
        ["embed", str(manifest), "--encoder", "tiny", "--random", "0", "--size", "32",
         "-o", str(tmp_path / "f"), "--array", str(tmp_path / "v.npy")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert np.load(tmp_path / "v.npy").shape == (5, 64)
    wrong = RUNNER.invoke(app, ["embed", str(manifest), "--pooling", "mean", "-o", "f"])
    assert "--pooling mean: " in str(wrong.exception)
