"""``graticule embed``: vectors of photos, kept for heads to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli import training


def embed(
    manifest: Annotated[Path, typer.Argument(help="The table of photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the feature cache.")],
    encoder: Annotated[
        str,
        typer.Option(help="bundled, bundle:FOLDER, or an encoder by name (any timm name)."),
    ] = "bundled",
    weights: Annotated[
        Path | None, typer.Option(help="Weights of the encoder, .safetensors or .pth.")
    ] = None,
    pooling: Annotated[
        str, typer.Option(help="avg, max, sqrt, root, gem, flatten, token or projection.")
    ] = "avg",
    normalise: Annotated[str, typer.Option(help="imagenet, half, unit or clip.")] = "imagenet",
    size: Annotated[int, typer.Option(min=8, help="Side of the encoder's input in pixels.")] = 224,
    array: Annotated[
        Path | None, typer.Option(help="Also write the vectors, row by row, to this .npy.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Photos at a time.")] = 32,
    device: training.Device = "auto",
    download: training.Download = False,
    random: Annotated[
        int | None,
        typer.Option(
            "--random", min=0, help="Weights drawn by this seed, for tests: they know nothing."
        ),
    ] = None,
) -> None:
    """Run an encoder once over a manifest; what is already in the folder is not run again.

    An encoder by name wants weights: a file (--weights), or those that timm or torchvision publish
    (--download).

    Example: graticule embed photos/manifest.csv --encoder bundled -o features/

    Or graticule embed photos/manifest.csv --encoder vgg16.tv_in1k --download -o features/
    """
    import numpy as np
    from pydantic import ValidationError

    from graticule import files
    from graticule.encoders import frozen
    from graticule.encoders.spec import EncoderSpec
    from graticule.errors import GraticuleError
    from graticule.photos import manifest as manifests

    _check_start(encoder, weights, download=download, random=random)
    if not frozen.is_bundle(encoder):
        training.need_torch("graticule embed")
        import torch

        from graticule.training.run import pick_device

        device = pick_device(device)
        torch.manual_seed(random or 0)
    try:
        spec = EncoderSpec.model_validate(
            {
                "name": encoder,
                "weights": str(weights) if weights else None,
                "pretrained": download,
                "pooling": pooling,
                "normalise": normalise,
                "preprocess": {"size": size, "resize": "squash"},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise GraticuleError(f"--{first['loc'][-1]} {first['input']}: {first['msg']}") from error
    paths = manifests.read(manifest).files()
    found = frozen.open_encoder(spec, download=download, device=device)
    vectors = found.vectors(paths, output, batch=batch)
    unread = int(np.isnan(vectors[:, 0]).sum())
    if array is not None:
        with files.atomic_path(array) as part, part.open("wb") as handle:
            np.save(handle, vectors)
    typer.echo(
        f"{len(vectors) - unread} photos, {vectors.shape[1]} numbers each, in {output}"
        + (f"; {unread} could not be read" if unread else "")
    )


def _check_start(encoder: str, weights: Path | None, *, download: bool, random: int | None) -> None:
    """Refuse an encoder that would start at random unasked, or one start too many.

    Raises:
        GraticuleError: ``--weights``, ``--download`` and ``--random`` say none, or more than one.
    """
    from graticule.encoders import frozen
    from graticule.errors import GraticuleError

    given = [
        name
        for name, there in (
            ("--weights", weights is not None),
            ("--download", download),
            ("--random", random is not None),
        )
        if there
    ]
    if frozen.is_bundle(encoder):
        if given:
            raise GraticuleError(f"{given[0]}: encoder {encoder} has its weights in its bundle")
        return
    if len(given) > 1:
        raise GraticuleError(f"{' and '.join(given)}: an encoder starts from one of them")
    if not given:
        raise GraticuleError(
            f"--encoder {encoder}: say which weights: --weights FILE, --download for the published "
            "ones, or --random SEED for a test"
        )
