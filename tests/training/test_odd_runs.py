"""What a run does with tables and numbers that are out of the ordinary."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from safetensors import safe_open  # noqa: E402

from graticule.errors import GraticuleError  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from toy import cities_recipe, make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)


def weights(bundle: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(bundle / "weights" / "cities.safetensors")


def test_accumulated_small_batches_are_a_large_one(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 24)
    for name, size, accumulate in (("large", 8, 1), ("small", 4, 2)):
        wanted = cities_recipe(
            data={"split": "", "validation": 0.0},
            optimizer="sgd",
            batch_size=size,
            accumulate=accumulate,
            phases=[{"epochs": 3, "learn": "head", "learning_rate": 0.1}],
        )
        run.train(recipes.parse(wanted, "toy.yaml"), table, tmp_path / name, CPU)
    large, small = weights(tmp_path / "large"), weights(tmp_path / "small")
    for name, value in large.items():
        torch.testing.assert_close(value, small[name], rtol=1e-4, atol=1e-6)


def test_when_the_loss_breaks_the_last_good_checkpoint_stays(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 24)
    wanted = cities_recipe(
        optimizer="sgd",
        phases=[
            {"epochs": 2, "learn": "all", "learning_rate": 0.01},
            {"epochs": 9, "learn": "all", "learning_rate": 1e30},
        ],
    )
    with pytest.raises(GraticuleError, match=r"epoch 3.*checkpoint of epoch 2 is kept.*phases\.1"):
        run.train(recipes.parse(wanted, "toy.yaml"), table, tmp_path / "b", CPU)
    state = tmp_path / "b.run" / "cities" / "checkpoint.safetensors"
    with safe_open(state, "pt") as handle:
        assert json.loads(handle.metadata()["graticule"])["progress"]["total"] == 2
        for name in handle.keys():  # noqa: SIM118 - not a dict
            assert torch.isfinite(handle.get_tensor(name).float()).all(), name


def test_s1_with_a_country_of_one_photo_and_one_that_only_validation_has(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 48)
    lines = list(csv.reader(table.open(encoding="utf-8")))
    held_out = [i for i, line in enumerate(lines) if line[6] == "val"]
    lines[1][1:5] = ["64.1", "-21.9", "IS", "Reykjavik"]
    lines[held_out[0]][1:5] = ["-33.9", "151.2", "AU", "Sydney"]
    with table.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows(lines)
    tiny = "encoder={name: tiny, preprocess: {size: 32, resize: squash}}"
    wanted = recipes.load(
        "s1",
        [
            tiny,
            "augment=none",
            "phases=[{epochs: 1}]",
            "networks={router: {encoder: {name: tiny, preprocess: {size: 32, resize: squash}}, "
            "phases: [{epochs: 1}]}}",
        ],
    )
    bundle = run.train(wanted, table, tmp_path / "b", CPU)
    ids = bundle.partition("countries").ids
    assert "IS" in ids
    assert "AU" not in ids
    # Iceland's one photo shows one scene: the other three classifiers say what they do not know.
    unseen = bundle.manifest.settings["unseen"]
    assert sum("IS" in codes for codes in unseen.values()) == 3
    card = (bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "the others have probability 1e-05 in it" in card


def test_a_column_to_balance_is_looked_for_before_anything_learns(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 12)
    wanted = recipes.parse(cities_recipe(sampling={"by": "contry"}), "toy.yaml")
    with pytest.raises(GraticuleError, match=r"manifest\.csv: sampling\.by 'contry'"):
        run.train(wanted, table, tmp_path / "b", CPU)
