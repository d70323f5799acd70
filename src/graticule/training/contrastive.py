"""Image against caption: what the trainer and the loop need to learn a CLIP by a recipe.

Captions are made from where photos were taken (:mod:`graticule.atlas.captions`); the loss is CLIP's
(Radford et al. 2021) over the *distinct* captions of a batch, since many photos share a town.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders import text_side
from graticule.encoders.encoder import Encoder
from graticule.encoders.export import export
from graticule.encoders.frozen import Frozen
from graticule.encoders.fused import Fused
from graticule.encoders.text_tower import TextTower
from graticule.encoders.tokenizer import ByteTokenizer, Tokenizer
from graticule.encoders.weights import digest
from graticule.errors import RecipeError
from graticule.heads.contrast import Contrast, projection
from graticule.systems.plan import CaptionTask
from graticule.training.loader import Batch, Batches
from graticule.training.network import Network
from graticule.training.recipe import NetworkSpec

if TYPE_CHECKING:
    from graticule.encoders.cache import Float32Array
    from graticule.training.trainer import Result

IntArray = npt.NDArray[np.int64]

#: The name of the one output and of the one loss.
TASK = "captions"


@dataclass(frozen=True)
class Pair:
    """A batch's photos and its distinct captions."""

    x: Tensor
    ids: Tensor

    def to(self, device: Any, non_blocking: bool = False) -> Pair:
        """Both on a device."""
        return Pair(
            self.x.to(device, non_blocking=non_blocking),
            self.ids.to(device, non_blocking=non_blocking),
        )


class TwoTowers(Network):
    """An encoder and :class:`Contrast`; without an encoder it takes the vectors themselves."""

    head: Contrast

    def forward(self, x: Pair) -> Mapping[str, Tensor]:
        """Scaled cosines of the batch's photos with its captions, (photos, captions)."""
        return {TASK: self.head(self.vectors(x.x), x.ids)}


def loss(logits: Tensor, target: Tensor, _places: Tensor | None = None) -> Tensor:
    """CLIP's symmetric loss where several photos may have one caption.

    Image to text: cross-entropy over the captions. Text to image: the same over the photos, against
    an equal share for each photo of the caption, less that share's entropy, so that a perfect match
    has no loss. With one photo a caption it is CLIP's own, pseudocode of figure 3.

    Args:
        logits: (n, u) scaled cosines.
        target: int64 (n,) each photo's caption, −1 for none.
    """
    known = target >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    rows, own = logits[known], target[known]
    to_text = functional.cross_entropy(rows, own)
    log_p = torch.log_softmax(rows, dim=0)[torch.arange(len(own), device=own.device), own]
    alike = torch.bincount(own, minlength=logits.shape[1])[own].to(logits)
    to_image = -(log_p + alike.log()).mean()
    return (to_text + to_image) / 2


class CaptionLoader:
    """Batches of another loader with the captions of their rows."""

    def __init__(
        self, inner: Batches, task: CaptionTask, tokenizer: Tokenizer, seed: int, *, learning: bool
    ) -> None:
        """Caption the batches of ``inner``, whose targets hold the rows under :data:`TASK`.

        Args:
            inner: photos or vectors.
            task: captions, and how they are drawn.
            tokenizer: texts → numbers.
            seed: of the draws.
            learning: draw level and sentences anew; else always by town, as in epoch nought.
        """
        self.inner, self.task, self.tokenizer = inner, task, tokenizer
        self.seed, self.learning = seed, learning
        self._epoch = 0

    @property
    def bad(self) -> int:
        """Photos that could not be read."""
        return int(self.inner.bad)

    def set(self, order: IntArray, epoch: int) -> None:
        """Choose the rows of the next pass and the epoch that their captions are drawn for."""
        self._epoch = epoch if self.learning else 0
        self.inner.set(order, epoch)

    def __len__(self) -> int:
        return len(self.inner)

    def __iter__(self) -> Iterator[Batch]:
        for number, batch in enumerate(self.inner):
            known = (batch.targets[TASK] >= 0).numpy()
            rows = batch.rows.numpy()[known]
            texts = self.task.captions.draw(
                rows,
                level=self._level(number),
                keep=self.task.keep,
                seed=self.seed,
                epoch=self._epoch,
            )
            distinct, own = np.unique(texts.astype(np.str_), return_inverse=True)
            target = np.full(len(known), -1, dtype=np.int64)
            target[known] = own
            ids = self.tokenizer([str(text) for text in distinct] or [""])
            yield Batch(
                Pair(batch.x, torch.from_numpy(ids)),
                {TASK: torch.from_numpy(target)},
                batch.places,
                batch.rows,
            )

    def _level(self, batch: int) -> int:
        if not self.learning:
            return 0
        p = np.array(self.task.levels, dtype=np.float64)
        rng = np.random.default_rng([self.seed, self._epoch, batch, 13])
        return int(rng.choice(len(p), p=p / p.sum()))


@dataclass(frozen=True)
class Towers:
    """What one contrastive network is built from."""

    network: TwoTowers
    tokenizer: Tokenizer


def build(
    task: CaptionTask,
    spec: NetworkSpec,
    encoder: Frozen | Fused,
    module: Encoder | None,
    base: Path | None,
) -> Towers:
    """The network of a recipe: CLIP's own two sides, or a projection and a small text tower.

    Raises:
        RecipeError: fused encoders, which have no one graph.
    """
    if isinstance(encoder, Fused):
        raise RecipeError("contrastive training takes one encoder; leave out fuse")
    pieces: Tokenizer
    if spec.encoder.name == "clip":
        from graticule.encoders import clip

        # Once more from the disk: the image side may be shared with other networks.
        own = clip.load(clip.folder_of(spec.encoder, base))
        head = Contrast(nn.Identity(), own.text, encoder.dim, own.scale)
        pieces = own.pieces
    else:
        side = projection(encoder.dim, task.shared, spec.head.hidden, spec.head.dropout)
        head = Contrast(side, TextTower(task.shared), encoder.dim)
        pieces = ByteTokenizer(task.bytes)
    return Towers(TwoTowers(None if spec.cached else module, head), pieces)


def fingerprint(task: CaptionTask) -> str:
    """A hash of the captions and of how they are drawn: part of a checkpoint's key."""
    about = (task.shared, task.keep, task.levels, task.bytes)
    digest_ = hashlib.sha256(repr(about).encode())
    for column in (task.captions.place, task.captions.extras):
        digest_.update("\n".join(column.ravel().tolist()).encode())
    return digest_.hexdigest()


class Projected(nn.Module):
    """Pixels, or an encoder's vectors, → unit vectors of the shared space."""

    def __init__(self, encoder: nn.Module | None, head: Contrast) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, x: Tensor) -> Tensor:
        """Encode a batch."""
        return self.head.images(x if self.encoder is None else self.encoder(x))


@dataclass(frozen=True)
class Pretrained(Frozen):
    """A contrastively trained image side as a frozen encoder, over vectors that are kept already.

    Attributes:
        inner: the encoder below the projection.
        head: the projection.
    """

    inner: Frozen | None = None
    head: Any = None

    def vectors(self, paths: Any, root: Path, *, view: str = "", batch: int = 32) -> Float32Array:
        """Unit vectors of photos; only the encoder below runs, or its cache answers."""
        assert self.inner is not None
        below = self.inner.vectors(paths, root, view=view, batch=batch)
        with torch.inference_mode():
            out: Float32Array = self.head.images(torch.from_numpy(below)).numpy()
        return out


def image_encoder(result: Result) -> Pretrained:
    """The image side of a trained contrastive network, for networks that start from it.

    Its vectors are unit vectors of the shared space; NaN stays NaN for a photo that was not read.
    """
    inner, head = result.encoder, result.network.head
    if not isinstance(inner, Frozen) or not isinstance(head, Contrast):
        raise RecipeError(f"network {result.job.name} was not trained on captions")
    module = None if inner.module is None else Projected(inner.module, head).eval()

    def encode(pixels: npt.NDArray[np.uint8]) -> Float32Array:
        with torch.inference_mode():
            out: Float32Array = head.images(torch.from_numpy(inner.encode(pixels))).numpy()
        return out

    with torch.no_grad():
        dim = int(head.images(torch.zeros(1, inner.dim)).shape[1])
    return Pretrained(
        label=f"{inner.label}+captions",
        weights=hashlib.sha256((inner.weights + digest(head)).encode()).hexdigest(),
        preprocess=inner.preprocess,
        encode=encode,
        dim=dim,
        onnx=None if module is not None else inner.onnx,
        module=module,
        inner=inner,
        head=head,
    )


def write_sides(result: Result, tokenizer: Tokenizer, folder: Path) -> None:
    """``encoder.onnx`` (pixels → unit vectors), ``text.onnx`` and ``tokenizer.json``."""
    encoder, head = result.encoder, result.network.head
    assert isinstance(encoder, Frozen)
    assert isinstance(head, Contrast)
    size = encoder.preprocess.size
    if encoder.module is not None:
        side = Projected(encoder.module.to("cpu"), head).eval()
        example = torch.zeros(1, size, size, 3, dtype=torch.uint8)
        export(
            side, example, folder / "encoder.onnx", input_name="pixels_0", outputs=("embedding",)
        )
    else:
        _join(encoder, head, folder / "encoder.onnx")
    text_side.write(head.text_side, tokenizer, folder)


def _join(encoder: Frozen, head: Contrast, path: Path) -> None:
    """A bundle's encoder is a graph and no module: the projection's graph goes behind it."""
    import onnx
    from onnx import compose

    from graticule import files

    assert encoder.onnx is not None
    tail_path = path.with_name("projection.onnx")
    export(
        Projected(None, head).eval(),
        torch.zeros(1, encoder.dim),
        tail_path,
        input_name="vectors",
        outputs=("unit",),
    )
    first, tail = onnx.load(encoder.onnx), onnx.load(tail_path)
    tail_path.unlink()
    newest = max(op.version for op in first.opset_import if op.domain in {"", "ai.onnx"})
    tail = onnx.version_converter.convert_version(tail, newest)
    tail.ir_version = first.ir_version
    made = compose.merge_models(
        compose.add_prefix(first, "encoder_"),
        compose.add_prefix(tail, "projection_"),
        io_map=[("encoder_embedding", "projection_vectors")],
    )
    for old, new in (("encoder_pixels_0", "pixels_0"), ("projection_unit", "embedding")):
        for value in (*made.graph.input, *made.graph.output):
            value.name = new if value.name == old else value.name
        for node in made.graph.node:
            for names in (node.input, node.output):
                for number, name in enumerate(names):
                    names[number] = new if name == old else name
    onnx.checker.check_model(made)
    with files.atomic_path(path) as target:
        onnx.save(made, target)
