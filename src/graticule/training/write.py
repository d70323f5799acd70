"""From trained networks to a bundle: ONNX, safetensors, partitions, calibration, card, seal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from graticule import files
from graticule.calibration import Calibration
from graticule.encoders.export import export
from graticule.encoders.frozen import Frozen, is_bundle
from graticule.encoders.fused import Fused
from graticule.errors import GraticuleError
from graticule.heads.head import LogProbabilities
from graticule.photos.preprocess import Preprocess
from graticule.systems.bundle import Bundle, Manifest
from graticule.systems.plan import Outcome
from graticule.training import contrastive
from graticule.training.checkpoint import save_weights
from graticule.training.curves import draw_curves
from graticule.training.network import Network
from graticule.training.recipe import Recipe
from graticule.training.trainer import Result


@dataclass(frozen=True)
class Story:
    """What the bundle tells of its making."""

    recipe: Recipe
    provenance: dict[str, Any]
    notes: tuple[str, ...]
    licences: tuple[str, ...]
    report: tuple[dict[str, Any], str] | None = None


def write_bundle(
    folder: Path,
    results: Sequence[Result],
    outcome: Outcome,
    calibration: Calibration,
    story: Story,
) -> Bundle:
    """Write everything and seal it; an earlier bundle stays until the new one is whole.

    One network makes ``encoder.onnx`` and ``heads.onnx``. Several make ``encoder_0.onnx`` … (one
    for each that differs) and ``heads/NAME.onnx``, listed in the settings ``encoders`` and
    ``networks``.

    Raises:
        GraticuleError: the folder holds something that is no bundle of ours, or the disk is full.
    """
    check(folder)
    with files.atomic_folder(folder) as part:
        _write_files(part, results, outcome, calibration, story)
    return Bundle(folder)


def _write_files(
    folder: Path,
    results: Sequence[Result],
    outcome: Outcome,
    calibration: Calibration,
    story: Story,
) -> None:
    inputs: list[Preprocess] = []
    encoders: list[dict[str, Any]] = []
    networks: dict[str, dict[str, Any]] = {}
    numbers: dict[tuple[str, str], int] = {}
    kept = [result for result in results if result.job.keep]
    single = len(kept) == 1 and isinstance(kept[0].encoder, Frozen)
    for result in results:
        if not result.job.keep:
            continue
        encoder = result.encoder
        if result.tokenizer is not None and isinstance(encoder, Frozen):
            inputs.append(encoder.preprocess)
            contrastive.write_sides(result, result.tokenizer, folder)
            _write_record(result, folder)
            continue
        parts = encoder.parts if isinstance(encoder, Fused) else (encoder,)
        for part in parts:
            if part.preprocess not in inputs:
                inputs.append(part.preprocess)
            key = (part.label, part.weights)
            if key not in numbers:
                numbers[key] = len(encoders)
                name = "encoder.onnx" if single else f"encoder_{len(encoders)}.onnx"
                _write_encoder(part, folder / name)
                encoders.append({"file": name, "input": inputs.index(part.preprocess)})
        head = "heads.onnx" if single else f"heads/{result.job.name}.onnx"
        example = torch.zeros(1, encoder.dim)
        export(
            LogProbabilities(result.network.head),
            example,
            folder / head,
            input_name="embedding",
            outputs=result.network.head.tasks,
        )
        chosen = [numbers[part.label, part.weights] for part in parts]
        networks[result.job.name] = {"encoder": chosen[0], "head": head}
        if isinstance(encoder, Fused):
            networks[result.job.name] |= {"fused": chosen, "unit": encoder.unit}
        _write_record(result, folder)
    for partition in outcome.partitions.values():
        (folder / "partitions").mkdir(exist_ok=True)
        partition.to_parquet(folder / "partitions" / f"{partition.name}.parquet")
    if outcome.save is not None:
        outcome.save(folder)
    calibration.save(folder / "calibration.json")
    settings = dict(outcome.settings)
    if not single:
        settings |= {"encoders": encoders, "networks": networks}
    if story.report is not None:
        figures, text = story.report
        files.write_json(folder / "report.json", figures)
        with files.atomic(folder / "report.md") as handle:
            handle.write(text)
    with files.atomic(folder / "MODEL_CARD.md") as handle:
        handle.write(card(results, outcome, calibration, story))
    Bundle.seal(
        folder,
        Manifest(
            name=story.recipe.name,
            system=story.recipe.system,
            inputs=tuple(inputs),
            point_task=outcome.point_task,
            settings=settings,
            recipe=story.recipe.model_dump(mode="json"),
            provenance=story.provenance,
            licences=story.licences,
        ),
    )


def _write_record(result: Result, folder: Path) -> None:
    """A network's weights, for ``--init``, and how it learned."""
    name = result.job.name
    network = result.network
    if result.given and network.encoder is None and isinstance(result.encoder, Frozen):
        network = Network(result.encoder.module, network.head)
    save_weights(folder / "weights" / f"{name}.safetensors", network)
    draw_curves({name: result.progress.history}, folder / f"curves-{name}.png")


def check(folder: Path) -> None:
    """Refuse a folder that a bundle cannot take the place of; an earlier bundle it can.

    Raises:
        GraticuleError: it is a file or the root of a disk, or holds files of others.
    """
    if not folder.name or folder.is_mount():
        raise GraticuleError(f"-o {folder}: name a folder in it; the bundle is made beside first")
    if folder.exists() and not folder.is_dir():
        raise GraticuleError(f"{folder}: a file; -o wants a folder for the bundle")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "system.json").is_file():
        raise GraticuleError(f"{folder}: not empty and not a bundle; choose another -o")


def _write_encoder(encoder: Frozen, path: Path) -> None:
    if encoder.onnx is not None:
        shutil.copyfile(encoder.onnx, path)
        return
    encoder.module.to("cpu").write(path)


def card(
    results: Sequence[Result], outcome: Outcome, calibration: Calibration, story: Story
) -> str:
    """``MODEL_CARD.md``: what it is, what it learned from, how well it did, what it must not do."""
    recipe, made = story.recipe, story.provenance
    sizes = [f"{p.name} ({len(p)} cells)" for p in outcome.partitions.values()]
    lines = [
        f"# {recipe.name}",
        "",
        recipe.description or f"A model of the system {recipe.system}.",
        "",
        f"- System: {recipe.system}; trained by graticule {made['graticule']} with seed "
        f"{recipe.seed} on {made['date']}.",
        f"- Photos: {made['train_photos']} to learn from, {made['validation_photos']} to stop and "
        f"calibrate on; manifest SHA-256 {made['manifest_sha256'][:16]}….",
        *([f"- Partitions: {', '.join(sizes)}."] if sizes else []),
        "",
        "## Networks",
        "",
        "| network | encoder | start | epochs | best epoch | validation accuracy |",
        "|---|---|---|---|---|---|",
    ]
    begun = made.get("init", {}).get("networks", ())
    for result in results:
        progress, start = result.progress, result.spec.encoder
        begin = (
            f"bundle {made['init']['bundle']}"
            if result.job.name in begun
            else Path(start.weights).name
            if start.weights
            else (
                "published"
                if start.pretrained
                else "a bundle"
                if is_bundle(start.name)
                else "random"
            )
        )
        best = progress.history[progress.best_epoch] if progress.best_epoch >= 0 else {}
        accuracy = f"{best['val_accuracy']:.1%}" if "val_accuracy" in best else "not measured"
        lines.append(
            f"| {result.job.name} | {start.name} | {begin} | {progress.total} | "
            f"{progress.best_epoch + 1 if best else '–'} | {accuracy} |"
        )
    lines += ["", "## What to know", ""]
    lines += [f"- {note}" for note in (*story.notes, *outcome.notes)]
    if not outcome.partitions:
        return "\n".join(lines) + "\n"
    if calibration.calibrated:
        lines.append(
            f"- Calibrated on {calibration.fitted_on.get('photos')} held-out photos; those photos "
            "also chose the best epoch, so the radii may be a little narrow."
        )
    else:
        lines.append(
            "- Not calibrated: that needs 30 held-out photos or more (see graticule calibrate)."
        )
    lines += [
        *(
            ()
            if any(result.tokenizer for result in results)
            else ("- It knows the places it was shown and no others; elsewhere it is wrong.",)
        ),
        "- An estimate is not proof of where a photo was taken, and not a means to find people.",
    ]
    return "\n".join(lines) + "\n"


def provenance(
    facts: Mapping[str, Any], results: Sequence[Result], seconds: float
) -> dict[str, Any]:
    """Versions, hashes, seed, time and starting weights, for ``system.json``."""
    import datetime
    import importlib.metadata
    import platform

    versions = {
        name: importlib.metadata.version(name)
        for name in ("torch", "torchvision", "timm", "lightning", "numpy", "onnxruntime")
    }
    starts = {
        r.job.name: {
            "encoder": r.spec.encoder.name,
            "weights": Path(r.spec.encoder.weights).name if r.spec.encoder.weights else None,
            "sha256": r.encoder.weights,
            "epochs": r.progress.total,
            "best_epoch": r.progress.best_epoch + 1,
            "unread_photos": r.unread,
        }
        for r in results
    }
    from graticule.version import __version__

    return {
        "graticule": __version__,
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": round(seconds, 1),
        "networks": starts,
        **facts,
    }
