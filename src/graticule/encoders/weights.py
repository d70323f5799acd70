"""Weights from files that cannot run code, and a hash that says which weights they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from graticule import files
from graticule.encoders import open_clip
from graticule.errors import GraticuleError, RecipeError


def read(path: str | Path) -> dict[str, Tensor]:
    """Tensors by name from ``.safetensors``, or from a ``.pth`` that holds tensors and no code.

    Raises:
        GraticuleError: the file is missing, broken, or holds objects other than tensors.
    """
    file = Path(path)
    if not file.is_file():
        raise GraticuleError(f"{file}: no such file of weights; see --weights")
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        try:
            return dict(load_file(file))
        except Exception as error:  # safetensors' own error has no public base class
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise GraticuleError(f"{file}: broken weights ({words}); get the file again") from error
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a dozen kinds, by what the file is instead
        raise GraticuleError(
            f"{file}: not a file of weights alone; convert it to .safetensors"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise GraticuleError(f"{file}: not a table of tensors by name")
    return {str(k).removeprefix("module."): v for k, v in found.items()}


def load_into(
    module: nn.Module,
    path: str | Path,
    *,
    base: Path | None = None,
    sha256: str | None = None,
    part: bool = False,
) -> list[str]:
    """Fill a module from a file; a classifier the module does not have is left out.

    Args:
        module: what to fill; its own ``translate`` maps the file's names, if it has one. OpenCLIP's
            names are known without.
        path: the file.
        base: where a relative path is looked for first.
        sha256: refuse a file with another checksum.
        part: accept that the file leaves out tensors, which keep their values.

    Returns:
        Names of the tensors that the file did not have.

    Raises:
        GraticuleError: see :func:`read`; another checksum, another shape, or tensors missing.
    """
    file = Path(path).expanduser()
    if base is not None and not file.is_absolute() and (base / file).is_file():
        file = base / file
    if sha256 and file.is_file() and files.sha256(file) != sha256:
        raise GraticuleError(f"{file}: not the file the recipe asks for (SHA-256 differs)")
    state = read(file)
    translate = getattr(module, "translate", None)
    state = translate(state) if callable(translate) else open_clip.timm_names(state)
    return fill(module, state, name=str(file), part=part)


def fill(
    module: nn.Module, state: Mapping[str, Tensor], *, name: str, part: bool = False
) -> list[str]:
    """Copy tensors into a module by name; see :func:`load_into`."""
    own = module.state_dict()
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    for key, value in own.items():
        if key in state and state[key].shape != value.shape:
            raise RecipeError(
                f"{name}: {key} has shape {tuple(state[key].shape)}, the network wants "
                f"{tuple(value.shape)}; are these the weights of another encoder?"
            )
    if missing and (not part or len(missing) == len(own)):
        raise RecipeError(
            f"{name}: {len(missing)} of {len(own)} tensors are not in it, {missing[0]} first; set "
            "encoder.partial=true if they shall start at random"
        )
    kept = {k: state[k].to(v.dtype) if k in state else v for k, v in own.items()}
    module.load_state_dict(kept)
    return missing


def digest(module: nn.Module) -> str:
    """SHA-256 over the names and bytes of a module's tensors, in order of name."""
    total = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
