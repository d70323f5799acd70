"""A CLIP of the right interface and almost no size, with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest


def save_clip(folder: Path, projection: int = 768, pixels: int = 224) -> Path:
    """Write ``config.json`` and ``model.safetensors`` as the hub has them; skips without torch."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = transformers.CLIPConfig(
        vision_config={
            **tower,
            "num_attention_heads": 2,
            "image_size": pixels,
            "patch_size": 32,
            "projection_dim": projection,
        },
        text_config={
            **tower,
            "num_attention_heads": 2,
            "vocab_size": 99,
            "projection_dim": projection,
        },
        projection_dim=projection,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder
