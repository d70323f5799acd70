"""Train every row of a grid on one split of a manifest, and write its tables.

Rows share manifest, split and feature cache: the manifest is read once, and again only for a row
that splits it otherwise. Each row is written as it ends, so that a grid that was cut off goes on
where it was; one whose loss becomes no number is written as failed, and the next is trained.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from graticule import files
from graticule.encoders import registry
from graticule.encoders.spec import EncoderSpec
from graticule.errors import DivergedError
from graticule.training import grid_report, run
from graticule.training.grid import Grid


def train(
    grid: Grid, manifest: Path, out: Path, options: run.Options | None = None
) -> dict[str, Any]:
    """Train every row; ``out`` gets report.json and report.md, and a file for each row in rows/.

    Returns:
        What report.json says.

    Raises:
        GraticuleError: whatever a person can mend, in one line.
    """
    options = options or run.Options()
    recipes = grid.rows()
    _check_weights(grid, options)
    shared = options.features or out / "features"
    done: dict[str, Any] = {}
    kept: dict[Any, Any] = {}
    read: dict[tuple[str, int], run.Material] = {}
    report: dict[str, Any] = {}
    for number, (name, recipe) in enumerate(recipes.items()):
        folder = out / "rows" / f"{number:02}"
        split = (recipe.data.model_dump_json(), recipe.seed)
        if split not in read:
            read[split] = run.read(recipe, manifest)
        trainer = run.trainer_for(recipe, read[split], folder, replace(options, features=shared))
        trainer = replace(trainer, kept=kept, grid=True)
        judged, wanted = grid_report.judged(trainer.rows)
        if not report:
            report = {"grid": grid.name, "judged_on": judged, **grid_report.counts(trainer.rows)}
        file = folder.with_suffix(".json")
        key = hashlib.sha256((recipe.model_dump_json() + trainer.key).encode()).hexdigest()
        before = files.read_json(file) if options.resume and file.is_file() else {}
        if before.get("key") != key:
            options.say(f"{number + 1} of {len(recipes)}: {name}")
            began = time.monotonic()
            found: dict[str, Any]
            try:
                results, outcome = run.run_jobs(trainer)
            except DivergedError as error:
                options.say(f"{name}: failed, {error}")
                found = {"failed": str(error)}
            else:
                found = grid_report.scores(grid_report.evidence(outcome, trainer.rows, wanted))
                found |= grid_report.epochs(results)
            found["seconds"] = round(time.monotonic() - began, 1)
            before = {"row": name, "key": key, "found": found}
            files.write_json(file, before)
        done[name] = before["found"]
        report["rows"] = done
        files.write_json(out / "report.json", report)
        with files.atomic(out / "report.md") as handle:
            handle.write(grid_report.markdown(report, Path(trainer.rows.where).name))
    return report


def _check_weights(grid: Grid, options: run.Options) -> None:
    """Before anything is trained: every encoder has weights, or may fetch them."""
    used = dict.fromkeys(part for parts in grid.features.values() for part in parts)
    keys = {name: f"encoders.{name}" for name in used}
    if options.weights is not None:
        raise run.several_encoders(f"grid {grid.name} has several encoders", list(keys.values()))
    for name, key in keys.items():
        spec = EncoderSpec.model_validate(grid.encoders[name])
        registry.check_weights(spec, download=options.download, key=key)
