"""Where networks start beside their recipe: at those of the same name in a bundle (``--init``)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from graticule.encoders import weights
from graticule.encoders.encoder import Encoder
from graticule.encoders.spec import EncoderSpec
from graticule.errors import GraticuleWarning, RecipeError
from graticule.systems.bundle import Bundle
from graticule.training.network import Network


class Start:
    """The networks of an earlier bundle, or none.

    Attributes:
        key: hash of the bundle, "" without one; checkpoints must agree on it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open the bundle.

        Raises:
            BundleError: it is none, or broken.
            RecipeError: it keeps no network to start from.
        """
        self._bundle = None if folder is None else Bundle(folder)
        self.key = "" if self._bundle is None else self._bundle.sha256
        if self._bundle is not None and not self._names:
            raise RecipeError(
                f"--init {self._bundle.path}: keeps no weights to start from (weights/); only "
                "bundles of graticule train do"
            )

    @property
    def _names(self) -> list[str]:
        listed = () if self._bundle is None else self._bundle.manifest.files
        return [Path(file).stem for file in listed if file.startswith("weights/")]

    def tensors(self, name: str) -> dict[str, Tensor]:
        """All tensors of a network by name; none where the bundle does not have it."""
        if self._bundle is None or name not in self._names:
            return {}
        return weights.read(self._bundle.file(f"weights/{name}.safetensors"))

    def encoder(self, name: str) -> dict[str, Tensor]:
        """Those of a network's encoder; none where it learned from kept vectors."""
        stem = "encoder."
        found = self.tensors(name)
        return {k.removeprefix(stem): v for k, v in found.items() if k.startswith(stem)}

    def fill_encoder(self, module: Encoder, given: Mapping[str, Tensor], name: str) -> None:
        """Put tensors of :meth:`encoder` into an encoder.

        Raises:
            RecipeError: they are of another encoder.
        """
        own = module.state_dict()
        for key in sorted(own.keys() | given.keys()):
            theirs, wanted = (tuple(t[key].shape) if key in t else None for t in (given, own))
            if theirs != wanted:
                raise RecipeError(
                    f"--init: the encoder of its network {name} is not {module.spec.name} as this "
                    f"recipe has it ({key}: {theirs or 'none'}, here {wanted or 'none'}); start "
                    "from a bundle of the same encoder"
                )
        weights.fill(module, given, name="--init")

    def fill(self, network: Network, name: str, encoder: str) -> None:
        """Put a network's tensors into one of this recipe, as far as they fit.

        Args:
            network: its encoder, if it starts at the bundle's, is filled already.
            name: of the network.
            encoder: hash of its encoder's weights.

        Raises:
            RecipeError: nothing of it fits, or its head learned over another encoder.
        """
        if self._bundle is None:
            return
        found = self.tensors(name)
        if not found:
            warnings.warn(
                f"--init: {self._bundle.path} has no network {name} (it has "
                f"{', '.join(self._names)}); it starts as the recipe says",
                GraticuleWarning,
                stacklevel=2,
            )
            return
        own = network.state_dict()
        theirs = found.get("head.mean")
        if theirs is not None and "head.mean" in own and len(theirs) != len(own["head.mean"]):
            raise RecipeError(
                f"--init: the head of its network {name} wants vectors of {len(theirs)} "
                f"numbers, this recipe's encoder gives {len(own['head.mean'])}; start from a "
                "bundle of the same encoder"
            )
        networks = self._bundle.manifest.provenance.get("networks", {})
        below = networks.get(name, {}).get("sha256", encoder)
        if below != encoder:
            raise RecipeError(
                f"--init: the head of its network {name} learned over an encoder with other "
                f"weights ({below[:8]}…) than this recipe's ({encoder[:8]}…); give the recipe the "
                "encoder that it was trained with"
            )
        fitting = {k: v for k, v in found.items() if k in own and own[k].shape == v.shape}
        if not fitting:
            raise RecipeError(f"--init: nothing in its network {name} fits this recipe's")
        weights.fill(network, fitting, name="--init", part=True)

    def story(self, names: list[str]) -> dict[str, object] | None:
        """What a bundle's provenance says of it, of the networks that were trained."""
        if self._bundle is None:
            return None
        held = [name for name in names if name in self._names]
        return {"bundle": self._bundle.path.name, "sha256": self.key, "networks": held}


def unfilled(spec: EncoderSpec) -> EncoderSpec:
    """An encoder whose starting weights are given otherwise: none is read, none is fetched."""
    if spec.name == "clip":
        return spec  # its folder says what it is, too
    return spec.model_copy(
        update={
            "weights": None,
            "sha256": None,
            "pretrained": False,
            "segmentation_weights": None,
            "segmentation_pretrained": False,
        }
    )
