"""``graticule embed``: vectors from weights that were asked for, and the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graticule.cli.app import app
from graticule.errors import GraticuleError
from made_photos import jpeg, save

RUNNER = CliRunner()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    save(tmp_path / "a.jpg", jpeg())
    (tmp_path / "manifest.csv").write_text("path,country\na.jpg,FR\n", encoding="utf-8")
    return tmp_path / "manifest.csv"


def embed(manifest: Path, *options: str) -> np.ndarray:
    array = manifest.with_name("v.npy")
    out = str(manifest.with_name("features"))
    command = ["embed", str(manifest), "-o", out, "--array", str(array), "--size", "32", *options]
    done = RUNNER.invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return np.load(array)


def test_the_bundled_encoder_needs_no_word(manifest: Path) -> None:
    assert np.isfinite(embed(manifest)).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--encoder", "tiny"], "--encoder tiny: say which weights: --weights FILE, --download"),
        (["--encoder", "tiny", "--random", "1", "--download"], "--download and --random: an"),
        (["--random", "1"], "--random: encoder bundled has its weights in its bundle"),
    ],
)
def test_weights_are_asked_for_before_anything_is_read(options: list[str], words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        RUNNER.invoke(app, ["embed", "gone.csv", "-o", "f", *options], catch_exceptions=False)


def test_weights_at_random_are_those_of_their_seed(manifest: Path) -> None:
    pytest.importorskip("lightning")
    one, again, two = (embed(manifest, "--encoder", "tiny", "--random", s) for s in "112")
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, two)
    stores = [path for path in manifest.with_name("features").iterdir() if path.is_dir()]
    assert len(stores) == 2  # the second run of a seed found the first one's vectors


def test_a_device_that_is_not_here_is_one_line(manifest: Path) -> None:
    pytest.importorskip("lightning")
    with pytest.raises(GraticuleError, match="--device warp: not on this machine"):
        embed(manifest, "--encoder", "tiny", "--random", "1", "--device", "warp")
