"""A model's image side as one ONNX file, in eight bits where that is wanted, and what it costs."""

from __future__ import annotations

import importlib.util
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import calibration, files, sphere
from graticule.errors import BundleError, MissingExtraError, PhotoError
from graticule.novelty import FILE as NOVELTY_FILE
from graticule.progress import track
from graticule.systems.bundle import Bundle
from graticule.systems.registry import load_system
from graticule.systems.system import Pixels, System

#: Answers that are compared.
FIRST = 50
_BATCH = 8


@dataclass(frozen=True)
class Loss:
    """What eight bits change in the answers of a model, measured on photos.

    Attributes:
        photos: it was measured on.
        top_1: share of photos whose likeliest cell is the same.
        top_50: share of the first fifty cells that both have, mean over the photos.
        median_km: median distance between the two points.
        p90_km: nine of ten photos move less.
        cosine: mean cosine of the two vectors.
    """

    photos: int
    top_1: float
    top_50: float
    median_km: float
    p90_km: float
    cosine: float

    def __str__(self) -> str:
        return (
            f"on {self.photos} photos the likeliest place is the same in {self.top_1:.1%}, "
            f"{self.top_50:.1%} of the first {FIRST} are shared, and points move "
            f"{self.median_km:,.0f} km in the median ({self.p90_km:,.0f} km at nine of ten)"
        )


def image_side(bundle: Bundle) -> Path:
    """The network of a bundle that takes pixels.

    Raises:
        BundleError: it has none, or several.
    """
    if not bundle.has("encoder.onnx"):
        raise BundleError(
            f"{bundle.manifest.name}: its networks are {', '.join(networks(bundle)) or 'none'}, "
            "not one encoder.onnx that could be written to one file"
        )
    return bundle.file("encoder.onnx")


def networks(bundle: Bundle) -> list[str]:
    """Names of a bundle's ONNX files."""
    return [name for name in bundle.manifest.files if name.endswith(".onnx")]


def quantise(source: Path, target: Path) -> None:
    """Write a graph whose matrix products run in eight bits; whole or not at all.

    Weights are quantised by output channel, activations as they come (ONNX Runtime's dynamic
    quantisation). Convolutions stay as they are: the first is all that CLIP has.

    Raises:
        MissingExtraError: the package ``onnx`` is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError("onnx", "geoclip", "eight bits")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)  # it advises on preprocessing, on the root logger
    with files.atomic_path(target) as part:
        quantize_dynamic(
            source,
            part,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


def eight_bits(bundle: Bundle, target: Path, photos: Sequence[Path]) -> tuple[Bundle, Loss | None]:
    """Write a copy of a bundle whose encoder runs in eight bits, and measure what that changes.

    The copy is not calibrated: its vectors are others, so ``graticule calibrate`` comes again.

    Args:
        bundle: with one ``encoder.onnx``.
        target: a folder that does not exist yet.
        photos: to measure on; without any, nothing is known of the loss, and the card says so.

    Raises:
        BundleError: the target exists, or the bundle has no single encoder.
    """
    source = image_side(bundle)
    if target.exists():
        raise BundleError(f"{target}: exists; choose another -o")
    quantised = target / "encoder.onnx"
    try:
        for name in bundle.manifest.files:
            if name not in {"encoder.onnx", "calibration.json", NOVELTY_FILE}:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(bundle.file(name), target / name)
        quantise(source, quantised)
        about = bundle.manifest.model_copy(
            update={
                "name": f"{bundle.manifest.name}-int8",
                "provenance": {**bundle.manifest.provenance, "encoder": "int8, dynamic"},
            }
        )
        made = Bundle.seal(target, about)
        loss = measured(load_system(bundle.path), load_system(target), photos) if photos else None
        said = "not measured" if loss is None else str(loss)
        with files.atomic(target / "MODEL_CARD.md") as card:
            card.write(_card(bundle, said))
        kept = {**about.provenance, "int8_loss": None if loss is None else asdict(loss)}
        made = Bundle.seal(target, about.model_copy(update={"provenance": kept}))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return made, loss


def _card(bundle: Bundle, said: str) -> str:
    source = bundle.path / "MODEL_CARD.md"
    before = source.read_text(encoding="utf-8") if source.is_file() else f"# {bundle.manifest.name}"
    head, _, rest = before.partition("\n## Calibration")
    after = rest[rest.find("\n## ") :] if "\n## " in rest else ""
    return (
        f"{head.rstrip()}\n\n## Eight bits\n\nThe encoder's matrix products run in int8. Beside "
        f"the full one: {said}.\n\n## Calibration\n\n**Not calibrated** since it was made int8.\n"
        f"{after}"
    )


def measured(full: System, small: System, photos: Sequence[Path]) -> Loss:
    """What differs between two systems over the same cells, photo by photo.

    Raises:
        BundleError: not one photo can be read.
    """
    task = full.point_task
    first: list[bool] = []
    shared: list[float] = []
    cosines: list[npt.NDArray[np.floating[Any]]] = []
    moved: list[npt.NDArray[np.float64]] = []
    for pixels in _batches(full, photos):
        one, other = full.predict(pixels), small.predict(pixels)
        cosines.append(_cosines(one.embedding, other.embedding))
        cells = [said.beliefs[task].top(FIRST)[0] for said in (one, other)]
        points = [calibration.pick_points(said.beliefs[task], 250.0) for said in (one, other)]
        moved.append(np.atleast_1d(sphere.haversine(points[0], points[1])))
        for a, b in zip(*cells, strict=True):
            first.append(bool(a[0] == b[0]))
            shared.append(len(set(a.tolist()) & set(b.tolist())) / len(a))
    if not first:
        raise BundleError("not one of the photos to measure on can be read")
    km = np.concatenate(moved)
    return Loss(
        photos=len(first),
        top_1=round(float(np.mean(first)), 4),
        top_50=round(float(np.mean(shared)), 4),
        median_km=round(float(np.median(km)), 1),
        p90_km=round(float(np.quantile(km, 0.9)), 1),
        cosine=round(float(np.concatenate(cosines).mean()), 5),
    )


def _cosines(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> npt.NDArray[np.floating[Any]]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(lengths, 1e-12))


def _batches(system: System, photos: Sequence[Path]) -> Iterator[list[Pixels]]:
    crops: list[list[Pixels]] = []
    for number, path in enumerate(track(photos, "measuring", len(photos)), 1):
        with suppress(PhotoError):
            crops.append(system.crops(system.open(path).image))
        if crops and (len(crops) == _BATCH or number == len(photos)):
            yield [np.stack(views) for views in zip(*crops, strict=True)]
            crops = []
