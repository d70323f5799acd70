"""A CLIP of the right interface and almost no size, with random weights."""

from __future__ import annotations

import json
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


def save_whole_clip(folder: Path, shared: int = 16, pixels: int = 32) -> Path:
    """Both sides and a tokenizer, in the layout of the hub; skips without torch."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    vocabulary = write_pieces(folder)
    torch.manual_seed(0)
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": shared,
    }
    config = transformers.CLIPConfig(
        vision_config={**tower, "image_size": pixels, "patch_size": 16},
        text_config={
            **tower,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 77,
            "bos_token_id": vocabulary["<|startoftext|>"],
            "eos_token_id": vocabulary["<|endoftext|>"],
        },
        projection_dim=shared,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


def write_pieces(folder: Path) -> dict[str, int]:
    """``vocab.json`` and ``merges.txt`` of CLIP's kind with a handful of merges."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in plain] + [chr(256 + n) for n in range(256 - len(plain))]
    merges = ["i n", "a n", "p h", "t o</w>", "ph o", "pho to</w>", "c e</w>", "in d", "an ce</w>"]
    joined = ["".join(pair.split()) for pair in merges]
    pieces = [*letters, *(f"{x}</w>" for x in letters), *joined, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    return vocabulary
