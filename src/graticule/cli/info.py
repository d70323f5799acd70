"""``graticule info``: what is installed, and what this machine can run."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from graticule.version import __version__

#: Extra → the package whose presence means that it is installed.
EXTRAS = {"train": "torch", "report": "matplotlib", "index": "faiss-cpu", "geoclip": "geoclip"}


def info() -> None:
    """Say which version this is, what it runs on, which models and extras are installed.

    Example: graticule info
    """
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
