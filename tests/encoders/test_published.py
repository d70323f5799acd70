"""Published weights: what cannot be fetched is one line, and what was fetched stays the same."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from graticule import files  # noqa: E402
from graticule.encoders import frozen, published, registry  # noqa: E402
from graticule.encoders.spec import EncoderSpec  # noqa: E402
from graticule.errors import DownloadError, GraticuleWarning, RecipeError  # noqa: E402

NAME = "resnet10t.c3_in1k"


def spec(**changes: object) -> EncoderSpec:
    raw = {"name": NAME, "pretrained": True, "preprocess": {"size": 64, "resize": "squash"}}
    return EncoderSpec.model_validate(raw | changes)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, int]:
    """A hub whose weights are those of a seed."""
    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "cache"))
    served = {"seed": 0}
    create = timm.create_model

    def made(name: str, *, pretrained: bool, **rest: object) -> torch.nn.Module:
        if pretrained:
            torch.manual_seed(served["seed"])
        return create(name, pretrained=False, **rest)

    monkeypatch.setattr(timm, "create_model", made)
    return served


def test_later_weights_must_be_those_of_the_first_time(hub: dict[str, int]) -> None:
    first = frozen.open_encoder(spec(), download=True)
    note = files.read_json(published.record(NAME))
    assert note["encoder"] == NAME
    assert note["sha256"] == first.weights  # as a bundle's provenance states it
    assert frozen.open_encoder(spec(), download=True).weights == first.weights
    hub["seed"] = 1
    with pytest.raises(DownloadError, match="not those first fetched on 20") as caught:
        registry.build(spec(), download=True)
    assert str(published.record(NAME)) in str(caught.value)
    assert "\n" not in str(caught.value)
    # Local weights, and weights at random, are held to nothing.
    registry.build(spec(pretrained=False))


def test_a_name_without_a_tag_is_noted_with_it(hub: dict[str, int]) -> None:
    registry.build(spec(name=NAME.partition(".")[0]), download=True)
    assert published.record(NAME).is_file()
    hub["seed"] = 1
    with pytest.raises(DownloadError, match="first fetched"):
        registry.build(spec(), download=True)


def test_a_recipe_pins_them(hub: dict[str, int]) -> None:
    own = frozen.open_encoder(spec(), download=True).weights
    registry.build(spec(sha256=own), download=True)
    hub["seed"] = 1
    with pytest.raises(DownloadError, match=f"encoder.sha256 says {own}"):
        registry.build(spec(sha256=own), download=True)


def test_a_cache_that_cannot_be_written_is_said(
    hub: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "file"))
    with pytest.warns(GraticuleWarning, match="cannot be written"):
        registry.build(spec(), download=True)


@pytest.mark.parametrize(
    ("error", "key", "words"),
    [
        (OSError("hub.example cannot be reached.\nmore"), "", r"reached\); .*file: --weights FILE"),
        (ValueError(), "fuse.0", r"\(ValueError\); .*file: --set fuse.0.weights=FILE"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, key: str, words: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(timm, "create_model", fails)
    with pytest.raises(DownloadError, match=words) as caught:
        registry.build(spec(), download=True, key=key)
    assert NAME in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_name_keeps_its_own_words() -> None:
    with pytest.raises(RecipeError, match="did you mean"):
        registry.build(spec(name="resnet10tt"), download=True)
