"""Image against caption: the loss, the loader, a whole training, its bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

import graticule  # noqa: E402
from graticule.encoders.text_tower import TextTower  # noqa: E402
from graticule.errors import GraticuleError, RecipeError  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
from graticule.systems.zero_shot import ZeroShot  # noqa: E402
from graticule.training import contrastive, run  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from toy import make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)


def recipe(**changes: object) -> recipes.Recipe:
    raw: dict[str, object] = {
        "name": "toy-captions",
        "system": "zero_shot",
        "encoder": {"name": "tiny", "preprocess": {"size": 32, "resize": "squash"}},
        "head": {"hidden": []},
        "phases": [{"epochs": 2, "learn": "all", "learning_rate": 0.003}],
        "batch_size": 12,
        "settings": {"shared": 16, "towns": 2, "by": [0.5, 0.0, 0.5]},
    }
    return recipes.parse(raw | changes, "toy.yaml")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"))


def clips_own(logits: torch.Tensor) -> torch.Tensor:
    """Radford et al. 2021, figure 3."""
    labels = torch.arange(len(logits))
    cross = torch.nn.functional.cross_entropy
    return (cross(logits, labels) + cross(logits.T, labels)) / 2


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(0, 1000))
def test_with_a_photo_a_caption_the_loss_is_clips(n: int, seed: int) -> None:
    torch.manual_seed(seed)
    logits = 5 * torch.randn(n, n)
    torch.testing.assert_close(contrastive.loss(logits, torch.arange(n)), clips_own(logits))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=12), st.integers(0, 1000))
def test_the_loss_does_not_change_under_reordering_and_is_never_negative(
    target: list[int], seed: int
) -> None:
    torch.manual_seed(seed)
    own = torch.tensor(target)
    logits = 3 * torch.randn(len(own), 4)
    value = contrastive.loss(logits, own)
    assert value >= -1e-5
    rows, columns = torch.randperm(len(own)), torch.randperm(4)
    moved = torch.where(own[rows] >= 0, columns.argsort()[own[rows].clamp_min(0)], -1)
    torch.testing.assert_close(contrastive.loss(logits[rows][:, columns], moved), value)


def test_a_perfect_match_of_shared_captions_has_no_loss() -> None:
    target = torch.tensor([0, 0, 1, -1])
    logits = torch.full((4, 2), -50.0)
    logits[torch.arange(3), target[:3]] = 50.0
    assert float(contrastive.loss(logits, target)) == pytest.approx(0.0, abs=1e-5)


def test_photos_without_a_caption_change_nothing() -> None:
    logits = torch.randn(5, 3)
    target = torch.tensor([0, 1, 2, -1, -1])
    torch.testing.assert_close(
        contrastive.loss(logits, target), contrastive.loss(logits[:3], target[:3])
    )
    assert float(contrastive.loss(logits[3:], target[3:])) == 0.0


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 256), max_size=40), st.integers(0, 30))
def test_what_fills_a_text_up_does_not_change_its_vector(text: list[int], more: int) -> None:
    torch.manual_seed(0)
    tower = TextTower(8, width=16).eval()
    with torch.inference_mode():
        short = tower(torch.tensor([[*text, 0]]))
        long = tower(torch.tensor([[*text, 0, *([0] * more)]]))
    torch.testing.assert_close(short, long, atol=1e-5, rtol=1e-4)


def test_it_learns_and_the_bundle_answers_without_torch(photos: Path, tmp_path: Path) -> None:
    phases = [{"epochs": 12, "learn": "all", "learning_rate": 0.003}]
    wanted = recipe(phases=phases, settings={"shared": 16, "towns": 2, "by": [0.3, 0.0, 0.7]})
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    assert {"encoder.onnx", "text.onnx", "tokenizer.json", "captions/cities.npy"} <= set(
        bundle.manifest.files
    )
    system = ZeroShot(bundle)
    files = sorted(photos.parent.glob("*.png"))
    pixels = np.stack([system.inputs[0](open_photo(f).image) for f in files])
    said = system.predict([pixels])
    np.testing.assert_allclose(np.linalg.norm(said.embedding, axis=1), 1, atol=1e-4)
    # Among the three countries that it saw, the right one.
    lands = said.beliefs["countries"]
    seen = lands.over.index(["FR", "JP", "GB"])
    best = lands.log_p[:, seen].argmax(axis=1)
    assert (best == np.arange(len(files)) % 3).mean() > 0.8

    answer = graticule.load(bundle.path, zero_shot=True).locate(files[0], countries=["FR", "JP"])[0]
    assert answer.countries[0].code == "FR"
    assert answer.model is not None
    assert not answer.model.calibrated
    card = (bundle.path / "MODEL_CARD.md").read_text("utf-8")
    assert "Not calibrated" in card
    assert "zero-shot" in card
    assert str(tmp_path) not in card + (bundle.path / "system.json").read_text("utf-8")


def test_onnx_agrees_with_torch_on_both_sides(photos: Path, tmp_path: Path) -> None:
    wanted = recipe()
    trainer, _ = run.prepare(wanted, photos, tmp_path / "b", CPU)
    results, outcome = run.run_jobs(trainer)
    from graticule.encoders.onnx import OnnxGraph

    folder = tmp_path / "sides"
    folder.mkdir()
    result = results[0]
    assert result.tokenizer is not None
    contrastive.write_sides(result, result.tokenizer, folder)
    ids = result.tokenizer(["A photo taken near Agra in India.", "पेरिस", ""])
    with torch.inference_mode():
        own = result.network.head.texts(torch.from_numpy(ids)).numpy()
    np.testing.assert_allclose(
        OnnxGraph(folder / "text.onnx")(ids=ids)["embedding"], own, atol=1e-5
    )
    pixels = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype(np.uint8)
    vectors = contrastive.image_encoder(result).encode(pixels)
    found = OnnxGraph(folder / "encoder.onnx")(pixels_0=pixels)["embedding"]
    np.testing.assert_allclose(found, vectors, atol=1e-4)
    assert outcome.settings["logit_scale"] == pytest.approx(1 / 0.07, rel=0.2)


def test_a_bundles_encoder_and_a_projection_become_one_graph(
    colours: Path, photos: Path, tmp_path: Path
) -> None:
    encoder = {"name": f"bundle:{colours}"}
    wanted = recipe(encoder=encoder, phases=[{"epochs": 1, "learn": "head"}])
    bundle = run.train(wanted, photos, tmp_path / "b", CPU)
    system = ZeroShot(bundle)
    pixels = np.zeros((2, system.inputs[0].size, system.inputs[0].size, 3), np.uint8)
    assert system.predict([pixels]).embedding.shape == (2, 16)


def test_the_same_twice_and_after_a_stop(photos: Path, tmp_path: Path) -> None:
    phases = [{"epochs": 3, "learn": "all", "learning_rate": 0.003}]
    whole = run.train(recipe(phases=phases), photos, tmp_path / "whole", CPU)
    half = recipe(phases=phases)

    class StoppedError(Exception):
        pass

    from graticule.training import loop

    save, seen = loop.save, []

    def stop(*given: object, **named: object) -> None:
        save(*given, **named)  # type: ignore[arg-type]
        seen.append(1)
        if len(seen) == 2:
            raise StoppedError

    loop.save = stop  # type: ignore[assignment]
    try:
        with pytest.raises(StoppedError):
            run.train(half, photos, tmp_path / "half", CPU)
    finally:
        loop.save = save
    options = run.Options(device="cpu", workers=0, resume=True)
    resumed = run.train(half, photos, tmp_path / "half", options)
    for name in ("text.onnx", "captions/cities.npy"):
        assert resumed.file(name).read_bytes() == whole.file(name).read_bytes()


def test_photos_of_which_nothing_is_known(photos: Path, tmp_path: Path) -> None:
    bare = photos.parent / "bare.csv"
    bare.write_text("path,split_random\n" + "".join(f"{i:03d}.png,train\n" for i in range(6)))
    with pytest.raises(RecipeError, match="no training photo has a caption: fill lat and lon"):
        run.train(recipe(), bare, tmp_path / "b", CPU)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"laguage": "hi"}, "settings.laguage"),
        ({"language": "xx"}, "language 'xx': there are captions in en"),
        ({"by": [0, 0, 0]}, "settings.by"),
        ({"levels": ["cities", "countries"]}, "in this order"),
        ({"region": "XX"}, "region 'XX'"),
    ],
)
def test_wrong_settings_are_named(
    photos: Path, tmp_path: Path, settings_: dict[str, object], words: str
) -> None:
    with pytest.raises(GraticuleError, match=words):
        run.train(recipe(settings=settings_), photos, tmp_path / "b", CPU)
