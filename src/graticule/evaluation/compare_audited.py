"""A comparison as given and, where the audit spoils some photos, on the clean ones beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graticule.evaluation.compare import Comparison, Entry, align, compare_aligned
from graticule.evaluation.finding import Finding, clean_rows, held_against
from graticule.evaluation.truth import Truth


def compare_audited(
    entries: Sequence[Entry],
    truth: Truth,
    findings: Sequence[Finding],
    notes: Sequence[str] = (),
    **options: Any,
) -> list[Comparison]:
    """One comparison, or two: as given, and on the photos that no finding spoils.

    Args:
        entries: the systems.
        truth: the judged photos.
        findings: of the audit, on the rows of ``truth``.
        notes: what the audit could not look at.
        options: of :func:`~graticule.evaluation.compare.compare_aligned`.

    Raises:
        GraticuleError: as ``compare`` does.
    """
    aligned = align(entries, truth)
    whole = compare_aligned(aligned, truth, **options)
    reads = any(run.reads_files for entry in entries for run in entry.runs)
    findings = held_against(findings, reads_files=reads)
    clean = clean_rows(findings, len(truth))[aligned.rows]
    said = (*whole.notes, *(f"audit: {note}" for note in notes), *_told(findings))
    if clean.all():
        return [replace(whole, notes=said)]
    if not clean.any():
        none = "audit: no photo is clean: every one is concerned by a finding"
        return [replace(whole, notes=(*said, none))]
    part = compare_aligned(aligned.take(clean), truth, **options)
    title = f"{whole.title}, on {_photos(part.photos)} that no finding of the audit spoils"
    as_given = replace(whole, title=f"{whole.title}, as given", notes=said)
    return [as_given, replace(part, title=title)]


def _told(findings: Sequence[Finding]) -> list[str]:
    """One line a finding that names photos; one of all where none does."""
    found = [
        f"audit, {f.kind}: {_photos(f.count)}{'' if f.spoils else ' (not held against them)'}: "
        f"{f.means}" + (f"; e.g. {f.examples[0]}" if f.examples else "")
        for f in findings
        if f.count
    ]
    if found or not findings:
        return found
    return ["audit: nothing was found by: " + ", ".join(f.kind for f in findings)]


def _photos(n: int) -> str:
    return f"{n:,} photo{'s' if n != 1 else ''}"
