"""``graticule info``: what is installed, what can run here, and whether a bundle is whole."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from graticule.version import __version__

#: Extra → the package whose presence means that it is installed.
EXTRAS = {"train": "torch", "report": "matplotlib", "index": "faiss-cpu", "geoclip": "geoclip"}


def info(
    bundle: Annotated[
        str | None,
        typer.Argument(help="A name from graticule models, or a bundle folder, to check whole."),
    ] = None,
) -> None:
    """Say which version this is, what it runs on, which models and extras are installed.

    With a bundle: read every file of it and compare its checksum, as no start does for large ones.

    Examples:
        graticule info
        graticule info geoclip
    """
    if bundle is not None:
        _check(bundle)
        return
    from graticule.encoders.onnx import available_cores
    from graticule.files import cache_dir
    from graticule.locate.locator import installed_models

    typer.echo(f"graticule {__version__} on Python {platform.python_version()}")
    for package in ("numpy", "onnxruntime", "pillow", "shapely", "pyarrow"):
        typer.echo(f"  {package} {version(package)}")
    for extra, package in EXTRAS.items():
        try:
            typer.echo(f"  [{extra}] {package} {version(package)}")
        except PackageNotFoundError:
            typer.echo(f"  [{extra}] not installed: pip install 'graticule[{extra}]'")
    typer.echo(f"  cores to run on: {available_cores()}")
    typer.echo(f"  models: {', '.join(installed_models()) or 'none'}")
    typer.echo(f"  cache: {cache_dir()}")


def _check(name: str) -> None:
    from graticule.locate.locator import find_model
    from graticule.systems.bundle import Bundle
    from graticule.systems.downloads import gigabytes

    bundle = Bundle(find_model(name), anew=True)
    about = bundle.manifest
    size = sum(bundle.file(file).stat().st_size for file in about.files)
    typer.echo(f"{bundle.path}: {about.name}, version {about.version}, system {about.system}")
    typer.echo(f"  {len(about.files)} files, {gigabytes(size)}: every checksum is right")
    typer.echo(f"  SHA-256 of the bundle: {bundle.sha256}")
