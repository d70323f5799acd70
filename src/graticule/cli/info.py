"""``graticule info``: what is installed, and what this machine can run."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from graticule.version import __version__

#: Extra → the package whose presence means that it is installed.
EXTRAS = {"train": "torch", "report": "matplotlib", "index": "faiss-cpu", "geoclip": "geoclip"}


def info() -> None:
    """Say which version this is, what it runs on, and which extras are installed.

    Example: graticule info
    """
    typer.echo(f"graticule {__version__} on Python {platform.python_version()}")
    for package in ("numpy", "onnxruntime", "pillow", "shapely", "pyarrow"):
        typer.echo(f"  {package} {version(package)}")
    for extra, package in EXTRAS.items():
        try:
            typer.echo(f"  [{extra}] {package} {version(package)}")
        except PackageNotFoundError:
            typer.echo(f"  [{extra}] not installed: pip install 'graticule[{extra}]'")
