"""A contrastive network as the start of others, inside one run: no bundle between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from graticule.encoders.spec import EncoderSpec
from graticule.systems.zero_shot import caption_job
from graticule.training.contrastive import Pretrained, image_encoder
from graticule.training.recipe import NetworkSpec, Recipe
from graticule.training.trainer import Result, Trainer

#: What a recipe calls the encoder that :func:`lend` lends it.
LENT = "bundle:captions"


def pretrain(trainer: Trainer, recipe: Recipe) -> tuple[Result, Pretrained]:
    """Train ``recipe`` (``contrastive-small`` …) on the training rows of a trainer.

    Args:
        trainer: rows, files and caches; its own recipe is left alone.
        recipe: of the system ``zero_shot``.

    Returns:
        The trained network, and its image side as a frozen encoder: unit vectors (n, shared) by
        ``encoder.vectors(files, cache)``.
    """
    own = dataclasses.replace(trainer, recipe=recipe, folder=trainer.folder / "captions")
    result = own.run(caption_job(trainer.rows, recipe.settings))
    return result, image_encoder(result)


def lend(trainer: Trainer, encoder: Pretrained, name: str = LENT) -> None:
    """Let the networks of a trainer name the pretrained encoder.

    ``encoder: {name: bundle:captions}`` puts it in the place of the recipe's own;
    ``fuse: [{name: bundle:captions}]`` beside it.
    """
    spec = NetworkSpec(encoder=EncoderSpec(name=name))
    trainer.encoders[spec.start.model_dump_json()] = encoder


def changes(*, beside: bool) -> Mapping[str, Any]:
    """The keys of a recipe that take the lent encoder, alone or beside the recipe's own."""
    spec = EncoderSpec(name=LENT)
    return {"fuse": (spec,)} if beside else {"encoder": spec}
