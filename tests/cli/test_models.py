"""What is installed is said, models among it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.cli.app import main
from graticule.errors import BundleError
from graticule.files import cache_dir, sha256
from graticule.systems import downloads
from graticule.version import __version__
from local_server import LocalServer
from tiny_clip import save_clip


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.fixture
def kept(colours: Path) -> Path:
    """The tiny model where downloaded ones are kept."""
    folder = cache_dir() / "models" / "colours"
    shutil.copytree(colours, folder, dirs_exist_ok=True)
    return folder


def test_models_are_listed_by_the_name_locate_takes(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(capsys, "models", "--verbose")
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("colours"))
    assert "version 1" in line
    assert "cities, countries" in line
    assert "not calibrated" in line
    assert str(kept) in out
    assert "made by the tests" in out


def test_info(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "info")
    assert code == 0
    assert out.startswith(f"graticule {__version__} on Python 3.")
    assert "onnxruntime" in out
    assert "colours" in out
    assert str(cache_dir()) in out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"graticule {__version__}\n")


def test_what_is_not_here_is_listed_with_its_size_and_its_command(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = said(capsys, "models")
    line = next(line for line in out.splitlines() if line.startswith("geoclip"))
    assert "graticule models get geoclip fetches 1.7 GB" in line
    assert "MIT" in line


def test_a_model_without_weights_names_the_command_and_what_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "photo.png")
    with pytest.raises(SystemExit) as ended:
        main(["locate", str(tmp_path / "photo.png"), "--model", "geoclip"])
    words = capsys.readouterr().err.strip()
    assert ended.value.code == 1
    assert len(words.splitlines()) == 1
    for part in ("graticule models get geoclip", "1.7 GB", "--model mini"):
        assert part in words


def test_an_unknown_model_to_get(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "get", "nothing"])
    assert ended.value.code == 1
    assert "there is geoclip" in capsys.readouterr().err


@pytest.mark.slow
def test_a_prompt_model_takes_a_clip_of_openclips_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from graticule.cli.models import _weights

    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        (tmp_path / name).write_bytes(b"{}")
    assert _weights(downloads.DOWNLOADS["clip"], tmp_path, "") == tmp_path
    assert "not the files of openai/clip-vit-large-patch14" in capsys.readouterr().err
    with pytest.raises(BundleError, match=r"no config\.json and model\.safetensors of openai"):
        _weights(downloads.DOWNLOADS["geoclip"], tmp_path, "")


def test_get_makes_a_bundle_that_locates_by_its_name(
    server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Tiny weights over a local server, to an answer, and from a folder without a network."""
    pytest.importorskip("geoclip")
    clip = save_clip(tmp_path / "clip")
    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "cache"))
    model = downloads.DOWNLOADS["geoclip"]
    names = ("config.json", "model.safetensors")
    files = tuple(
        downloads.Weights(name, sha256(clip / name), (clip / name).stat().st_size) for name in names
    )
    monkeypatch.setitem(downloads.DOWNLOADS, "geoclip", replace(model, weights=files))
    for name in names:
        route = f"/{model.repository}/resolve/{model.revision}/{name}"
        server.file(route, (clip / name).read_bytes())
    places = np.array([[48.86, 2.35], [28.61, 77.21], [-22.91, -43.17], [0, -140]])
    monkeypatch.setattr("graticule.encoders.geoclip.packaged_gallery", lambda: places)

    get = ("models", "get", "geoclip")
    code, out = said(capsys, *get, "--hub", server.url)
    assert code == 0
    assert "4 places" in out
    Image.effect_noise((64, 48), 60).convert("RGB").save(tmp_path / "photo.png")
    code, out = said(capsys, "locate", str(tmp_path / "photo.png"), "-m", "geoclip", "-f", "json")
    assert code == 0
    answer = json.loads(out)
    assert answer["model"]["name"] == "geoclip"
    assert answer["model"]["calibrated"] is False
    assert len(answer["cells"]) == 4

    server.routes.clear()
    again = tmp_path / "again"
    code, _ = said(capsys, *get, "--from", str(clip), "-o", str(again))
    assert code == 0
    assert (again / "gallery.npy").read_bytes() == (
        tmp_path / "cache" / "models" / "geoclip" / "gallery.npy"
    ).read_bytes()
