"""Arrays in one safetensors file, as the refiners of a bundle keep what they learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import BundleError


def write(path: str | Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays by name, whole or not at all."""
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    with files.atomic(path, "wb") as handle:
        handle.write(content)


def read(path: str | Path, names: Iterable[str], what: str) -> dict[str, npt.NDArray[Any]]:
    """Read what :func:`write` wrote.

    Args:
        path: the file.
        names: of the arrays; others are passed over.
        what: the file holds, in words for a person.

    Raises:
        BundleError: it is no such file, or an array is missing.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
        return {name: found[name] for name in names}
    except (OSError, SafetensorError, KeyError) as error:
        raise BundleError(f"{path}: not {what}; get the bundle again") from error
