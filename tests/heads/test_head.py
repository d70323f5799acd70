"""Heads: shapes, standardisation, and what is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graticule.encoders.export import export  # noqa: E402
from graticule.encoders.onnx import OnnxGraph  # noqa: E402
from graticule.heads.head import Head, LogProbabilities  # noqa: E402


def test_one_output_a_task_and_onnx_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = Head(6, {"countries": 4, "scenes": 3}, hidden=(8,), dropout=0.5).eval()
    head.standardise(torch.randn(50, 6) * 3 + 2)
    x = torch.randn(5, 6)
    export(
        LogProbabilities(head), x[:1], tmp_path / "h.onnx",
        input_name="embedding", outputs=head.tasks,
    )  # fmt: skip
    said = OnnxGraph(tmp_path / "h.onnx")(embedding=x.numpy())
    assert set(said) == {"countries", "scenes"}
    for task, logits in head(x).items():
        wanted = torch.log_softmax(logits, 1).detach().numpy()
        np.testing.assert_allclose(said[task], wanted, atol=1e-4)
        np.testing.assert_allclose(np.exp(said[task]).sum(1), 1, rtol=1e-5)


def test_standardised_input_has_no_mean_and_unit_spread() -> None:
    head = Head(3, {"x": 2})
    vectors = torch.randn(400, 3) * torch.tensor([1.0, 10.0, 0.1]) + 5
    head.standardise(vectors)
    seen = (vectors - head.mean) * head.scale
    torch.testing.assert_close(seen.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.std(0), torch.ones(3), atol=1e-3, rtol=0)
