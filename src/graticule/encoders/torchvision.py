"""Encoders of torchvision, for what timm lacks: ``torchvision/NAME``."""

from __future__ import annotations

from torch import nn
from torchvision import models

from graticule.errors import RecipeError


class _Features(nn.Module):
    """A network without its last pooling and classifier."""

    def __init__(self, features: nn.Module, num_features: int) -> None:
        super().__init__()
        self.features = features
        self.num_features = num_features


def build(name: str, *, published: bool) -> tuple[nn.Module, int]:
    """A torchvision classification network's feature part, and its channels.

    Raises:
        RecipeError: torchvision has no such network, or it keeps its features elsewhere.
    """
    if name not in models.list_models(module=models):
        raise RecipeError(f"torchvision has no classification network {name!r}")
    network = models.get_model(name, weights="DEFAULT" if published else None)
    features = getattr(network, "features", None)
    if features is None:
        children = dict(list(network.named_children())[:-2])  # the pooling and the classifier
        if not children or "avgpool" in children:
            raise RecipeError(f"torchvision/{name} keeps its features elsewhere; use timm's")
        from collections import OrderedDict

        features = nn.Sequential(OrderedDict(children))
    widths = [m.out_channels for m in features.modules() if isinstance(m, nn.Conv2d)]
    if not widths:
        raise RecipeError(f"torchvision/{name} is not convolutional; use timm's")
    return _Features(features, _last_width(features)), _last_width(features)


def _last_width(features: nn.Module) -> int:
    import torch

    was = features.training
    features.eval()
    with torch.no_grad():
        width = int(features(torch.zeros(1, 3, 224, 224)).shape[1])
    features.train(was)
    return width
