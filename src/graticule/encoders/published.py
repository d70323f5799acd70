"""Weights that a library publishes: fetched when asked, and the same ever after.

Neither timm's registry nor the hub states a checksum before the download. So the first weights of
a name are written down, and later ones must be those; a recipe that knows them pins them with
``encoder.sha256``. torchvision checks its files itself, by the start of their SHA-256.
"""

from __future__ import annotations

import datetime
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from graticule import files
from graticule.encoders.spec import EncoderSpec
from graticule.encoders.weights import digest
from graticule.errors import DownloadError, GraticuleError, GraticuleWarning


@contextmanager
def fetching(name: str, local: str) -> Iterator[None]:
    """Run what may fetch weights; what goes wrong is one line.

    Args:
        name: of the encoder.
        local: how a local file is given in place of the download.

    Raises:
        DownloadError: they cannot be had.
    """
    try:
        yield
    except GraticuleError:
        raise
    except Exception as error:  # a dozen kinds, of hub, HTTP library, disk and network
        words = str(error).strip().splitlines()
        why = words[0].rstrip(".") if words else type(error).__name__
        why = textwrap.shorten(why, 100, placeholder=" …")
        raise DownloadError(
            f"encoder {name}: its published weights could not be fetched ({why}); check the "
            f"network, or give a local file: {local}"
        ) from error


def hold(backbone: nn.Module, spec: EncoderSpec) -> None:
    """Refuse published weights that are not the pinned ones, or not those of the first time.

    Args:
        backbone: with the weights as they came.
        spec: of the encoder; ``sha256`` pins them. It is that of the tensors, as a bundle's
            ``system.json`` states it for an encoder that did not learn.

    Raises:
        DownloadError: they are others.
    """
    found = digest(nn.ModuleDict({"backbone": backbone}))
    name = _tagged(spec)
    if spec.sha256:
        if found != spec.sha256:
            raise DownloadError(
                f"encoder {name}: the published weights are not those the recipe pins (SHA-256 of "
                f"the tensors {found}, encoder.sha256 says {spec.sha256})"
            )
        return
    note = record(name)
    if not note.is_file():
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        try:
            files.write_json(note, {"encoder": name, "sha256": found, "first_fetched": today})
        except (OSError, GraticuleError) as error:
            words = f"{note}: cannot be written ({error}); later weights cannot be held to these"
            warnings.warn(words, GraticuleWarning, stacklevel=3)
        return
    known = files.read_json(note)
    if known.get("sha256") != found:
        raise DownloadError(
            f"encoder {name}: the published weights are not those first fetched on "
            f"{known.get('first_fetched')} (SHA-256 of the tensors {found[:16]}…, then "
            f"{str(known.get('sha256'))[:16]}…); if that is meant, remove {note}"
        )


def record(name: str) -> Path:
    """The note on which weights of a name came first."""
    return files.cache_dir() / "published" / f"{name.replace('/', '-')}.json"


def _tagged(spec: EncoderSpec) -> str:
    """The name with the tag of its weights, which without one is timm's choice of the day."""
    name = spec.name
    if "/" not in name and "." not in name:
        import timm

        config = timm.get_pretrained_cfg(name)
        tag = config.tag if config is not None else ""
        name = f"{name}.{tag}" if tag else name
    return f"{name}+projection" if spec.pooling == "projection" else name
