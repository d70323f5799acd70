"""The recipe contrastive, as it ships, on a CLIP of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from typer.testing import CliRunner  # noqa: E402

import graticule  # noqa: E402
from graticule.answer import Answer  # noqa: E402
from graticule.cli.app import app  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
from graticule.systems.registry import load_system  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from tiny_clip import save_whole_clip  # noqa: E402
from toy import make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)


def test_a_clip_learns_both_its_sides_and_answers_by_caption(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    clip = save_whole_clip(tmp_path / "clip")
    photos = make_photos(tmp_path / "photos", 24)
    recipe = recipes.load(
        "contrastive",
        [
            f"encoder.weights={clip}",
            "encoder.preprocess.size=32",
            "batch_size=12",
            "phases.0.epochs=30",
            "phases.0.learning_rate=0.003",
            "settings.by=[0.3, 0, 0.7]",
            "settings.towns=2",
        ],
    )
    bundle = run.train(recipe, photos, tmp_path / "b", CPU)
    files = sorted(photos.parent.glob("*.png"))
    system = load_system(bundle.path)
    said = system.predict([np.stack([system.inputs[0](open_photo(f).image) for f in files])])
    # CLIP's own shared space, from the side that learned.
    width = load_file(clip / "model.safetensors")["visual_projection.weight"].shape[0]
    assert said.embedding.shape == (len(files), width)
    lands = said.beliefs["countries"]
    seen = lands.over.index(["FR", "JP", "GB"])
    best = lands.log_p[:, seen].argmax(axis=1)
    assert (best == np.arange(len(files)) % 3).mean() > 0.8

    lines = CliRunner().invoke(
        app,
        ["locate", str(files[1]), "--model", str(bundle.path), "--zero-shot", "--format", "json"],
    )
    assert lines.exit_code == 0, lines.output
    answer = Answer.model_validate_json(lines.stdout)
    asked = graticule.load(bundle.path, zero_shot=True).locate(files[1])[0]
    assert answer.countries == asked.countries
    assert answer.countries
    assert answer.model is not None
    assert not answer.model.calibrated
