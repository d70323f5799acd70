"""The tables of a contest, audited and judged: one comparison for each split, with its curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.evaluation.audit import audit_tables
from graticule.evaluation.bootstrap import REPLICATES
from graticule.evaluation.compare import TESTED, Comparison, Entry, compare
from graticule.evaluation.compare_audited import compare_audited
from graticule.evaluation.cost import Cost
from graticule.evaluation.finding import EXAMPLES, Finding
from graticule.evaluation.leaks import NEAR_KM
from graticule.evaluation.pixels import Seen, Twins, defects
from graticule.evaluation.predictions import Predictions, read_predictions
from graticule.evaluation.truth import Truth
from graticule.training.contest import Contest, Held

#: What a split is called in a title.
SPLITS = {
    "folds": "sources not learned from (the manifest's folds)",
    "random": "folds at random, which flatters",
}


def judge(
    contest: Contest,
    held: Held,
    replicates: int = REPLICATES,
    seen: Seen | None = None,
    *,
    radius_km: float = NEAR_KM,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Compare the systems on each split, over the folds that every system has been trained on.

    A contest that was cut off is judged on what is whole; a note says how much of it that is. Where
    the audit spoils some photos, a second comparison on the others is called ``"folds, clean"`` or
    ``"random, clean"``.

    Args:
        contest: what was trained.
        held: what it left behind.
        replicates: of the bootstrap.
        seen: what was seen of the manifest's photos, to look for duplicates and pictures that are
            none; without it the audit is of the table alone.
        radius_km: how near a training photo a judged one may not be.
        seed: of the bootstrap.
    """
    given = Truth.of(held.manifest)
    truth = replace(given, latlon=held.latlon)
    found: dict[str, Comparison] = {}
    for split in contest.splits:
        tables = {
            share: {
                system: held.tables.get((split, share, system), {}) for system in contest.systems
            }
            for share in contest.shares
        }
        whole = max(contest.shares)
        runs = _whole(tables[whole])
        if not runs:
            continue
        entries = [_entry(contest, held, split, s, tables[whole], runs) for s in contest.systems]
        rows = np.isin(truth.paths, entries[0].runs[0].paths)  # the others were only learned from
        judged = truth.take(rows)
        folds = next(iter(runs.values()))
        # Coordinates as given: photos that lie at their city for want of better are no twins.
        findings = _audit(given, held, split, folds, seen, radius_km)
        found_here = compare_audited(
            entries,
            judged,
            [replace(finding, rows=finding.rows[rows]) for finding in findings],
            () if seen is not None else ("the photos were not looked at",),
            tested=contest.tested,
            clusters=clusters(judged),
            title=f"{contest.name}: {SPLITS[split]}",
            replicates=replicates,
            seed=seed,
        )
        curves = _curves(contest, held, split, tables, judged)
        note = (
            f"{len(folds)} of {held.folds[split]} folds and {len(runs)} of {len(contest.seeds)} "
            "seeds: photos of the other folds are not judged"
        )
        cut = len(folds) < held.folds[split] or len(runs) < len(contest.seeds)
        main = found_here[0]
        found[split] = replace(
            main, curves=curves, notes=(*main.notes, note) if cut else main.notes
        )
        if len(found_here) > 1:
            found[f"{split}, clean"] = found_here[1]
    return found


def _audit(
    whole: Truth,
    held: Held,
    split: str,
    folds: Sequence[int],
    seen: Seen | None,
    radius_km: float,
) -> list[Finding]:
    """Each fold audited against what is learned from for it; on the rows of the manifest."""
    kinds: dict[str, Finding] = {}
    nothing = np.zeros(len(whole), dtype=bool)
    for fold in folds:
        learned, judged = held.sides[split, fold]
        train, test = whole.take(learned), whole.take(judged)
        found = audit_tables(train, test, radius_km=radius_km)
        if seen is not None:
            own = seen.take(judged)
            twins = Twins(own, test.paths)
            twins.see(held.manifest, train.paths, seen.take(learned))
            found += [twins.finding(), *defects(own, test.paths)]
        for finding in found:
            rows = nothing.copy()
            rows[judged] = finding.rows
            before = kinds.get(finding.kind, replace(finding, rows=nothing, examples=()))
            examples = (*before.examples, *finding.examples)[:EXAMPLES]
            kinds[finding.kind] = replace(finding, rows=rows | before.rows, examples=examples)
    return list(kinds.values())


def clusters(truth: Truth) -> npt.NDArray[np.str_]:
    """Photographer, sequence, landmark or group, else the city of a source; "" stands alone."""
    labels = truth.clusters()
    city, source = truth.column("city"), truth.column("source")
    open_ = (labels == "") & (city != "")
    places = np.char.add(np.char.add(source, "|"), np.char.add(truth.countries(), city))
    return np.where(open_, places, labels)


def _whole(tables: dict[str, dict[int, dict[int, Path]]]) -> dict[int, list[int]]:
    """Seed → the folds that every system has, for the seeds that have most of them."""
    common = {
        seed: sorted(set.intersection(*(set(seeds.get(seed, {})) for seeds in tables.values())))
        for seed in {seed for seeds in tables.values() for seed in seeds}
    }
    most = max((len(folds) for folds in common.values()), default=0)
    return {seed: common[seed] for seed in sorted(common) if most and len(common[seed]) == most}


def _entry(
    contest: Contest,
    held: Held,
    split: str,
    system: str,
    tables: dict[str, dict[int, dict[int, Path]]],
    wanted: dict[int, list[int]],
) -> Entry:
    own = tables[system]
    runs = tuple(
        joined([own[seed][fold] for fold in folds], system) for seed, folds in wanted.items()
    )
    spent = held.seconds.get((system, split), [])
    cost = Cost(
        parameters=held.parameters.get(system),
        seconds=round(float(np.median(spent)), 1) if spent else None,
    )
    return Entry(system, runs, cost, contest.systems[system].note)


def joined(files: Sequence[Path], name: str) -> Predictions:
    """Tables of several folds as one."""
    parts = [read_predictions(file, name) for file in files]
    return Predictions(
        name,
        tuple(path for part in parts for path in part.paths),
        np.concatenate([part.latlon for part in parts]),
        tuple(row for part in parts for row in part.countries),
        confidence=np.concatenate([part.confidence for part in parts]),
        reads_files=False,
    )


def _curves(
    contest: Contest,
    held: Held,
    split: str,
    tables: dict[float, dict[str, dict[int, dict[int, Path]]]],
    judged: Truth,
) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Score → system → training photos and values of the first seed, where shares were trained."""
    curves: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    if len(contest.shares) < 2:
        return curves
    for share in sorted(contest.shares):
        runs = _whole(tables[share])
        if contest.seeds[0] not in runs:
            continue
        first = {contest.seeds[0]: runs[contest.seeds[0]]}
        entries = [_entry(contest, held, split, s, tables[share], first) for s in contest.systems]
        found = compare(entries, judged, tested=contest.tested, replicates=2)
        photos = float(np.mean(held.train[split, share]))
        for row in found.rows:
            for score in TESTED:
                xs, ys = curves.setdefault(score, {}).setdefault(row.name, ([], []))
                xs.append(photos)
                ys.append(row.scores[score].value)
    return curves
