"""OpenCLIP's checkpoints of a CLIP under timm's names: the image side, the text side left out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

#: OpenCLIP's beginning of the image side's names.
_SIDE = "visual."
#: Parts of OpenCLIP's names → of timm's, the longer ones first.
_PARTS = (
    ("transformer.resblocks.", "blocks."),
    ("ln_pre.", "norm_pre."),
    ("ln_post.", "norm."),
    ("ln_1.", "norm1."),
    ("ln_2.", "norm2."),
    ("attn.in_proj_", "attn.qkv."),
    ("attn.out_proj.", "attn.proj."),
    ("mlp.c_fc.", "mlp.fc1."),
    ("mlp.c_proj.", "mlp.fc2."),
    ("conv1.", "patch_embed.proj."),
)


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image side of an OpenCLIP checkpoint as timm's ViT has it; other files as they are."""
    if f"{_SIDE}class_embedding" not in state:
        return dict(state)
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        if not name.startswith(_SIDE):
            continue
        own = name.removeprefix(_SIDE)
        if own == "class_embedding":
            out["cls_token"] = value[None, None]
        elif own == "positional_embedding":
            out["pos_embed"] = value[None]
        elif own == "proj":
            out["head.weight"] = value.T
            out["head.bias"] = torch.zeros(value.shape[1])
        else:
            for theirs, ours in _PARTS:
                own = own.replace(theirs, ours)
            out[own] = value
    return out
