"""Killed at any moment and resumed, a run ends with the weights of an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule.systems.bundle import Bundle  # noqa: E402
from toy import cities_recipe, make_photos  # noqa: E402


def command(recipe: Path, manifest: Path, out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "graticule", "train", str(recipe), "--manifest", str(manifest),
        "-o", str(out), "--device", "cpu", "--workers", "0", *more,
    ]  # fmt: skip


def weights(bundle: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(bundle / "weights" / "cities.safetensors")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_and_resume_to_the_bit(tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "p", 64)
    recipe = tmp_path / "r.yaml"
    raw = cities_recipe(
        augment="strong",
        head={"hidden": [32], "dropout": 0.5},
        phases=[
            {"epochs": 4, "learn": "head"},
            {"epochs": 8, "learn": 0.5, "schedule": "cosine"},
        ],
        sampling={"by": "country", "temperature": 0.5},
        stop={"patience": 0, "keep": "last"},
    )
    recipe.write_text(yaml.safe_dump(raw), encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(
        command(recipe, manifest, tmp_path / "whole"), check=True, env=environment, timeout=600
    )

    out = tmp_path / "killed"
    state = out.with_name("killed.run") / "cities" / "checkpoint.safetensors"
    killed_in = set()
    for epochs in (2, 7):
        more = ("--resume",) if killed_in else ()
        process = subprocess.Popen(command(recipe, manifest, out, *more), env=environment)
        try:
            while _epochs(state) < epochs and process.poll() is None:
                time.sleep(0.005)
            # Somewhere inside the next epoch, whichever step that is.
            time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"
        killed_in.add(_epochs(state))
        assert not out.exists()
    subprocess.run(
        command(recipe, manifest, out, "--resume"), check=True, env=environment, timeout=600
    )
    whole, mended = weights(tmp_path / "whole"), weights(out)
    assert whole.keys() == mended.keys()
    assert all(torch.equal(whole[name], mended[name]) for name in whole)
    logs = [
        [line.split(",")[3] for line in (tmp_path / f"{name}.run/cities/log.csv").open()]
        for name in ("whole", "killed")
    ]
    assert logs[0] == logs[1]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kill_9_while_the_bundle_is_written(tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "p", 24)
    recipe, out = tmp_path / "r.yaml", tmp_path / "b"
    recipe.write_text(yaml.safe_dump(cities_recipe()), encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    # First where no bundle was, then where an earlier one is.
    for before in (False, True):
        process = subprocess.Popen(
            command(recipe, manifest, out, *(("--resume",) if before else ())), env=environment
        )
        try:
            while not (tmp_path / ".b.part").exists() and process.poll() is None:
                time.sleep(0.001)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"
        assert (tmp_path / ".b.part").exists(), "it was killed too late"
        assert out.exists() == before
        if before:
            Bundle(out)
        subprocess.run(
            command(recipe, manifest, out, "--resume"), check=True, env=environment, timeout=600
        )
        assert Bundle(out).manifest.provenance["networks"]["cities"]["epochs"] == 2
        assert {path.name for path in tmp_path.iterdir()} == {"p", "r.yaml", "b", "b.run"}


def _epochs(state: Path) -> int:
    """Complete epochs that a checkpoint tells of, 0 without one."""
    import json

    from safetensors import safe_open

    try:
        with safe_open(state, "pt") as handle:
            return int(json.loads(handle.metadata()["graticule"])["progress"]["total"])
    except FileNotFoundError:
        return 0


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    from graticule.training import recipe as recipes
    from graticule.training import run

    manifest = make_photos(tmp_path / "p", 24)
    wanted = recipes.parse(cities_recipe(), "toy.yaml")
    run.train(wanted, manifest, tmp_path / "b", run.Options(device="cpu", workers=0))
    first = weights(tmp_path / "b")
    again = run.Options(device="cpu", workers=0, resume=True)
    bundle = run.train(wanted, manifest, tmp_path / "b", again)
    second = weights(tmp_path / "b")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert bundle.manifest.provenance["networks"]["cities"]["epochs"] == 2
