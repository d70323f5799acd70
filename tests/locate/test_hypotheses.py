"""Places far apart, who spoke, and a system's own points: from a prediction into an answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.answer import Answer
from graticule.belief import Belief, Labels
from graticule.calibration import Calibration
from graticule.locate.decode import Decoder, Looked, Options
from graticule.locate.evidence import Evidence
from graticule.photos.exif import Metadata
from graticule.refine.hypotheses import Hypotheses, Picked
from graticule.systems.registry import load_system
from graticule.systems.system import Prediction, System

FITTED = Calibration(temperatures={"cities": 2.0})
#: Paris, Delhi and a trace of Rio, each a hypothesis of its own.
P = np.array([[0.4, 0.599, 0.001]])


@pytest.fixture
def system(colours: Path) -> System:
    return load_system(colours)


def prediction(system: System, p: np.ndarray = P) -> Prediction:
    cells = system.partitions["cities"]
    order = np.argsort(-p, axis=1)
    near_by = cells.centers[order] + 0.3
    return Prediction(
        {"cities": Belief.from_logits(cells, np.log(p))},
        np.zeros((len(p), 3), np.float32),
        scenes=Belief.from_logits(Labels(("city", "coast")), np.log([[0.7, 0.3]] * len(p))),
        spoke=("coast",) * len(p),
        points=near_by[:, 0],
        hypotheses=Hypotheses(order, np.broadcast_to(np.arange(3), order.shape), near_by),
    )


def told(system: System, said: Prediction, evidence: Evidence | None = None) -> Answer:
    options = Options(evidence or Evidence(), always_answer=True)
    decoder = Decoder(system, FITTED, options)
    return decoder.answers(said, [Looked("a.jpg", Metadata(), 0.0)])[0]


def test_the_points_own_comes_first_and_none_lies_between(system: System) -> None:
    answer = told(system, prediction(system))
    assert [one.country for one in answer.hypotheses] == ["IN", "FR", "BR"]
    assert answer.hypotheses[0].point == answer.point
    assert answer.hypotheses[1].country_name == "France"
    assert "France" in answer.hypotheses[1].name
    # As likely as the answer's cells, which are tempered.
    assert [one.probability for one in answer.hypotheses] == [c.probability for c in answer.cells]
    assert sum(one.probability for one in answer.hypotheses) == pytest.approx(1, abs=1e-3)


def test_a_trace_is_not_told(system: System) -> None:
    answer = told(system, prediction(system, np.array([[0.4, 0.6 - 1e-6, 1e-6]])))
    assert [one.country for one in answer.hypotheses] == ["IN", "FR"]


def test_an_answer_that_abstains_has_no_hypotheses(system: System) -> None:
    silent = Decoder(system, FITTED, Options())
    drawing = Looked("a.png", Metadata(), 2.0)
    answer = silent.answers(prediction(system), [drawing])[0]
    assert answer.abstained
    assert answer.hypotheses == ()


def test_who_spoke_is_told_beside_the_scene(system: System) -> None:
    answer = told(system, prediction(system))
    assert answer.scene is not None
    assert (answer.scene.name, answer.spoke) == ("city", "coast")
    assert told(system, replace(prediction(system), spoke=None)).spoke is None


@pytest.mark.parametrize("evidence", [Evidence(near=(48.86, 2.35, 9000)), Evidence(("FR", "BR"))])
def test_a_system_picks_from_what_the_evidence_leaves(
    system: System, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Belief] = []

    def pick(belief: Belief, embedding: np.ndarray) -> Picked:
        asked.append(belief)
        assert embedding.shape == (1, 3)
        return Picked(np.array([[45.0, 5.0]]))

    monkeypatch.setattr(system, "pick", pick)
    answer = told(system, prediction(system), evidence)
    assert answer.point is not None
    assert sphere.haversine((answer.point.lat, answer.point.lon), (45, 5)) < 60
    # At the temperature of the answer it is the belief of the answer.
    own = dict(zip(asked[0].over.ids, FITTED.temper("cities", asked[0]).p[0], strict=True))
    for cell in answer.cells:
        assert own[cell.id] == pytest.approx(cell.probability, abs=1e-4)


def test_without_points_of_its_own_the_decoder_picks_under_evidence(system: System) -> None:
    answer = told(system, prediction(system), Evidence(("FR",)))
    assert answer.point is not None
    assert (answer.point.lat, answer.point.lon) == (48.86, 2.35)
    assert answer.hypotheses == ()
