"""Which encoders there are. A new one is one file and one line in :data:`FAMILIES`."""

from __future__ import annotations

import difflib
import importlib
import warnings
from typing import TYPE_CHECKING, Final

from graticule.errors import GraticuleWarning, MissingExtraError, RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    from graticule.encoders.encoder import Encoder
    from graticule.encoders.spec import EncoderSpec

#: Our own families → "module:function"; the function returns an untrained backbone.
FAMILIES: Final[dict[str, str]] = {
    "mobilenetv2": "graticule.encoders.mobilenetv2:MobileNetV2",
    "resnet50v2": "graticule.encoders.resnet50v2:resnet50v2",
    "resnet50v2_stage3": "graticule.encoders.resnet50v2:resnet50v2_stage3",
    "tiny": "graticule.encoders.tiny:Tiny",
}

#: Names of the documents' families in timm, for help texts and tests.
DOCUMENTED: Final = (
    "efficientnet_b0",
    "resnet50",
    "inception_v3",
    "vgg16",
    "mobilenetv2_100",
    "vit_base_patch16_224",
)


def list_encoders(pattern: str = "") -> list[str]:
    """Every name that contains ``pattern``: our own families first, then timm's if it is here."""
    names = list(FAMILIES)
    try:
        import timm
    except ImportError:
        pass
    else:
        names += timm.list_models()
    return [name for name in names if pattern in name]


def check_weights(spec: EncoderSpec, *, download: bool, key: str = "") -> None:
    """Refuse an encoder whose weights are neither on the disk nor may be fetched.

    Args:
        spec: the encoder.
        download: whether published weights may be fetched.
        key: where it stands in its recipe, for the message; "" where ``--weights`` reaches it.

    Raises:
        RecipeError: it has none.
    """
    if spec.pretrained and spec.weights is None and not download:
        raise RecipeError(
            f"encoder {spec.name}: the recipe starts from published weights; add --download to "
            f"fetch them, {_local(key)} for a local file, or --set "
            f"{key or 'encoder'}.pretrained=false"
        )
    if spec.segmentation is not None:
        from graticule.encoders import segmented

        segmented.check_weights(spec, download=download, key=key or "encoder")


def _local(key: str) -> str:
    """How the command line gives the encoder at ``key`` of a recipe a local file."""
    return f"--set {key}.weights=FILE" if key else "--weights FILE"


def build(
    spec: EncoderSpec, *, base: Path | None = None, download: bool = False, key: str = ""
) -> Encoder:
    """The encoder of a recipe, with its starting weights.

    Args:
        spec: what the recipe says.
        base: the folder that a relative ``spec.weights`` is looked for in.
        download: allow published weights to be fetched.
        key: see :func:`check_weights`.

    Raises:
        RecipeError: an unknown name, or weights that are missing or of another shape.
        DownloadError: published weights that cannot be had, or are not those of the first time.
        MissingExtraError: the ``train`` extra is not installed.
    """
    try:
        from graticule.encoders.encoder import Encoder
    except ImportError as error:
        raise MissingExtraError("torch", "train", "training an encoder") from error
    from graticule.encoders import published, weights

    if spec.name == "clip":
        from graticule.encoders import clip

        return clip.encoder(spec, base)
    check_weights(spec, download=download, key=key)
    if spec.pretrained and spec.weights is None:
        with published.fetching(spec.name, _local(key)):
            backbone, features = _backbone(spec, published=True)
        published.hold(backbone, spec)
    else:
        backbone, features = _backbone(spec, published=False)
    if spec.weights is not None:
        weights.load_into(backbone, spec.weights, base=base, sha256=spec.sha256, part=spec.partial)
    if spec.segmentation is not None:
        from graticule.encoders.segmented import Segmented, build_segmenter

        segmenter = build_segmenter(spec, base=base, download=download)
        return Segmented(segmenter, backbone, spec, features)
    return Encoder(backbone, spec, features)


def _backbone(spec: EncoderSpec, *, published: bool) -> tuple[object, int]:
    if spec.name in FAMILIES:
        if published:
            raise RecipeError(f"encoder {spec.name} has no published weights; give --weights FILE")
        module, attribute = FAMILIES[spec.name].split(":")
        backbone = getattr(importlib.import_module(module), attribute)()
        return backbone, int(backbone.num_features)
    if spec.name.startswith("torchvision/"):
        from graticule.encoders import torchvision

        return torchvision.build(spec.name.removeprefix("torchvision/"), published=published)
    import timm

    # `vgg16.tv_in1k`: timm keeps the weights' tag behind a dot; the architecture is before it.
    if spec.name.partition(".")[0] not in timm.list_models():
        near = difflib.get_close_matches(spec.name, list_encoders(), n=1)
        raise RecipeError(
            f"no encoder {spec.name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "; any timm name will do")
        )
    _warn_of_gelu(spec.name)
    if spec.pooling == "projection":
        if "clip" not in spec.name:
            raise RecipeError(
                f"encoder {spec.name}: pooling projection is for CLIP's image towers; use token"
            )
        whole = timm.create_model(spec.name, pretrained=published)
        return whole, int(whole.num_classes)
    # VGG's two dense layers belong to the head. Four in five of its weights are theirs: where no
    # published weights must fit, they are not drawn only to be thrown away.
    narrow = spec.name.startswith("vgg") and not published
    sizes = {"mlp_ratio": 1 / 4096} if narrow else {}
    backbone = timm.create_model(spec.name, pretrained=published, num_classes=0, **sizes)
    if hasattr(backbone, "pre_logits"):
        from torch import nn

        backbone.pre_logits = nn.Identity()
    return backbone, int(backbone.num_features)


def _warn_of_gelu(name: str) -> None:
    """OpenAI's CLIP learned with QuickGELU; timm has a name with it and one without.

    Raises:
        RecipeError: the network has no weights of the name's tag.
    """
    import timm

    try:
        settings = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        known = ", ".join(timm.list_pretrained(name.partition(".")[0]))
        raise RecipeError(f"no encoder {name!r}; timm has {known or 'no weights of it'}") from error
    notes = " ".join(getattr(settings, "notes", None) or ()).lower()
    if "quickgelu" in notes and "quickgelu" not in name:
        warnings.warn(
            f"encoder {name}: its weights learned with QuickGELU, which this name leaves out; "
            f"{name.replace('_clip_', '_clip_quickgelu_')} gives the published vectors",
            GraticuleWarning,
            stacklevel=3,
        )
