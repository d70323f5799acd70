"""What a person is told: the right place, no finer than it is known, or nothing and why."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from bundles import BLACK, BLUE, GREEN, GREY, RED, make_bundle, picture
from graticule import sphere
from graticule.answer import Answer
from graticule.calibration import Calibration
from graticule.errors import GraticuleError
from graticule.locate.decode import Options
from graticule.locate.engine import Engine
from graticule.locate.evidence import Evidence
from graticule.photos.photo import Source


def one(engine: Engine, source: Source, options: Options | None = None) -> Answer:
    (answer,) = engine.locate([(source, "photo")], options)
    return answer


@pytest.fixture(scope="module")
def engine(colours: Path) -> Engine:
    return Engine(colours)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The same model, calibrated to abstain."""
    fitted = Calibration(
        calibrated=True,
        prior={"cities": [1 / 3] * 3},
        min_gain=0.2,
        max_indoor=0.6,
        max_flatness=0.9,
        radius_mass={50: 0.6, 80: 0.85, 90: 0.93, 95: 0.97},
    )
    return Engine(make_bundle(tmp_path_factory.mktemp("strict") / "b", fitted))


def test_a_sure_answer(engine: Engine) -> None:
    answer = one(engine, picture(RED))
    assert answer.point is not None
    assert (answer.point.lat, answer.point.lon) == (48.86, 2.35)
    assert (answer.countries[0].code, answer.countries[0].name) == ("FR", "France")
    assert answer.cities[0].name == "Paris"
    assert answer.scene is not None
    assert answer.scene.name == "city"
    assert not answer.abstained
    assert answer.model is not None
    assert not answer.model.calibrated


def test_radii_grow_and_digits_follow_them(engine: Engine) -> None:
    sure, unsure = one(engine, picture(RED)), one(engine, picture((125, 125, 40)))
    for answer in (sure, unsure):
        radii = [answer.radius_km[level] for level in ("50", "80", "90", "95")]
        assert radii == sorted(radii)
    assert unsure.radius_km["80"] > 1000
    assert unsure.point is not None
    # A radius of thousands of kilometres leaves no decimal.
    assert unsure.point.lat == int(unsure.point.lat)


def test_indoors_is_no_place(strict: Engine) -> None:
    answer = one(strict, picture(BLACK))
    assert answer.abstained
    assert answer.point is None
    assert answer.radius_km == {}
    assert "indoors" in (answer.reason or "")
    assert answer.countries
    assert answer.cells


def test_a_drawing_is_no_photo(strict: Engine) -> None:
    answer = one(strict, Image.new("RGB", (300, 200), RED))
    assert answer.abstained
    assert "drawing" in (answer.reason or "")


def test_no_more_than_the_prior_is_no_answer(strict: Engine) -> None:
    answer = one(strict, picture(GREY))
    assert answer.abstained
    assert "not enough evidence" in (answer.reason or "")
    assert not one(strict, picture(BLUE)).abstained


def test_always_answer_gives_the_point_and_still_the_reason(strict: Engine) -> None:
    answer = one(strict, picture(BLACK), Options(always_answer=True))
    assert answer.point is not None
    assert not answer.abstained
    assert "indoors" in (answer.reason or "")


def test_a_country_is_believed(engine: Engine) -> None:
    answer = one(engine, picture(RED), Options(Evidence(countries=("IN",))))
    assert answer.cities[0].name == "Delhi"
    assert answer.countries[0].code == "IN"
    assert answer.countries[0].probability == pytest.approx(1)


def test_two_countries_share(engine: Engine) -> None:
    answer = one(engine, picture(GREY), Options(Evidence(countries=("IN", "BR"))))
    assert sum(c.probability for c in answer.countries if c.code in {"IN", "BR"}) == pytest.approx(
        1
    )


def test_a_box_is_believed(engine: Engine) -> None:
    answer = one(engine, picture(RED), Options(Evidence(bbox=(-40, -60, 0, -30))))
    assert answer.cities[0].name == "Rio de Janeiro"


def test_a_box_across_the_antimeridian_holds_neither_paris_nor_delhi(engine: Engine) -> None:
    with pytest.raises(GraticuleError, match="knows no place there"):
        engine.check(Options(Evidence(bbox=(-10, 170, 10, -170))))


def test_near_weighs_with_the_distance(engine: Engine) -> None:
    plain = one(engine, picture(GREY)).cities
    near = one(engine, picture(GREY), Options(Evidence(near=(28.6, 77.2, 2000)))).cities
    assert near[0].name == "Delhi"
    assert near[0].probability > {c.name: c.probability for c in plain}["Delhi"]


def test_an_impossible_prior_is_said_before_any_work(engine: Engine) -> None:
    with pytest.raises(GraticuleError, match=r"--country NP.*loosen"):
        engine.check(Options(Evidence(countries=("NP",))))


@pytest.mark.parametrize(
    "evidence",
    [
        {"countries": ("XX",)},
        {"bbox": (10, 0, -10, 5)},
        {"bbox": (0, 0, 95, 5)},
        {"near": (0, 0, 0)},
        {"near": (99, 0, 10)},
        {"near": (1, 1, float("nan"))},
    ],
)
def test_evidence_that_makes_no_sense(evidence: dict[str, object]) -> None:
    with pytest.raises(GraticuleError):
        Evidence(**evidence)  # type: ignore[arg-type]


def test_the_files_own_position_is_apart(engine: Engine) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (28.0, 36.0, 0.0), 3: "E", 4: (77.0, 12.0, 0.0)})
    exif[0x0132] = "2024:01:02 03:04:05"
    out = io.BytesIO()
    picture(RED).save(out, "JPEG", exif=exif, quality=95)
    answer = one(engine, out.getvalue())
    assert answer.cities[0].name == "Paris"
    assert answer.exif is not None
    assert answer.exif.lat == pytest.approx(28.6)
    assert answer.exif.captured_at == "2024-01-02T03:04:05"
    truly = sphere.haversine((48.86, 2.35), (28.6, 77.2))
    assert answer.exif.distance_km == pytest.approx(float(truly), rel=0.05)


def test_every_country_on_request(engine: Engine) -> None:
    assert len(one(engine, picture(GREEN), Options(all_places=True)).countries) == 3
