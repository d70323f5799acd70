"""Make a GeoCLIP bundle once: export both sides, encode the gallery, write it all down."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.cells.gallery import gallery
from graticule.errors import BundleError, MissingExtraError
from graticule.photos.preprocess import Preprocess
from graticule.systems.bundle import Bundle, Manifest

#: The input of CLIP ViT-L/14, as its own processor makes it.
INPUT = Preprocess(size=224, resize="clip", interpolation="bicubic")

LICENCES = (
    "GeoCLIP location encoder, image MLP and gallery: MIT (geoclip package)",
    "CLIP ViT-L/14: MIT (openai/clip-vit-large-patch14)",
)


def make_bundle(
    clip: Path,
    target: Path,
    *,
    points: npt.NDArray[np.float64] | None = None,
    name: str = "geoclip",
) -> Bundle:
    """Write a bundle that runs without torch.

    Args:
        clip: folder of CLIP ViT-L/14.
        target: the bundle's folder.
        points: a gallery of the user's, degrees (n, 2); the package's 100,000 by default.
        name: of the model.

    Raises:
        BundleError: the CLIP folder cannot be used.
        MissingExtraError: the ``geoclip`` extra is not installed.
    """
    check_extra()
    import torch

    from graticule.encoders import geoclip
    from graticule.encoders.export import export
    from graticule.systems.downloads import check_room

    if not (clip / "model.safetensors").is_file():
        raise BundleError(
            f"{clip / 'model.safetensors'}: missing; give the folder of CLIP ViT-L/14"
        )
    # The exported half of CLIP is smaller than the whole; the gallery, 512 numbers a point.
    n = 100_000 if points is None else len(points)
    check_room(target, (clip / "model.safetensors").stat().st_size + n * 512 * 4)
    side = geoclip.image_side(geoclip.load_clip(clip))
    places = geoclip.packaged_gallery() if points is None else points
    target.mkdir(parents=True, exist_ok=True)
    # The listing goes first and comes last: a bundle cut off while it is made anew is no bundle.
    (target / "system.json").unlink(missing_ok=True)
    example = torch.zeros((1, INPUT.size, INPUT.size, 3), dtype=torch.uint8)
    export(side, example, target / "encoder.onnx", input_name="pixels_0", outputs=("embedding",))
    # So that a gallery of the user's is encoded where torch is not.
    export(
        geoclip.location_side(),
        torch.zeros((1, 2)),
        target / "location.onnx",
        input_name="latlon",
        outputs=("embedding",),
    )
    with files.atomic(target / "gallery.npy", "wb") as out:
        np.save(out, geoclip.encode_gallery(places), allow_pickle=False)
    gallery(places).to_parquet(target / "partitions" / "gallery.parquet")
    with files.atomic(target / "MODEL_CARD.md") as card:
        card.write(_card(name, len(places)))
    return Bundle.seal(
        target,
        Manifest(
            name=name,
            system="geoclip",
            inputs=(INPUT,),
            point_task="gallery",
            settings={"logit_scale": geoclip.logit_scale()},
            provenance={"clip_sha256": files.sha256(clip / "model.safetensors")},
            licences=LICENCES,
        ),
    )


def check_extra() -> None:
    """Say early that the extra is not installed.

    Raises:
        MissingExtraError: a package that makes the bundle is missing.
    """
    for package in ("torch", "transformers", "geoclip", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "geoclip", "making the GeoCLIP bundle")


def _card(name: str, points: int) -> str:
    licences = "\n".join(f"- {line}" for line in LICENCES)
    return f"""# {name}

GeoCLIP (Vivanco Cepeda, Nayak & Shah, NeurIPS 2023, arXiv 2309.16020) over a gallery of {points:,}
points, exported to ONNX by graticule.

## Calibration

**Not calibrated.** Its shares follow the density of the gallery and are no probabilities until
`graticule calibrate` has fitted them on photos of yours.

## Licences

{licences}
"""
