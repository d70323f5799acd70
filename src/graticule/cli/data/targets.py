"""Where a command may write a manifest."""

from __future__ import annotations

from pathlib import Path

from graticule.errors import ManifestError


def beside(target: Path, photos: Path) -> Path:
    """``target``, which has to lie in the folder that its paths are relative to.

    Raises:
        ManifestError: it lies elsewhere; its photos would not be found.
    """
    if target.resolve().parent != photos.resolve():
        raise ManifestError(
            f"{target}: paths are relative to the manifest's folder; write it into {photos}"
        )
    return target
