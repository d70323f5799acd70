"""Zero-shot by caption: levels, what is asked for, and bundles that cannot read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import atlas
from graticule.atlas.wordings import WORDINGS
from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.gallery import gallery
from graticule.cli.app import main
from graticule.errors import BundleError, GraticuleError
from graticule.files import sha256
from graticule.systems import downloads, prompts
from graticule.systems.bundle import Bundle
from graticule.systems.registry import load_system
from graticule.systems.zero_shot import ZeroShot, inside
from local_server import LocalServer
from tiny_clip import save_whole_clip

LANDS = countries(["FR", "IN", "JP"])
TOWNS = cities(
    {
        "FR:Paris": (48.86, 2.35),
        "IN:Agra": (27.17, 78.04),
        "IN:Delhi": (28.61, 77.21),
        "JP:Kyoto": (35.01, 135.77),
    }
)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_towns_share_the_probability_of_their_country(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    above = Belief.from_logits(LANDS, 5 * rng.normal(size=(n, 3)))
    below = inside(TOWNS, 5 * rng.normal(size=(n, 4)), above, prompts.parents(TOWNS, LANDS))
    assert np.allclose(below.p.sum(axis=1), 1, atol=1e-5)
    sums = np.stack([below.p[:, 0], below.p[:, 1] + below.p[:, 2], below.p[:, 3]], axis=1)
    assert np.allclose(sums, above.p, atol=1e-4)


def test_a_town_of_no_country_asked_for_is_left_out() -> None:
    above = Belief.from_logits(LANDS, np.zeros((1, 3)))
    below = inside(TOWNS, np.zeros((1, 4)), above, np.array([0, 1, -1, 2]))
    assert np.allclose(below.p[0], [1 / 3, 1 / 3, 0, 1 / 3], atol=1e-5)
    with pytest.raises(BundleError, match="not one cell lies"):
        inside(TOWNS, np.zeros((1, 4)), above, np.full(4, -1))


def test_what_is_asked_about_india() -> None:
    made = prompts.places("IN", ("regions", "cities"), 3)
    assert len(made["regions"]) == 36
    assert {"IN-TG", "IN-LA"} <= set(made["regions"].ids)
    over = prompts.parents(made["cities"], made["regions"])
    assert np.bincount(over[over >= 0]).max() <= 3
    _, words = prompts.wording({})
    said = dict(zip(made["cities"].names, prompts.captions(made["cities"], words), strict=True))
    assert said["Mumbai"] == "A photo taken near Mumbai in Maharashtra, India."
    language, hindi = prompts.wording({"language": "hi"})
    assert "भारत के बिहार में ली गई तस्वीर।" in prompts.captions(made["regions"], hindi, language)


def test_names_that_are_there_twice_are_told_apart() -> None:
    made = prompts.places("IN", ("regions", "cities"), 40)["cities"]
    assert len(set(made.ids)) == len(made)
    twice = [name for name in made.names if " (IN-" in name]
    assert twice
    assert all(name.partition(" (")[0] in made.names for name in twice)
    _, words = prompts.wording({})
    texts = prompts.captions(made, words)
    assert not any("(" in text for text in texts)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"language": "xx"}, "there are en, hi"),
        ({"sentence": "x"}, "prompts.sentence"),
        ({"country": "A photo."}, "has no {country}"),
        ({"full": "A photo in {country}."}, "has no {town}"),
    ],
)
def test_wrong_prompts_are_named(wanted: dict[str, str], words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        prompts.wording(wanted)


@pytest.mark.parametrize("levels", [(), ("cities", "countries"), ("streets",)])
def test_wrong_levels_are_named(levels: tuple[str, ...]) -> None:
    with pytest.raises(GraticuleError, match="in this order"):
        prompts.places("IN", levels, 3)


def test_cells_without_names_cannot_be_captioned() -> None:
    with pytest.raises(GraticuleError, match="have no names that a caption could say"):
        prompts.captions(gallery([(0.0, 0.0), (1.0, 1.0)]), WORDINGS["en"])


def test_a_model_without_a_text_side_says_so(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BundleError, match=r"no text\.onnx, so nothing here reads captions"):
        load_system(colours, zero_shot=True)
    photo = tmp_path / "photo.png"
    from PIL import Image

    Image.new("RGB", (64, 48)).save(photo)
    with pytest.raises(SystemExit) as ended:
        main(["locate", str(photo), "--model", str(colours), "--zero-shot"])
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 1
    assert len(said.splitlines()) == 1
    assert "graticule train contrastive" in said


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whole_clip(tmp_path_factory.mktemp("clips") / "clip")


@pytest.fixture(scope="module")
def prompted(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prompt model of random weights over two countries."""
    pytest.importorskip("onnx")
    from graticule.systems import prompt_bundle

    made = prompts.places("IN", ("countries",), 2) | {"cities": TOWNS}
    patch = pytest.MonkeyPatch()
    patch.setattr(prompts, "places", lambda *_: {"countries": LANDS, "cities": made["cities"]})
    folder = tmp_path_factory.mktemp("prompted") / "bundle"
    try:
        prompt_bundle.make_bundle(
            clip, folder, name="tiny", about="Tiny", licences=("none",), words={}
        )
    finally:
        patch.undo()
    return folder


def test_a_prompt_model_is_transformers_own_zero_shot(clip: Path, prompted: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    system = ZeroShot(Bundle(prompted))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (3, 32, 32, 3)).astype(np.uint8)
    said = system.predict([pixels])
    model = transformers.CLIPModel.from_pretrained(clip).eval()
    from graticule.encoders.spec import NORMALISATIONS
    from graticule.encoders.tokenizer import read_clip

    mean, std = (np.array(x, np.float32) for x in NORMALISATIONS["clip"])
    x = torch.from_numpy(((pixels / 255.0 - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    texts = [f"A photo taken in {atlas.country_name(code)}." for code in LANDS.ids]
    ids = torch.from_numpy(read_clip(clip, 77)(texts))
    with torch.inference_mode():
        logits = model(pixel_values=x, input_ids=ids).logits_per_image
    expected = torch.softmax(logits, dim=1).numpy()
    assert np.allclose(said.beliefs["countries"].p, expected, atol=1e-4)


def test_stored_captions_are_those_the_text_side_gives(prompted: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(prompted, bare)
    shutil.rmtree(bare / "captions")
    manifest = Bundle(prompted).manifest
    Bundle.seal(bare, manifest)
    pixels = np.full((2, 32, 32, 3), 90, np.uint8)
    one, other = (ZeroShot(Bundle(folder)).predict([pixels]) for folder in (prompted, bare))
    assert np.allclose(one.beliefs["cities"].p, other.beliefs["cities"].p, atol=1e-5)


def test_captions_of_another_model_or_number_are_refused(prompted: Path, tmp_path: Path) -> None:
    for vectors, words in (
        (np.zeros((3, 9), np.float32), "both must come from one model"),
        (np.zeros((2, 16), np.float32), r"\(2, 16\) for 3 countries"),
    ):
        folder = tmp_path / f"other{vectors.shape[1]}"
        shutil.copytree(prompted, folder)
        np.save(folder / "captions" / "countries.npy", vectors)
        Bundle.seal(folder, Bundle(prompted).manifest)
        with pytest.raises(BundleError, match=words):
            ZeroShot(Bundle(folder)).predict([np.zeros((1, 32, 32, 3), np.uint8)])


@pytest.mark.slow
def test_streetclip_comes_from_a_server_and_from_a_folder(
    clip: Path,
    server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Tiny weights over a local server, to an answer; then from a folder without a network."""
    pytest.importorskip("onnx")
    from dataclasses import replace

    from PIL import Image

    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "cache"))
    model = downloads.DOWNLOADS["streetclip"]
    files = tuple(
        replace(
            file,
            sha256=file.sha256 and sha256(clip / file.name),
            size=(clip / file.name).stat().st_size,
        )
        for file in model.weights
    )
    monkeypatch.setitem(downloads.DOWNLOADS, "streetclip", replace(model, weights=files))
    for file in files:
        route = f"/{model.repository}/resolve/{model.revision}/{file.name}"
        server.file(route, (clip / file.name).read_bytes())

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        return int(ended.value.code or 0), capsys.readouterr().out

    code, out = run("models", "get", "streetclip", "--hub", server.url)
    assert code == 0
    assert "streetclip," in out
    photo = tmp_path / "photo.png"
    Image.effect_noise((64, 48), 60).convert("RGB").save(photo)
    code, out = run("locate", str(photo), "-m", "streetclip", "--zero-shot", "-f", "json")
    assert code == 0
    answer = json.loads(out)
    assert answer["model"] == answer["model"] | {"name": "streetclip", "calibrated": False}
    assert answer["countries"]
    assert answer["cities"]

    server.routes.clear()
    again = tmp_path / "again"
    code, _ = run("models", "get", "streetclip", "--from", str(clip), "-o", str(again))
    assert code == 0
    own = tmp_path / "cache" / "models" / "streetclip" / "captions" / "cities.npy"
    assert (again / "captions" / "cities.npy").read_bytes() == own.read_bytes()


def test_prompt_models_are_listed_with_size_licence_and_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["models"])
    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if line.startswith("streetclip"))
    assert "graticule models get streetclip fetches 1.7 GB" in line
    assert "CC BY-NC 4.0" in line
    for file in downloads.DOWNLOADS["streetclip"].weights:
        assert file.sha256 or file.name != "model.safetensors"
