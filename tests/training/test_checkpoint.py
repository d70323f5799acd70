"""What is kept of a run is whole, or one line says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from graticule.errors import GraticuleError  # noqa: E402
from graticule.training import checkpoint  # noqa: E402
from limits import largest_file  # noqa: E402

NETWORK = torch.nn.Linear(200, 200)


def save(path: Path, total: int) -> None:
    optimizer = torch.optim.Adam(NETWORK.parameters())
    checkpoint.save(path, NETWORK, optimizer, checkpoint.Progress(total=total), "key")


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    state = tmp_path / "checkpoint.safetensors"
    save(state, 1)
    with (
        largest_file(10_000),
        pytest.raises(GraticuleError, match=r"checkpoint\.saf.*File too large.*--resume") as caught,
    ):
        save(state, 2)
    assert "\n" not in str(caught.value)
    assert checkpoint.Checkpoint(state, "key").progress.total == 1
    assert list(tmp_path.iterdir()) == [state]


def test_a_full_disk_leaves_the_weights_before(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    checkpoint.save_weights(path, NETWORK)
    before = path.read_bytes()
    with largest_file(10_000), pytest.raises(GraticuleError, match=r"best\.saf.*File too large"):
        checkpoint.save_weights(path, NETWORK)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
