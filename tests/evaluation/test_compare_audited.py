"""A comparison on the clean photos stands beside the one as given, where some are spoilt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graticule.evaluation.compare import Entry
from graticule.evaluation.compare_audited import compare_audited
from graticule.evaluation.finding import METADATA_PLACE, Finding
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.truth import Truth


def truth() -> Truth:
    latlon = np.stack([np.linspace(42, 48, 20), np.linspace(0.5, 6, 20)], axis=1)
    return Truth(tuple(f"{i}.jpg" for i in range(20)), latlon)


def entries(judged: Truth) -> list[Entry]:
    near, far = (
        Predictions(name, judged.paths, judged.latlon + np.array([0.0, off]))
        for name, off in (("near", 0.1), ("far", 3.0))
    )
    return [Entry("near", (near,)), Entry("far", (far,))]


def finding(kind: str, count: int) -> Finding:
    return Finding(kind, np.arange(20) < count, ("0.jpg ← x.jpg",), "it leaks", leak=True)


def test_photos_that_a_finding_names_are_left_out_beside() -> None:
    judged = truth()
    given, clean = compare_audited(
        entries(judged), judged, [finding("same group", 5)], ["no photo was opened"], replicates=20
    )
    assert (given.photos, clean.photos) == (20, 15)
    assert given.title.endswith(", as given")
    assert "on 15 photos that no finding" in clean.title
    assert "audit: no photo was opened" in given.notes
    assert "audit, same group: 5 photos: it leaks; e.g. 0.jpg ← x.jpg" in given.notes


def test_one_comparison_is_enough_where_nothing_or_everything_is_spoilt() -> None:
    judged = truth()
    (found,) = compare_audited(entries(judged), judged, [finding("x", 0)], replicates=20)
    assert "audit: nothing was found by: x" in found.notes
    (found,) = compare_audited(entries(judged), judged, [finding("x", 20)], replicates=20)
    assert any("no photo is clean" in note for note in found.notes)
    assert found.photos == 20


def test_only_photos_that_were_answered_are_counted_as_clean() -> None:
    judged = truth()
    half = [
        replace(e, runs=tuple(run.take(np.arange(10)) for run in e.runs)) for e in entries(judged)
    ]
    given, clean = compare_audited(half, judged, [finding("x", 4)], replicates=20)
    assert (given.photos, clean.photos) == (10, 6)
    assert "on 6 photos that no finding" in clean.title
    # All that were answered are spoilt; of the others nobody knows.
    (found,) = compare_audited(half, judged, [finding("x", 10)], replicates=20)
    assert any("no photo is clean" in note for note in found.notes)
    (found,) = compare_audited(half, judged, [], replicates=20)
    assert not any("audit" in note for note in found.notes)


def test_a_place_in_the_file_is_held_against_who_may_have_read_it() -> None:
    judged = truth()
    told = [finding(METADATA_PLACE, 4)]
    reads = entries(judged)
    assert len(compare_audited(reads, judged, told, replicates=20)) == 2
    blind = [
        replace(entry, runs=tuple(replace(run, reads_files=False) for run in entry.runs))
        for entry in reads
    ]
    (found,) = compare_audited(blind, judged, told, replicates=20)
    assert any("(not held against them)" in note for note in found.notes)
