"""Answers come in order, in bounded memory, and one bad photo spoils nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bundles import BLUE, GREEN, RED, photo, picture
from graticule.locate.engine import BATCH, Engine
from graticule.photos.photo import Source


@pytest.fixture(scope="module")
def engine(colours: Path) -> Engine:
    return Engine(colours)


def places(engine: Engine, sources: list[Source]) -> list[str]:
    answers = engine.locate((source, f"{i}") for i, source in enumerate(sources))
    return [answer.cities[0].name if answer.cities else "error" for answer in answers]


def test_answers_keep_the_order_of_the_photos(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, 5 * BATCH + 3)
    # Photos of very different sizes take very different times to prepare.
    sizes = rng.integers(10, 600, (len(which), 2))
    sources: list[Source] = [
        picture((RED, GREEN, BLUE)[one], seed=i, size=(int(w), int(h)))
        for i, (one, (w, h)) in enumerate(zip(which, sizes, strict=True))
    ]
    names = ["Paris", "Delhi", "Rio de Janeiro"]
    assert places(engine, sources) == [names[one] for one in which]


@pytest.mark.parametrize("bad", [[0], [3, 4], list(range(BATCH)), list(range(2 * BATCH))])
def test_bad_photos_are_rows_among_the_others(engine: Engine, bad: list[int]) -> None:
    sources: list[Source] = [b"bad" if i in bad else picture(GREEN) for i in range(2 * BATCH)]
    expected = ["error" if i in bad else "Delhi" for i in range(2 * BATCH)]
    assert places(engine, sources) == expected


def test_the_same_alone_and_in_a_batch(engine: Engine) -> None:
    sources: list[Source] = [picture((40 + i * 10, 90, 120), seed=i) for i in range(20)]
    together = list(engine.locate((s, "x") for s in sources))
    for source, one in zip(sources, together, strict=True):
        (alone,) = engine.locate([(source, "x")])
        p, q = ({c.code: c.probability for c in a.countries} for a in (alone, one))
        # The runtime sums in another order for another batch: the last rounded digit may differ.
        assert p == pytest.approx(q, abs=2e-4)
        assert alone.radius_km == pytest.approx(one.radius_km, rel=0.02)


def test_no_photos_no_answers(engine: Engine) -> None:
    assert list(engine.locate([])) == []


def test_an_endless_stream_is_taken_a_few_photos_at_a_time(engine: Engine) -> None:
    taken = 0

    def endless() -> Iterator[tuple[Source, str]]:
        nonlocal taken
        source = picture(RED)
        while True:
            taken += 1
            yield source, "x"

    answers = engine.locate(endless())
    for count, _ in enumerate(islice(answers, 200), 1):
        assert taken - count <= 4 * BATCH
    answers.close()  # type: ignore[attr-defined]


def test_stopping_early_leaves_no_thread(engine: Engine, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", RED)
    answers = engine.locate((str(path), "a") for _ in range(1000))
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while any(t.name.startswith("decode") for t in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_error_in_the_list_of_photos_reaches_the_caller(engine: Engine) -> None:
    def broken() -> Iterator[tuple[Source, str]]:
        yield picture(RED), "x"
        raise RuntimeError("the list ended badly")

    with pytest.raises(RuntimeError, match="ended badly"):
        list(engine.locate(broken()))
