"""Train every row of a grid on one split of a manifest, and write its tables.

Rows share manifest, split and feature cache: the manifest is read once, and again only for a row
that splits it otherwise. Each row is written as it ends, so that a grid that was cut off goes on
where it was.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from graticule import files
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
    shared = options.features or out / "features"
    done: dict[str, Any] = {}
    kept: dict[Any, Any] = {}
    read: dict[tuple[str, int], run.Material] = {}
    report: dict[str, Any] = {}
    recipes = {name: run.with_weights(r, options.weights) for name, r in grid.rows().items()}
    for number, (name, recipe) in enumerate(recipes.items()):
        folder = out / "rows" / f"{number:02}"
        split = (recipe.data.model_dump_json(), recipe.seed)
        if split not in read:
            read[split] = run.read(recipe, manifest)
        trainer = run.trainer_for(recipe, read[split], folder, replace(options, features=shared))
        trainer = replace(trainer, kept=kept)
        judged, wanted = grid_report.judged(trainer.rows)
        if not report:
            report = {"grid": grid.name, "judged_on": judged, **grid_report.counts(trainer.rows)}
        file = folder.with_suffix(".json")
        key = hashlib.sha256((recipe.model_dump_json() + trainer.key).encode()).hexdigest()
        before = files.read_json(file) if options.resume and file.is_file() else {}
        if before.get("key") != key:
            options.say(f"{number + 1} of {len(recipes)}: {name}")
            began = time.monotonic()
            _, outcome = run.run_jobs(trainer)
            found = grid_report.scores(grid_report.evidence(outcome, trainer.rows, wanted))
            found["seconds"] = round(time.monotonic() - began, 1)
            before = {"row": name, "key": key, "found": found}
            files.write_json(file, before)
        done[name] = before["found"]
        report["rows"] = done
        files.write_json(out / "report.json", report)
        with files.atomic(out / "report.md") as handle:
            handle.write(grid_report.markdown(report, Path(trainer.rows.where).name))
    return report
