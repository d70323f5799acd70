"""Which layers learn in which phase, said before a day is spent on it."""

from __future__ import annotations

import math

import numpy as np
import torch

from graticule.encoders import frozen, registry
from graticule.encoders.encoder import Encoder
from graticule.encoders.spec import EncoderSpec
from graticule.heads.head import Head
from graticule.training.network import Network
from graticule.training.recipe import NetworkSpec


def explain_network(name: str, spec: NetworkSpec) -> str:
    """A few lines a phase: the layers that learn, and how many parameters they hold.

    Nothing is loaded: the network is built empty, or at random.
    """
    start = spec.start
    if frozen.is_bundle(start.name):
        return f"{name}: {start.name} is frozen; only the head learns"
    network = Network(_built(start, empty=not spec.mapped), Head(8, {name: 2}, spec.head.hidden))
    assert network.encoder is not None
    total = sum(p.numel() for p in network.encoder.parameters())
    lines = [
        f"{name}: {start.name}, {len(network.encoder.layers())} layers, {total:,} parameters; "
        f"augmentation {spec.augment}; {_once(network, spec)}"
    ]
    lines += [f"  beside it, frozen: {_fused(other)}" for other in spec.fuse]
    for number, phase in enumerate(spec.phases):
        learning = network.learn(phase.learn)
        count = sum(p.numel() for p in network.encoder.parameters() if p.requires_grad)
        what = (
            f"{len(learning)} layers of the backbone ({count:,} parameters), {learning[0]} … "
            f"{learning[-1]}, and the head"
            if learning
            else "the head alone"
        )
        lines.append(
            f"  phase {number}: {phase.epochs} epochs at {phase.learning_rate:g} "
            f"({phase.schedule}): {what}"
        )
    if spec.stop.patience:
        watched = f"without a better validation {spec.stop.watch}"
        lines.append(f"  stops after {spec.stop.patience} epochs {watched}")
    return "\n".join(lines)


def _built(spec: EncoderSpec, *, empty: bool) -> Encoder:
    """The untrained encoder; without numbers if ``empty``, where its layers are all that is asked.

    To draw the 300 million numbers of a ViT-L/14 takes minutes, only to be counted.
    """
    bare = spec.model_copy(update={"weights": None, "pretrained": False, "segmentation": None})
    if not empty:
        return registry.build(bare)
    try:
        with torch.device("meta"):
            return registry.build(bare)
    except RuntimeError:  # a network that looks at its own numbers while it is built
        return registry.build(bare)


def _fused(spec: EncoderSpec) -> str:
    """Another encoder of the network, and what it sees where that is not the photo."""
    return spec.name + (f" on the map by {spec.segmentation}" if spec.segmentation else "")


def _once(network: Network, spec: NetworkSpec) -> str:
    """What runs once over the photos, if anything does."""
    if spec.cached:
        return "its vectors are kept, photos run once"
    if not spec.mapped:
        return "photos run every epoch"
    split = network.cut(spec.phases)
    each = math.prod(split.shape) * np.dtype(spec.map_precision).itemsize / 1e6
    size = " × ".join(map(str, split.shape))
    return f"its maps of {size} at {split.cut} are kept, {each:.2g} MB a photo; photos run once"
