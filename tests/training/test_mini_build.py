"""The whole way from photos to the bundle, on a few of the development photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from graticule import files
from graticule.photos import manifest as manifests
from graticule.systems.registry import load_system
from graticule.training import recipe as recipes
from graticule.training.mini.build import build
from graticule.training.mini.card import SHIPPED
from graticule.training.mini.refit import refit

pytestmark = pytest.mark.slow


def test_a_few_photos_make_a_bundle_and_the_same_one_again(shared: Path, tmp_path: Path) -> None:
    recipe = recipes.load("mini", ["settings.city_photos=3", "settings.probe.iterations=5"])
    whole = manifests.read(shared / "photos" / "manifest.csv")
    few = whole.filter(np.arange(0, len(whole), 60))
    weights = shared / "weights" / "mobilenetv2_imagenet.safetensors"
    said: list[str] = []
    made = [
        build(
            recipe.model_dump(mode="json"),
            few,
            weights,
            tmp_path / name,
            tmp_path / "f",
            said.append,
        )
        for name in ("one", "two")
    ]
    assert (tmp_path / "one" / "memory.safetensors").is_file()
    assert made[0].manifest.files == made[1].manifest.files
    # Its calibration alone, fitted again by the same rules, is the same.
    (tmp_path / "one" / "calibration.json").write_text("{}", encoding="utf-8")
    again = refit(made[0], few, weights, tmp_path / "f", said.append)
    assert again.manifest.files == made[1].manifest.files
    report = files.read_json(tmp_path / "one" / "report.json")
    shipped = report["comparison"][SHIPPED]["leave_sources_out"]
    assert "paises" in shipped["sources"]
    assert not {"streetview-world", "san-francisco"} & set(shipped["sources"])
    system = load_system(tmp_path / "one")
    prediction = system.predict([np.zeros((1, 224, 224, 3), np.uint8)])
    assert set(prediction.beliefs) == {"countries", "cities"}
    assert (tmp_path / "one" / "MODEL_CARD.md").read_text(encoding="utf-8").startswith("# mini")
