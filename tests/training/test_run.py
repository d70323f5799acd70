"""From recipe and manifest to a bundle: whole, the same twice, and honest about what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule.errors import GraticuleError, ManifestError, RecipeError  # noqa: E402
from graticule.locate.locator import Locator  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
from graticule.systems.registry import load_system  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from graticule.training.loop import epochs_stalled  # noqa: E402
from limits import largest_file  # noqa: E402
from toy import SCENES, cities_recipe, make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)


def recipe(**changes: object) -> recipes.Recipe:
    return recipes.parse(cities_recipe(**changes), "toy.yaml")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"))


def weights(bundle: Path, name: str = "cities") -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(bundle / "weights" / f"{name}.safetensors")


def test_it_learns_and_onnx_agrees_with_torch(photos: Path, tmp_path: Path) -> None:
    wanted = recipe(phases=[{"epochs": 8, "learn": "all", "learning_rate": 0.003}])
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    system = load_system(bundle.path)
    files = sorted(photos.parent.glob("*.png"))
    pixels = np.stack([system.inputs[0](open_photo(f).image) for f in files])
    said = system.predict([pixels])
    assert said.beliefs["cities"].over.ids == ("FR:Paris", "GB:London", "JP:Tokyo")

    trainer, _ = run.prepare(wanted, photos, tmp_path / "b", CPU)
    from graticule.heads.head import Head
    from graticule.training.network import Network

    _, module = trainer._encoder(wanted.network("cities"), "cities")
    network = Network(module, Head(64, {"cities": 3}))
    network.load_state_dict(weights(bundle.path))
    with torch.inference_mode():
        own = torch.log_softmax(network.eval()(torch.from_numpy(pixels))["cities"], 1).numpy()
    np.testing.assert_allclose(said.beliefs["cities"].log_p, own, atol=1e-4)

    order = [0, 2, 1]  # Paris, Tokyo, London as the toy draws them
    truth = np.array([order[i % 3] for i in range(len(files))])
    assert (said.beliefs["cities"].log_p.argmax(1) == truth).mean() > 0.8


def test_a_bundle_says_what_it_was_made_from(photos: Path, tmp_path: Path) -> None:
    bundle = run.train(recipe(), photos, tmp_path / "b", CPU)
    made = bundle.manifest.provenance
    assert len(made["manifest_sha256"]) == 64
    assert made["seed"] == 0
    assert made["networks"]["cities"]["epochs"] == 2
    assert {"torch", "lightning", "numpy"} <= set(made["versions"])
    assert bundle.manifest.recipe["name"] == "toy"
    assert bundle.manifest.licences == ("photos: CC0 (34)",)
    card = (bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| cities | tiny | random | 2 |" in card
    assert str(tmp_path) not in card + (bundle.path / "system.json").read_text(encoding="utf-8")
    log = (tmp_path / "b.run" / "cities" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert len(log) == 3
    assert log[0].startswith("epoch,phase,learning_rate,train_loss,train_accuracy")
    assert (bundle.path / "report.json").is_file()
    from PIL import Image

    for name in ("answers.jpg", "confusion.png"):
        assert min(Image.open(tmp_path / "b.run" / name).size) > 100


def test_a_rate_falls_where_the_training_loss_stalls(photos: Path, tmp_path: Path) -> None:
    assert epochs_stalled([]) == 0
    assert epochs_stalled([3.0, 2.0, 1.999, 1.99]) == 2
    assert epochs_stalled([3.0, 3.5, 2.0]) == 0
    phase = {"epochs": 5, "learn": "head", "schedule": "plateau", "patience": 2}
    # So low a rate learns nothing: each second epoch it falls to a tenth.
    wanted = recipe(phases=[{**phase, "learning_rate": 1e-9}], optimizer="sgd")
    trainer, _ = run.prepare(wanted, photos, tmp_path / "b", CPU)
    history = run.run_jobs(trainer)[0][0].progress.history
    rates = [row["learning_rate"] for row in history]
    np.testing.assert_allclose(rates, [1e-9, 1e-9, 1e-9, 1e-10, 1e-10], rtol=1e-6)


@pytest.mark.parametrize("watch", ["loss", "accuracy"])
def test_the_best_epoch_is_that_of_what_is_watched(
    photos: Path, tmp_path: Path, watch: str
) -> None:
    wanted = recipe(
        phases=[{"epochs": 6, "learn": "head", "learning_rate": 0.05}],
        loss={"kind": "inverse_frequency"},
        stop={"watch": watch},
    )
    trainer, _ = run.prepare(wanted, photos, tmp_path / "b", CPU)
    progress = run.run_jobs(trainer)[0][0].progress
    costs = [
        row["val_loss"] if watch == "loss" else -row["val_accuracy"] for row in progress.history
    ]
    assert progress.best == min(costs)
    assert progress.best_epoch == costs.index(min(costs))


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_weights_with_workers_too(
    photos: Path, tmp_path: Path
) -> None:
    wanted = recipe(augment="strong", phases=[{"epochs": 1, "learn": "all"}])
    run.train(wanted, photos, tmp_path / "a", CPU)
    run.train(wanted, photos, tmp_path / "b", run.Options(device="cpu", workers=1))
    first, second = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_kept_vectors_give_the_numbers_of_the_plain_path(photos: Path, tmp_path: Path) -> None:
    """S3's promise: the frozen part runs once, and nothing else changes."""
    base = {
        "head": {"hidden": [16], "dropout": 0.5},
        "phases": [{"epochs": 3, "learn": "head"}],
        "stop": {"patience": 7},
        "augment": "s3",
    }
    run.train(recipe(**base, features="always"), photos, tmp_path / "kept", CPU)
    run.train(recipe(**base, features="never"), photos, tmp_path / "plain", CPU)
    kept, plain = weights(tmp_path / "kept"), weights(tmp_path / "plain")
    for name, value in kept.items():
        torch.testing.assert_close(value, plain[name], rtol=1e-5, atol=1e-6)
    assert any(k.startswith("encoder.") for k in plain)
    assert not any(k.startswith("encoder.") for k in kept)


@pytest.mark.parametrize(("precision", "gap"), [("float32", 1e-5), ("float16", 5e-3)])
def test_kept_maps_give_the_numbers_of_the_plain_path(
    photos: Path, tmp_path: Path, precision: str, gap: float
) -> None:
    """The frozen part of an encoder whose top learns runs once, and nothing else changes."""
    base = {
        "head": {"hidden": [16], "dropout": 0.5},
        "phases": [
            {"epochs": 1, "learn": "head"},
            {"epochs": 3, "learn": ["9", "10"], "learning_rate": 0.01},
        ],
        # Adam divides by the gradient's size and would blow up the last digit of small ones.
        "optimizer": "sgd",
        "map_precision": precision,
    }
    kept = run.train(recipe(**base, features="maps"), photos, tmp_path / "kept", CPU)
    run.train(recipe(**base, features="never"), photos, tmp_path / "plain", CPU)
    mine, plain = weights(tmp_path / "kept"), weights(tmp_path / "plain")
    assert mine.keys() == plain.keys()
    for name, value in mine.items():
        torch.testing.assert_close(value, plain[name], rtol=gap, atol=gap)
    assert len(list((tmp_path / "kept.run" / "features").glob("*/*.npy"))) == 1

    # The bundle holds the whole network: it locates like any other.
    files = sorted(photos.parent.glob("*.png"))
    said = {}
    for name in ("kept", "plain"):
        system = load_system(tmp_path / name)
        pixels = np.stack([system.inputs[0](open_photo(f).image) for f in files])
        said[name] = system.predict([pixels]).beliefs["cities"].p
    np.testing.assert_allclose(said["kept"], said["plain"], atol=gap)
    assert (kept.path / "encoder.onnx").is_file()


def test_kept_maps_serve_every_seed(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is above the cut may start differently: the part below is the same, and runs once."""
    from graticule.encoders.split import Split

    below = recipes.parse(cities_recipe(), "toy.yaml").encoder
    trainer, _ = run.prepare(recipe(), photos, tmp_path / "x", CPU)
    _, module = trainer._encoder(recipe().network("cities"), "cities")
    from graticule.training.checkpoint import save_weights

    save_weights(tmp_path / "below.safetensors", module.backbone)
    ran = []
    lower = Split.lower
    monkeypatch.setattr(Split, "lower", lambda s, x: (ran.append(len(x)), lower(s, x))[1])
    wanted = {
        "encoder": below.model_dump() | {"weights": str(tmp_path / "below.safetensors")},
        "phases": [{"epochs": 1, "learn": 0.25}],
        "features": "maps",
        "views": ["", "flip"],
    }
    options = run.Options(device="cpu", workers=0, features=tmp_path / "f")
    run.train(recipe(**wanted), photos, tmp_path / "a", options)
    first = sum(ran)
    assert first > 48
    run.train(recipe(**wanted, seed=1), photos, tmp_path / "b", options)
    # Each run asks once for the shape of a map; no photo runs again.
    assert sum(ran) == first + 1
    # Where nothing of the encoder learns, its vectors are kept instead.
    wanted["phases"] = [{"epochs": 1}]
    assert recipe(**wanted).network("cities").cached


def test_a_loss_that_is_no_number_stops_and_names_the_batch(photos: Path, tmp_path: Path) -> None:
    wild = recipe(optimizer="sgd", phases=[{"epochs": 9, "learn": "all", "learning_rate": 1e30}])
    with pytest.raises(GraticuleError, match=r"no number.*\.png.*learning_rate") as caught:
        run.train(wild, photos, tmp_path / "b", CPU)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "b").exists()


def test_early_stopping_keeps_the_best(photos: Path, tmp_path: Path) -> None:
    # At a rate this high the validation loss soon rises.
    wanted = recipe(
        phases=[{"epochs": 60, "learn": "all", "learning_rate": 0.05}], stop={"patience": 2}
    )
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    facts = bundle.manifest.provenance["networks"]["cities"]
    assert facts["epochs"] < 60
    assert facts["epochs"] - facts["best_epoch"] == 2


def test_a_changed_manifest_is_not_resumed(photos: Path, tmp_path: Path) -> None:
    own = make_photos(tmp_path / "p", 24)
    run.train(recipe(), own, tmp_path / "b", CPU)
    text = own.read_text(encoding="utf-8").splitlines()
    own.write_text("\n".join(text[:-1]) + "\n", encoding="utf-8")
    again = run.Options(device="cpu", workers=0, resume=True)
    with pytest.raises(GraticuleError, match="changed since this checkpoint"):
        run.train(recipe(), own, tmp_path / "b", again)


def test_a_full_disk_while_saving_is_one_line(photos: Path, tmp_path: Path) -> None:
    with (
        largest_file(100_000),
        pytest.raises(
            GraticuleError, match=r"\.safetensors: cannot be written.*--resume"
        ) as caught,
    ):
        run.train(recipe(), photos, tmp_path / "b", CPU)
    assert "\n" not in str(caught.value)


def test_a_full_disk_while_the_bundle_is_written_leaves_the_one_before(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b"
    run.train(recipe(), photos, out, CPU)
    before = (out / "system.json").read_bytes()
    again = run.Options(device="cpu", workers=0, resume=True)
    with largest_file(100_000), pytest.raises(GraticuleError, match="cannot be written"):
        run.train(recipe(), photos, out, again)
    assert (out / "system.json").read_bytes() == before
    load_system(out)
    assert {path.name for path in tmp_path.iterdir()} == {"b", "b.run"}


def test_odd_tables(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 12)
    lines = table.read_text(encoding="utf-8").splitlines()
    # A city that only validation has, and one with a single photo.
    lines[2] = lines[2].replace(lines[2].split(",")[4], "Kyoto")
    lines[1] = lines[1].replace(",Paris,", ",Nara,").replace(",FR,", ",JP,")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bundle = run.train(recipe(settings={"min_photos": 2}), table, tmp_path / "b", CPU)
    assert set(bundle.partition("cities").ids) <= {"FR:Paris", "JP:Tokyo", "GB:London"}
    card = (bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "JP:Nara (1)" in card
    (tmp_path / "p" / "003.png").write_bytes(b"no photo")
    (tmp_path / "p" / "004.png").unlink()
    bundle = run.train(recipe(), table, tmp_path / "c", CPU)
    assert "1 of 12 photos are not on the disk" in (bundle.path / "MODEL_CARD.md").read_text(
        encoding="utf-8"
    )
    for file in (tmp_path / "p").glob("*.png"):
        file.unlink()
    with pytest.raises(ManifestError, match="none of its 12 photos"):
        run.train(recipe(), table, tmp_path / "d", CPU)


def test_a_folder_of_others_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(GraticuleError, match="not empty and not a bundle"):
        run.train(recipe(), photos, tmp_path / "b", CPU)
    assert (tmp_path / "b" / "thesis.txt").read_text() == "mine"
    # Said before anything ran, not after hours of training.
    assert not run.run_folder(tmp_path / "b").exists()


@pytest.mark.parametrize("out", [".", "/"])
def test_a_folder_that_cannot_be_replaced_is_refused(photos: Path, out: str) -> None:
    with pytest.raises(GraticuleError, match="name a folder in it"):
        run.train(recipe(), photos, Path(out), CPU)


@pytest.mark.parametrize("routing", ["soft", pytest.param("hard", marks=pytest.mark.slow)])
def test_s1_routes(photos: Path, tmp_path: Path, routing: str) -> None:
    tiny = {"name": "tiny", "preprocess": {"size": 32, "resize": "squash"}}
    phases = [{"epochs": 1, "learn": "head"}, {"epochs": 5, "learn": "all", "learning_rate": 0.003}]
    wanted = recipes.load(
        "s1",
        [
            f"encoder={tiny}",
            f"networks={{router: {{encoder: {tiny}, augment: none, phases: {phases}}}, "
            f"countries: {{phases: {phases}}}}}",
            "batch_size=8",
            f"settings.routing={routing}",
        ],
    )
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    system = load_system(bundle.path)
    files = sorted(photos.parent.glob("*.png"))[:12]
    pixels = [np.stack([p(open_photo(f).image) for f in files]) for p in system.inputs]
    said = system.predict(pixels)
    assert said.scenes is not None
    assert said.scenes.over.ids == SCENES
    assert set(said.spoke or ()) <= set(SCENES)
    np.testing.assert_allclose(said.beliefs["countries"].p.sum(1), 1, rtol=1e-4)
    answers = Locator(bundle.path).locate(files)
    assert [answer.spoke for answer in answers] == list(said.spoke or ())
    assert all(answer.scene is not None for answer in answers)
    # One photo at a time says the same as all together: routing picks rows, not batches.
    alone = system.predict([p[3:4] for p in pixels]).beliefs["countries"].log_p
    np.testing.assert_allclose(alone[0], said.beliefs["countries"].log_p[3], atol=1e-4)
    report = (bundle.path / "report.md").read_text(encoding="utf-8")
    assert "| hard |" in report
    assert "| soft |" in report
    assert "| oracle |" in report


def test_a_scene_without_photos_leaves_its_answers_to_the_others(
    photos: Path, tmp_path: Path
) -> None:
    table = photos.parent / "three.csv"
    text = photos.read_text(encoding="utf-8").replace(",industrial,", ",,")
    table.write_text(text, encoding="utf-8")
    wanted = recipes.load(
        "s1",
        [
            "encoder={name: tiny, preprocess: {size: 32}}",
            "augment=none",
            "networks={router: {phases: [{epochs: 1}]}, countries: {phases: [{epochs: 1}]}}",
            "settings.min_share=0.9",
            "settings.routing=soft",
        ],
    )
    bundle = run.train(wanted, table, tmp_path / "b", CPU)
    answering = bundle.manifest.settings["answering"]
    card = (bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert ("industrial" in answering) != ("No training photo shows the scene industrial" in card)
    assert {"city", "nature", "coast"} <= set(answering)


def test_a_label_that_no_photo_has_is_named(photos: Path, tmp_path: Path) -> None:
    table = photos.parent / "plain.csv"
    table.write_text("path\n000.png\n001.png\n", encoding="utf-8")
    with pytest.raises((RecipeError, ManifestError), match=r"plain\.csv"):
        run.train(recipe(), table, tmp_path / "b", CPU)


def test_cities_that_no_photo_shows_are_named(photos: Path, tmp_path: Path) -> None:
    wanted = recipe(settings={"cities": ["Paris", "Tokio"]})
    with pytest.raises(RecipeError, match=r"there is FR:Paris, and no photo of Tokio \(settings"):
        run.train(wanted, photos, tmp_path / "b", CPU)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "size", "learn"),
    [
        ("efficientnet_b0", 64, 0.3),
        ("resnet50", 64, ["layer4"]),
        ("inception_v3", 96, "head"),
        ("vgg16", 32, "head"),
        ("mobilenetv2_100", 64, "all"),
        ("vit_base_patch16_224", 224, ["blocks.11"]),
    ],
)
def test_the_documents_networks_train_and_export(
    photos: Path, tmp_path: Path, name: str, size: int, learn: object
) -> None:
    wanted = recipe(
        encoder={"name": name, "preprocess": {"size": size, "resize": "squash"}},
        augment="s1",
        phases=[{"epochs": 1, "learn": learn}],
    )
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    system = load_system(bundle.path)
    pixels = np.zeros((2, size, size, 3), np.uint8)
    assert system.predict([pixels]).beliefs["cities"].p.shape == (2, 3)


def test_minutes_stop_a_run_after_an_epoch(photos: Path, tmp_path: Path) -> None:
    wanted = recipe(phases=[{"epochs": 50, "learn": "all"}], stop={"minutes": 1e-6})
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    assert bundle.manifest.provenance["networks"]["cities"]["epochs"] == 1


def test_explain_lists_the_layers_of_each_phase() -> None:
    text = run.explain(recipes.load("s1"))
    assert "phase 0: 10 epochs at 0.001 (constant): the head alone" in text
    assert "39 layers of the backbone" in text
    assert "layer4.0.conv1 … layer4.2.bn3" in text


def test_explain_leaves_out_no_network() -> None:
    text = run.explain(recipes.load("s4", ["encoder.name=tiny"]))
    assert "helper: tiny" in text
    assert "all other networks: tiny" in text
    assert "other networks" not in run.explain(
        recipes.load("s1", ["encoder.name=tiny", "phases=[]"])
    )


def test_explain_names_what_is_fused() -> None:
    text = run.explain(recipes.load("s5-vit-seg", ["encoder={name: tiny, pooling: avg}"]))
    seen = "vit_large_patch16_224.augreg_in21k on the map by torchvision/deeplabv3_resnet50"
    assert f"  beside it, frozen: {seen}" in text


def test_explain_says_what_is_kept() -> None:
    text = run.explain(recipe(phases=[{"learn": ["9"]}], features="maps"))
    assert "its maps of 48 × 4 × 4 at backbone_8 are kept, 0.0015 MB a photo" in text
