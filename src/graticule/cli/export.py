"""``graticule export``: a model's image side as one file, or a smaller copy of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[str, typer.Argument(help="A name from graticule models, or a folder.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="FILE.onnx: the image side; a folder: a whole model."),
    ],
    int8: Annotated[
        bool, typer.Option("--int8", help="Matrix products in eight bits: smaller and faster.")
    ] = False,
    photos: Annotated[
        list[str] | None,
        typer.Option(help="With a folder and --int8: photos or folders to measure the loss on."),
    ] = None,
) -> None:
    """Write the network that turns photos into vectors as one ONNX file; no torch from there on.

    Its input is uint8 (n, size, size, 3) RGB, the crop that the model's system.json describes;
    normalisation is inside. With --int8 and a folder the whole model is copied with a smaller
    encoder, and what that changes is measured on --photos and written into its card.

    Examples:
        graticule export geoclip -o geoclip.onnx
        graticule export geoclip --int8 -o geoclip-int8.onnx
        graticule export geoclip --int8 --photos holiday/ -o geoclip-int8/
    """
    import shutil

    from graticule.errors import BundleError
    from graticule.files import atomic_path
    from graticule.locate.locator import find_model
    from graticule.systems import exporting
    from graticule.systems.bundle import Bundle
    from graticule.systems.downloads import check_room, gigabytes

    bundle = Bundle(find_model(model))
    source = exporting.image_side(bundle)
    check_room(output.absolute().parent, source.stat().st_size)
    if output.suffix.lower() != ".onnx":
        if not int8:
            raise BundleError(f"{output}: name a file that ends in .onnx, or add --int8")
        made, loss = exporting.eight_bits(bundle, output, _found(photos or []))
        size = (made.path / "encoder.onnx").stat().st_size
        typer.echo(
            f"{output}: {made.manifest.name}, its encoder {gigabytes(size)} instead of "
            f"{gigabytes(source.stat().st_size)}"
        )
        typer.echo(
            f"graticule: {loss}"
            if loss
            else "graticule: the loss was not measured; give --photos to know it",
            err=True,
        )
        typer.echo(f"graticule: not calibrated; graticule locate PHOTOS --model {output}", err=True)
        return
    if photos:
        raise BundleError("--photos measures a whole model: give a folder as -o, with --int8")
    if int8:
        exporting.quantise(source, output)
    else:
        with atomic_path(output) as part:
            shutil.copyfile(source, part)
    typer.echo(
        f"{output}: pixels_0 uint8 (n, {bundle.manifest.inputs[0].size}, "
        f"{bundle.manifest.inputs[0].size}, 3) → embedding, {gigabytes(output.stat().st_size)}"
    )


def _found(photos: list[str]) -> list[Path]:
    from graticule.photos.inputs import find_photos

    complain = lambda words: typer.echo(f"graticule: {words}", err=True)  # noqa: E731
    return [Path(path) for path in find_photos(photos, complain)]
