"""``graticule embed``: vectors of photos, kept for heads to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    download: Annotated[
        bool, typer.Option("--download", help="Allow published weights to be fetched.")
    ] = False,
) -> None:
    """Run an encoder once over a manifest; what is already in the folder is not run again.

    Example: graticule embed photos/manifest.csv --encoder bundled -o features/
    """
    import numpy as np
    from pydantic import ValidationError

    from graticule import files
    from graticule.encoders import frozen
    from graticule.encoders.spec import EncoderSpec
    from graticule.errors import GraticuleError
    from graticule.photos import manifest as manifests

    try:
        spec = EncoderSpec.model_validate(
            {
                "name": encoder,
                "weights": str(weights) if weights else None,
                "pretrained": download and weights is None,
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
