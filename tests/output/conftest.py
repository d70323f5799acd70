"""Answers made by hand, of every kind a writer meets."""

from __future__ import annotations

import pytest

from graticule.answer import Answer, Cell, City, Exif, Hypothesis, Model, Place, Point, Scene

MODEL = Model(name="hand", version="1", sha256="0" * 64, calibrated=True)


def place(code: str, name: str, probability: float) -> Place:
    return Place(code=code, name=name, probability=probability)


@pytest.fixture
def beijing() -> Answer:
    return Answer(
        photo="holiday/china.jpg",
        point=Point(lat=39.9, lon=116.4),
        radius_km={"50": 120.0, "80": 640.0, "90": 1480.0, "95": 2300.0},
        countries=(place("CN", "China", 0.71), place("JP", "Japan", 0.2)),
        regions=(place("CN-BJ", "Beijing", 0.6),),
        cities=(City(name="Beijing", country="CN", probability=0.61),),
        cells=(
            Cell(id="CN", name="China", lat=35.0, lon=104.0, probability=0.71),
            Cell(id="JP", name="Japan", lat=36.0, lon=138.0, probability=0.2),
        ),
        scene=Scene(name="city", probability=0.8, probabilities={"city": 0.8, "nature": 0.2}),
        exif=Exif(lat=39.99, lon=116.27, distance_km=15.0, captured_at="2009-06-01T10:00:00"),
        model=MODEL,
        seconds=0.03,
    )


@pytest.fixture
def fiji() -> Answer:
    return Answer(
        photo="taveuni.jpg",
        point=Point(lat=-16.8, lon=179.9),
        radius_km={"50": 300.0, "90": 900.0},
        countries=(place("FJ", "Fiji", 0.4),),
        cells=(Cell(id="FJ", name="Fiji", lat=-17.8, lon=178.0, probability=0.4),),
        model=MODEL,
    )


@pytest.fixture
def torn(beijing: Answer) -> Answer:
    """An answer between two places, of the classifier of another scene than its own."""
    assert beijing.point is not None
    here = Hypothesis(
        point=beijing.point,
        probability=0.6,
        country="CN",
        country_name="China",
        region="Beijing",
        city="Beijing",
    )
    there = Hypothesis(
        point=Point(lat=35.7, lon=139.7),
        probability=0.31,
        country="JP",
        country_name="Japan",
        region="Tokyo",
        city="",
    )
    return beijing.model_copy(update={"hypotheses": (here, there), "spoke": "coast"})


@pytest.fixture
def pole() -> Answer:
    return Answer(
        photo="ice.jpg",
        point=Point(lat=-88.0, lon=10.0),
        radius_km={"50": 100.0, "90": 3000.0},
        countries=(place("AQ", "Antarctica", 0.9),),
        model=MODEL,
    )


@pytest.fixture
def abstained() -> Answer:
    return Answer(
        photo="kitchen.jpg",
        countries=(place("US", "United States", 0.09), place("FR", "France", 0.08)),
        scene=Scene(name="indoor", probability=0.97, probabilities={"indoor": 0.97, "city": 0.03}),
        abstained=True,
        reason="indoors: nothing outside is seen",
        model=MODEL,
    )


@pytest.fixture
def failed() -> Answer:
    return Answer(photo="notes.txt", error="notes.txt: not an image")


#: A name as hostile as a file system allows.
HOSTILE = "=1+1</script><img src=x onerror=alert(1)>\"'&\n\x1b[31m\u202e]]>😀.jpg"


@pytest.fixture
def hostile() -> Answer:
    return Answer(
        photo=HOSTILE,
        point=Point(lat=1.0, lon=2.0),
        radius_km={"50": 10.0, "90": 20.0},
        countries=(place("GH", "<b>Ghana</b>", 0.5),),
        model=MODEL,
    )


@pytest.fixture
def answers(
    beijing: Answer,
    fiji: Answer,
    pole: Answer,
    abstained: Answer,
    failed: Answer,
    hostile: Answer,
) -> list[Answer]:
    return [beijing, fiji, pole, abstained, failed, hostile]
