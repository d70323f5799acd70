"""Make a prompt model from a CLIP once: export both sides, encode the captions, write it all down.

StreetCLIP's way (Haas, Alberti & Skreta 2023): prompts over countries, then over their cities.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graticule import files
from graticule.errors import MissingExtraError
from graticule.systems import prompts, zero_shot
from graticule.systems.bundle import Bundle, Manifest
from graticule.systems.downloads import check_room

#: The most populous towns of each country that are asked for.
TOWNS = 30


def make_bundle(
    folder: Path,
    target: Path,
    *,
    name: str,
    about: str,
    licences: Sequence[str],
    words: Mapping[str, Any],
    towns: int = TOWNS,
) -> Bundle:
    """Write a bundle that runs without torch.

    Args:
        folder: of a CLIP, see :mod:`graticule.encoders.clip`.
        target: the bundle's folder.
        name: of the model.
        about: one line for its card.
        licences: of the weights, a line each.
        words: the prompts, see :func:`graticule.systems.prompts.wording`.
        towns: see :data:`TOWNS`.

    Raises:
        BundleError: the folder cannot be used, or the disk has no room.
        MissingExtraError: the ``clip`` extra is not installed.
    """
    check_extra()
    from graticule.encoders import clip

    model = clip.load(folder)
    partitions = prompts.places("", ("countries", "cities"), towns)
    places = sum(map(len, partitions.values()))
    check_room(target, model.weights.stat().st_size + 4 * model.dim * places)
    target.mkdir(parents=True, exist_ok=True)
    # The listing goes first and comes last: a bundle cut off while it is made anew is no bundle.
    (target / "system.json").unlink(missing_ok=True)
    clip.write(model, target)
    zero_shot.save_captions(target, partitions, words)
    for partition in partitions.values():
        partition.to_parquet(target / "partitions" / f"{partition.name}.parquet")
    with files.atomic(target / "MODEL_CARD.md") as card:
        card.write(_card(name, about, licences, places))
    return Bundle.seal(
        target,
        Manifest(
            name=name,
            system="zero_shot",
            inputs=(model.preprocess,),
            point_task="cities",
            settings={
                "levels": ["countries", "cities"],
                "prompts": dict(words),
                "logit_scale": model.scale,
            },
            provenance={"clip_sha256": files.sha256(model.weights)},
            licences=tuple(licences),
        ),
    )


def check_extra() -> None:
    """Say early that the extra is not installed.

    Raises:
        MissingExtraError: a package that makes the bundle is missing.
    """
    for package in ("torch", "transformers", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "clip", "making a prompt model")


def _card(name: str, about: str, licences: Sequence[str], places: int) -> str:
    lines = "\n".join(f"- {line}" for line in licences)
    return f"""# {name}

{about}. It answers zero-shot: the place whose caption lies nearest to the photo, first among the
countries, then among the {TOWNS} most populous towns of each; {places:,} captions, encoded once and
exported to ONNX by graticule.

## Calibration

**Not calibrated.** Its shares are a softmax over captions and no probabilities until
`graticule calibrate` has fitted them on photos of yours.

## What to know

- It can only name the towns it is asked about; a photo from elsewhere is put into one of them.
- An estimate is not proof of where a photo was taken, and not a means to find people.

## Licences

{lines}
"""
