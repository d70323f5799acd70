"""No memory left: one line says what to try, and trying it loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule.encoders.encoder import Encoder  # noqa: E402
from graticule.errors import GraticuleError  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from graticule.training.loop import Learner  # noqa: E402
from graticule.training.network import Network  # noqa: E402
from graticule.training.out_of_memory import (  # noqa: E402
    BatchAdvice,
    is_out_of_memory,
    watch_all_at_once,
)
from toy import cities_recipe, make_photos  # noqa: E402

FIRST = run.Options(device="cpu", workers=0)
AGAIN = run.Options(device="cpu", workers=0, resume=True)
ADVICE = r"--set batch_size=4 --set accumulate=2 --resume: what is done is kept"


def recipe(**changes: object) -> recipes.Recipe:
    return recipes.parse(cities_recipe(**changes), "toy.yaml")


def take_all() -> None:
    """Ask torch for more than any machine has: the error is its own."""
    torch.empty(1 << 46)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"), 24)


def raised_by(what: Any) -> Exception:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        what()
    return caught.value


def test_what_counts_as_no_memory() -> None:
    assert is_out_of_memory(raised_by(take_all))
    assert is_out_of_memory(raised_by(lambda: np.empty(1 << 46)))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    onnx = (
        "[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer of size 9"
    )
    assert is_out_of_memory(Exception(onnx))
    for words in ("cannot pin memory of a sparse tensor", "illegal memory access"):
        assert not is_out_of_memory(RuntimeError(words))


def test_the_advice_loses_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory in the second epoch; the advice goes on after the first."""
    wanted = recipe(phases=[{"epochs": 3, "learn": "all", "learning_rate": 0.003}])
    step = Learner.training_step

    def starved(self: Learner, batch: Any, index: int) -> Any:
        if self.now.total == 1 and len(batch.rows) > 4:
            take_all()
        return step(self, batch, index)

    monkeypatch.setattr(Learner, "training_step", starved)
    with pytest.raises(GraticuleError, match=f"cities: no memory for batches of 8; .*{ADVICE}"):
        run.train(wanted, photos, tmp_path / "b", FIRST)
    first = (tmp_path / "b.run" / "cities" / "log.csv").read_text(encoding="utf-8").splitlines()
    smaller = wanted.model_copy(update={"batch_size": 4, "accumulate": 2})
    bundle = run.train(smaller, photos, tmp_path / "b", AGAIN)
    log = (tmp_path / "b.run" / "cities" / "log.csv").read_text(encoding="utf-8").splitlines()
    assert log[: len(first)] == first
    assert bundle.manifest.provenance["networks"]["cities"]["epochs"] == 3


def test_any_other_change_is_still_refused(photos: Path, tmp_path: Path) -> None:
    run.train(recipe(), photos, tmp_path / "b", FIRST)
    other = recipe(batch_size=4, clip=1.0)
    with pytest.raises(GraticuleError, match=r"the recipe .* changed since this checkpoint"):
        run.train(other, photos, tmp_path / "b", AGAIN)


def test_other_errors_keep_their_own_words(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("an illegal memory access was encountered")

    monkeypatch.setattr(Network, "forward", broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        run.train(recipe(), photos, tmp_path / "b", FIRST)


@pytest.mark.parametrize(
    "kept",
    [
        {"phases": [{"epochs": 1}], "features": "always"},
        {"phases": [{"epochs": 1, "learn": ["9", "10"]}], "features": "maps"},
    ],
    ids=["vectors", "maps"],
)
def test_the_pass_of_a_frozen_encoder_obeys_the_advice(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Any]
) -> None:
    seen: list[int] = []
    pixels = Encoder.normalised

    def starved(self: Encoder, x: Any) -> Any:
        seen.append(len(x))
        if len(x) > 4:
            take_all()
        return pixels(self, x)

    monkeypatch.setattr(Encoder, "normalised", starved)
    with pytest.raises(GraticuleError, match=ADVICE):
        run.train(recipe(**kept), photos, tmp_path / "b", FIRST)
    assert max(seen) == 8
    run.train(recipe(**kept, batch_size=4, accumulate=2), photos, tmp_path / "b", AGAIN)


@pytest.mark.parametrize("kept", ["never", "maps"])
def test_what_a_trained_network_says_is_watched(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    wanted = recipe(phases=[{"epochs": 1, "learn": ["9", "10"]}], features=kept)
    trainer, _ = run.prepare(wanted, photos, tmp_path / "b", FIRST)
    result = run.run_jobs(trainer)[0][0]
    monkeypatch.setattr(Network, "vectors", lambda *_: take_all())
    monkeypatch.setattr(Encoder, "forward", lambda *_: take_all())
    for ask in (lambda rows: result.log_p("cities", rows), result.vectors):
        with pytest.raises(GraticuleError, match=ADVICE):
            ask(np.arange(3))


def said(advice: BatchAdvice, size: int) -> str:
    with pytest.raises(GraticuleError) as caught, advice.watch(size):
        take_all()
    return str(caught.value)


def test_the_advice_names_the_network_that_sets_its_own_batches() -> None:
    wanted = recipes.load("s1", ["networks.router.batch_size=15"])
    own = wanted.networks["router"]
    advice = BatchAdvice("router", wanted.network("router"), "router", own)
    assert "--set networks.router.batch_size=7 --set accumulate=2 --resume" in said(advice, 15)


def test_the_advice_keeps_the_photos_a_step() -> None:
    advice = BatchAdvice("cities", recipe(batch_size=256).network("cities"))
    assert "batches of 32; " in said(advice, 32)
    assert "--set batch_size=16 --set accumulate=16 " in said(advice, 32)


def test_one_photo_cannot_be_halved() -> None:
    advice = BatchAdvice("cities", recipe(batch_size=1).network("cities"))
    assert said(advice, 1).endswith("or smaller photos (encoder.preprocess.size)")


def test_no_memory_without_batches() -> None:
    with (
        pytest.raises(GraticuleError, match=r"5 photos at once.*--set optimizer=adam"),
        watch_all_at_once("cities", 5),
    ):
        take_all()
