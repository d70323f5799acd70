"""One command: from a recipe and a manifest to a bundle."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graticule import files
from graticule.calibration import Calibration
from graticule.cells import units
from graticule.errors import GraticuleError, MissingExtraError
from graticule.photos import manifest as manifests
from graticule.systems.bundle import Bundle
from graticule.systems.city_report import CityEvidence, tables
from graticule.systems.plan import Job, Outcome, Rows
from graticule.systems.registry import find_plan
from graticule.training import pictures, write
from graticule.training.calibrate import calibrate
from graticule.training.data import manifest_hash, read_tables
from graticule.training.explain import explain_network
from graticule.training.mini import command
from graticule.training.recipe import Recipe
from graticule.training.start import Start
from graticule.training.trainer import Result, Trainer


@dataclass(frozen=True)
class Options:
    """What the command line says beside the recipe.

    Attributes:
        init: a bundle whose networks' weights are the start.
        weights: a file that replaces the recipe's starting weights of the encoder.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        workers: processes that decode photos; None takes one less than there are cores.
        resume: continue a run that was cut off.
        download: allow published weights to be fetched.
        features: of the feature cache; beside the run's folder by default.
        say: told what is being done, where a run takes several steps.
    """

    init: Path | None = None
    weights: Path | None = None
    device: str = "auto"
    workers: int | None = None
    resume: bool = False
    download: bool = False
    features: Path | None = None
    say: Callable[[str], None] = lambda words: None


def run_folder(out: Path) -> Path:
    """Where a run keeps checkpoints and logs until, and after, the bundle is written."""
    return out.with_name(out.name + ".run")


def train(
    recipe: Recipe,
    manifest: Path | Sequence[Path],
    out: Path,
    options: Options | None = None,
) -> Bundle:
    """Train a system and write its bundle.

    Args:
        recipe: how.
        manifest: what on; the rows of several stand below one another.
        out: the bundle's folder.
        options: see :class:`Options`.

    Raises:
        GraticuleError: whatever a person can mend, in one line.
    """
    options = options or Options()
    write.check(out)  # before hours of training, not after
    began = time.monotonic()
    recipe = with_weights(recipe, options.weights)
    tables = [manifest] if isinstance(manifest, Path) else list(manifest)
    if command.is_mini(recipe):
        features = options.features or run_folder(out) / "features"
        if len(tables) > 1:
            raise GraticuleError(f"recipe {recipe.name}: it takes one --manifest, not several")
        if options.init is not None:
            raise GraticuleError(f"recipe {recipe.name}: it takes no --init, but --weights FILE")
        return command.train(recipe, tables[0], out, features, options.say)
    material = read(recipe, tables)
    trainer = trainer_for(recipe, material, out, options)
    results, outcome = run_jobs(trainer)
    rows = material.rows
    calibration = calibrate(outcome, rows, np.flatnonzero(rows.validation), results)
    facts = {
        "manifest": " + ".join(table.name for table in tables),
        "manifest_sha256": material.sha256,
        "train_photos": int(rows.train.sum()),
        "validation_photos": int(rows.validation.sum()),
        "seed": recipe.seed,
        "device": trainer.device,
    }
    if began_at := trainer.init.story([result.job.name for result in results]):
        facts["init"] = began_at
    picture(outcome, trainer, calibration)
    story = write.Story(
        recipe,
        write.provenance(facts, results, time.monotonic() - began),
        tuple(material.notes),
        licences(rows),
        judge(outcome, rows, calibration),
    )
    return write.write_bundle(out, results, tallied(outcome, rows), calibration, story)


@dataclass(frozen=True)
class Material:
    """What a run learns from: the manifests, read and split once.

    Attributes:
        rows: of all manifests, below one another.
        files: the photos.
        notes: lines on what was left out and how the rows were split.
        sha256: of the manifests.
        base: where relative weights are looked for.
    """

    rows: Rows
    files: list[Path]
    notes: list[str]
    sha256: str
    base: Path

    @property
    def key(self) -> str:
        """Hash of manifests and split; checkpoints must agree on it."""
        learned = self.rows.train.tobytes() + self.rows.validation.tobytes()
        return hashlib.sha256(self.sha256.encode() + learned).hexdigest()


def read(recipe: Recipe, manifest: Path | Sequence[Path]) -> Material:
    """Read the manifests and split them as the recipe says.

    Raises:
        ManifestError: a split that is not there, no training row, or no photo on the disk.
    """
    tables = [
        manifests.read(path) for path in ([manifest] if isinstance(manifest, Path) else manifest)
    ]
    rows, paths, notes = read_tables(tables, recipe.data, recipe.seed)
    return Material(rows, paths, notes, manifest_hash(tables), tables[0].path.parent)


def prepare(
    recipe: Recipe, manifest: Path | Sequence[Path], out: Path, options: Options
) -> tuple[Trainer, list[str]]:
    """Read the manifests and set everything up that jobs have in common."""
    material = read(recipe, manifest)
    return trainer_for(recipe, material, out, options), material.notes


def trainer_for(recipe: Recipe, material: Material, out: Path, options: Options) -> Trainer:
    """Set everything up that jobs have in common, on photos that :func:`read` gave."""
    folder = run_folder(out)
    # Whatever may be refused is refused before checkpoints of an earlier run are removed.
    start, device = Start(options.init), pick_device(options.device)
    if (folder / "run.json").is_file() and not options.resume:
        for old in folder.glob("*/*.safetensors"):
            old.unlink()
    key = material.key
    files.write_json(folder / "run.json", {"recipe": recipe.model_dump(mode="json"), "key": key})
    return Trainer(
        recipe=recipe,
        rows=material.rows,
        files=material.files,
        folder=folder,
        features=options.features or folder / "features",
        key=key,
        device=device,
        workers=_workers(options.workers),
        resume=options.resume,
        download=options.download,
        base=material.base,
        init=start,
    )


def picture(outcome: Outcome, trainer: Trainer, calibration: Calibration) -> None:
    """Confusion and a sheet of answers beside the run, for systems that name cities."""
    rows = trainer.rows
    wanted = np.flatnonzero(rows.test if rows.test.any() else rows.validation)
    if outcome.evidence is None or not len(wanted):
        return
    evidence = outcome.evidence(wanted, calibration)
    if not isinstance(evidence, CityEvidence) or not (evidence.true != "").any():
        return
    pictures.draw_answers(evidence, trainer.files, trainer.folder / "answers.jpg")
    found = tables(evidence)
    with contextlib.suppress(MissingExtraError):
        pictures.draw_confusion(
            found["confusion"], sorted(found["cities"]), trainer.folder / "confusion.png"
        )


def judge(
    outcome: Outcome, rows: Rows, calibration: Calibration
) -> tuple[dict[str, Any], str] | None:
    """The system's own tables on the test rows, or on the validation rows where there are none."""
    name, mask = ("test", rows.test) if rows.test.any() else ("validation", rows.validation)
    wanted = np.flatnonzero(mask)
    if outcome.report is None or not len(wanted):
        return None
    figures, text = outcome.report(wanted, calibration)
    head = f"# On the {name} photos of {_short(rows.where)}\n\n"
    if name == "validation":
        head += "These photos also chose the best epoch: the figures flatter.\n\n"
    return {"rows": name, **figures}, head + text


def _short(where: str) -> str:
    """The manifests' names without their folders."""
    return " + ".join(Path(part).name for part in where.split(" + "))


def run_jobs(trainer: Trainer) -> tuple[list[Result], Outcome]:
    """Train every network the system's plan asks for."""
    plan = find_plan(trainer.recipe.system)(trainer.rows, dict(trainer.recipe.settings))
    results: list[Result] = []
    try:
        job: Job = next(plan)
        while True:
            results.append(trainer.run(job))
            job = plan.send(results[-1])
    except StopIteration as end:
        outcome: Outcome = end.value
    return results, outcome


def tallied(outcome: Outcome, rows: Rows) -> Outcome:
    """The outcome, its cells told which regions and districts their photos lie in.

    Those are the rows to learn from: of where held-out photos lie a bundle must know nothing.
    """
    if outcome.target is None:
        return outcome
    task, target = outcome.point_task, outcome.target
    learned = np.flatnonzero(rows.train & rows.located & (target >= 0))
    told = units.tallied(outcome.partitions[task], target[learned], rows.latlon[learned])
    return replace(outcome, partitions={**outcome.partitions, task: told})


def with_weights(recipe: Recipe, weights: Path | None) -> Recipe:
    """The recipe with another start for its encoder.

    Raises:
        GraticuleError: there is no such file, or the recipe has several encoders.
    """
    if weights is None:
        return recipe
    if recipe.fuse:
        keys = ["encoder", *(f"fuse.{number}" for number in range(len(recipe.fuse)))]
        raise several_encoders(f"recipe {recipe.name} fuses {len(keys)} encoders", keys)
    wanted = weights.is_dir() if recipe.encoder.name == "clip" else weights.is_file()
    if not wanted:
        kind = "folder of a CLIP" if recipe.encoder.name == "clip" else "file of weights"
        raise GraticuleError(f"{weights}: no such {kind}")
    encoder = recipe.encoder.model_copy(
        update={"weights": str(weights.resolve()), "sha256": None, "pretrained": False}
    )
    return recipe.model_copy(update={"encoder": encoder})


def several_encoders(what: str, keys: Sequence[str]) -> GraticuleError:
    """``--weights`` cannot say whose they are; the error names what can."""
    lines = " ".join(f"--set {key}.weights=FILE" for key in keys)
    return GraticuleError(f"--weights: {what}; say whose file it is: {lines}")


def explain(recipe: Recipe, names: list[str] | None = None) -> str:
    """Which layers learn in which phase, for every network of a recipe; random weights."""
    wanted = names or list(recipe.networks)
    if not names and all(recipe.networks.values()):
        # No entry stands for the values at the top as they are: they are those of the rest.
        wanted.append("all other networks" if wanted else "all networks")
    return "\n".join(explain_network(name, recipe.network(name)) for name in wanted)


def pick_device(wanted: str) -> str:
    """``auto``: the accelerator there is, else the CPU.

    Raises:
        GraticuleError: the wanted one is not there.
    """
    have = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if have[name])
    if not have.get(wanted, False):
        there = ", ".join(name for name, is_here in have.items() if is_here)
        raise GraticuleError(f"--device {wanted}: not on this machine; there is {there}")
    return wanted


def licences(rows: Rows) -> tuple[str, ...]:
    """The licences of the training photos, most frequent first, one line each."""
    names, counts = np.unique(rows.column("licence")[rows.train], return_counts=True)
    order = np.argsort(-counts)
    return tuple(f"photos: {names[i] or 'not stated'} ({counts[i]})" for i in order)[:20]


def _workers(wanted: int | None) -> int:
    from graticule.encoders.onnx import available_cores

    return max(0, available_cores() - 1) if wanted is None else max(0, wanted)
