"""What ``--init`` takes from a bundle: its networks whole, or one line says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule.encoders.frozen import bundled_folder  # noqa: E402
from graticule.errors import GraticuleError, GraticuleWarning, RecipeError  # noqa: E402
from graticule.systems.bundle import Bundle  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from graticule.training.start import Start  # noqa: E402
from toy import cities_recipe, make_photos  # noqa: E402

STILL = [{"epochs": 0}]


def train(photos: Path, out: Path, init: Path | None = None, **changes: object) -> Bundle:
    wanted = recipes.parse(cities_recipe(**changes), "toy.yaml")
    return run.train(wanted, photos, out, run.Options(device="cpu", workers=0, init=init))


def encoder_of(bundle: Bundle) -> str:
    return str(bundle.manifest.provenance["networks"]["cities"]["sha256"])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"), 24)


@pytest.fixture(scope="module")
def tuned(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose encoder learned, too."""
    return train(photos, tmp_path_factory.mktemp("tuned") / "a")


@pytest.fixture(scope="module")
def head_alone(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose head learned from kept vectors."""
    return train(photos, tmp_path_factory.mktemp("head") / "a", phases=[{"epochs": 1}])


@pytest.mark.parametrize("features", ["auto", "never"])
def test_a_head_starts_over_the_encoder_it_learned_with(
    photos: Path, tuned: Bundle, tmp_path: Path, features: str
) -> None:
    made = train(photos, tmp_path / "b", tuned.path, phases=STILL, features=features)
    assert encoder_of(made) == encoder_of(tuned)
    first, second = (Start(bundle.path).tensors("cities") for bundle in (tuned, made))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert made.manifest.provenance["init"]["networks"] == ["cities"]
    assert "| cities | tiny | bundle a |" in (made.path / "MODEL_CARD.md").read_text("utf-8")


def test_what_started_at_a_bundle_can_be_started_from(
    photos: Path, tuned: Bundle, tmp_path: Path
) -> None:
    """Kept vectors or not, the bundle holds the encoder: no other file does."""
    second = train(photos, tmp_path / "b", tuned.path, phases=[{"epochs": 1}])
    third = train(photos, tmp_path / "c", second.path, phases=STILL)
    assert encoder_of(third) == encoder_of(tuned)


def test_published_weights_are_not_asked_for_where_the_bundle_has_them(
    photos: Path, tuned: Bundle, tmp_path: Path
) -> None:
    raw = cities_recipe()["encoder"]
    assert isinstance(raw, dict)
    encoder = {"pretrained": True} | raw
    made = train(photos, tmp_path / "b", tuned.path, encoder=encoder, phases=STILL)
    assert encoder_of(made) == encoder_of(tuned)


def test_published_weights_are_asked_for_where_it_has_none(
    photos: Path, head_alone: Bundle, tmp_path: Path
) -> None:
    raw = cities_recipe()["encoder"]
    assert isinstance(raw, dict)
    with pytest.raises(RecipeError, match="starts from published weights; add --download"):
        train(photos, tmp_path / "b", head_alone.path, encoder={"pretrained": True} | raw)


def test_a_network_with_its_own_encoder_names_its_own_key(photos: Path, tmp_path: Path) -> None:
    tiny = "{name: tiny, pretrained: true, preprocess: {size: 32}}"
    file = tmp_path / "tiny.safetensors"
    file.touch()
    wanted = recipes.load("s1", [f"encoder={tiny}", f"networks.router.encoder={tiny}"])
    options = run.Options(device="cpu", workers=0, weights=file)
    with pytest.raises(RecipeError) as caught:
        run.train(wanted, photos, tmp_path / "b", options)
    assert "--set networks.router.encoder.weights=FILE" in str(caught.value)
    assert "--weights" not in str(caught.value)
    assert "--set networks.router.encoder.pretrained=false" in str(caught.value)


def test_a_head_over_other_weights_is_refused(
    photos: Path, head_alone: Bundle, tmp_path: Path
) -> None:
    same = train(photos, tmp_path / "b", head_alone.path, phases=STILL)
    assert encoder_of(same) == encoder_of(head_alone)
    # Another seed starts at other random weights, of which the head knows nothing.
    with pytest.raises(RecipeError, match="head of its network cities learned over an encoder"):
        train(photos, tmp_path / "c", head_alone.path, phases=STILL, seed=1)


def test_another_encoder_is_refused(photos: Path, tuned: Bundle, tmp_path: Path) -> None:
    other = {"name": "mobilenetv2", "preprocess": {"size": 32}}
    with pytest.raises(RecipeError, match="encoder of its network cities is not mobilenetv2"):
        train(photos, tmp_path / "b", tuned.path, encoder=other)


def test_a_network_that_the_bundle_lacks_is_said(
    photos: Path, tuned: Bundle, tmp_path: Path
) -> None:
    tiny = "{name: tiny, preprocess: {size: 32}}"
    changes = [f"encoder={tiny}", "settings.helper=false", "phases=[{epochs: 0}]"]
    cells = "settings.cells=[{name: coarse, max: 30, min: 1}]"
    options = run.Options(device="cpu", workers=0, init=tuned.path)
    with pytest.warns(GraticuleWarning, match=r"has no network \w+ \(it has cities\)"):
        run.train(recipes.load("s4", [*changes, cells]), photos, tmp_path / "b", options)


def test_a_bundle_without_weights_to_learn_on_is_refused() -> None:
    with pytest.raises(RecipeError, match="keeps no weights to start from"):
        Start(bundled_folder())


def test_a_wrong_bundle_costs_no_checkpoint(photos: Path, tmp_path: Path) -> None:
    train(photos, tmp_path / "b")
    state = tmp_path / "b.run" / "cities" / "checkpoint.safetensors"
    with pytest.raises(GraticuleError, match="not a bundle"):
        train(photos, tmp_path / "b", tmp_path / "none")
    assert state.is_file()


def test_a_run_goes_on_from_the_bundle_it_started_from(
    photos: Path, tuned: Bundle, tmp_path: Path
) -> None:
    train(photos, tmp_path / "b", tuned.path)
    wanted = recipes.parse(cities_recipe(), "toy.yaml")
    other = run.Options(device="cpu", workers=0, resume=True)
    with pytest.raises(GraticuleError, match="starting weights changed"):
        run.train(wanted, photos, tmp_path / "b", other)
