"""S3: which photos are known to be elsewhere, and what they change."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from graticule.systems.plan import Rows
from graticule.systems.ten_cities import elsewhere
from toy import cities_recipe, make_photos


def test_what_is_known_to_be_elsewhere() -> None:
    columns = {
        "city": np.array(["Paris", "Lyon", "", "", ""]),
        "country": np.array(["FR", "FR", "FR", "JP", ""]),
    }
    nobody = np.zeros(5, dtype=bool)
    rows = Rows(columns, np.full((5, 2), np.nan), nobody, nobody, nobody)
    ids = np.array(["FR:Paris", "", "", "", ""])
    # Lyon is another city; of a photo from France nobody knows; Japan has none of the cities.
    assert elsewhere(rows, ids, ["FR:Paris"]).tolist() == [False, True, False, True, False]


def test_photos_of_other_places_make_it_unsure(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from graticule.training import recipe as recipes
    from graticule.training import run

    table = make_photos(tmp_path / "p", 60)
    lines = list(csv.reader(table.open(encoding="utf-8")))
    london = [line for line in lines[1:] if line[4] == "London"]
    for line in london:  # held out, London judges; in training, it is elsewhere
        line[6] = "train" if line in london[::2] else "test"
    with table.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows(lines)
    gains = {}
    for weight in (0.0, 1.0):
        wanted = recipes.parse(
            cities_recipe(
                settings={"cities": ["Paris", "Tokyo"]},
                loss={"outside": weight},
                phases=[{"epochs": 12, "learn": "all", "learning_rate": 0.003}],
                stop={"keep": "last"},
            ),
            "toy.yaml",
        )
        out = tmp_path / f"b{weight:g}"
        trainer, _ = run.prepare(wanted, table, out, run.Options(device="cpu", workers=0))
        _, outcome = run.run_jobs(trainer)
        assert outcome.even_prior
        assert outcome.evidence is not None
        from graticule.calibration import Calibration

        found = outcome.evidence(np.flatnonzero(trainer.rows.test), Calibration())
        gains[weight] = (found.gain[found.true == ""].mean(), found.gain[found.true != ""].mean())
        assert any("training photos show none of the cities" in n for n in outcome.notes)
    # Untaught, London looks like one of the two for sure; taught, it looks like neither.
    assert gains[1.0][0] < 0.5 * gains[0.0][0]
    assert gains[1.0][0] < 0.5 * gains[1.0][1]
