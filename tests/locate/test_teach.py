"""A place taught by a few photos: named in answers, kept in the bundle, taken out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graticule
from bundles import BLUE, GREEN, RED, make_bundle, make_gallery_bundle, photo, picture
from graticule import files, sphere
from graticule.calibration import Calibration
from graticule.errors import BundleError, GraticuleError
from graticule.locate import teach as teaching
from graticule.systems.bundle import Bundle

PURPLE, BROWN = (210, 40, 210), (150, 100, 30)
HAMPI = (15.335, 76.46)


def shots(folder: Path, colour: tuple[int, int, int], n: int = 5, seed: int = 0) -> list[str]:
    """``n`` photos of one colour, each a little different."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tones = np.clip(np.array(colour) + rng.normal(0, 12, (n, 3)), 0, 255).astype(int)
    return [
        str(photo(folder / f"{i}.png", tuple(tone.tolist()), seed=seed + i))
        for i, tone in enumerate(tones)
    ]


@pytest.fixture
def elsewhere(tmp_path: Path) -> list[str]:
    colours = {"red": RED, "green": GREEN, "blue": BLUE, "brown": BROWN}
    return [
        file
        for seed, (name, colour) in enumerate(colours.items())
        for file in shots(tmp_path / "elsewhere" / name, colour, 8, 100 * seed)
    ]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "own")


def taught(bundle: Path, tmp_path: Path, elsewhere: list[str]) -> graticule.Locator:
    files_ = shots(tmp_path / "hampi", PURPLE)
    teaching.teach(bundle, "Hampi", files_, at=HAMPI, others=elsewhere)
    return graticule.load(bundle)


def test_the_place_is_named_and_is_the_point(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    before = graticule.load(bundle).locate(picture(PURPLE), always_answer=True)[0]
    assert "Hampi" not in {city.name for city in before.cities}
    locator = taught(bundle, tmp_path, elsewhere)
    answer = locator.locate(picture(PURPLE), always_answer=True)[0]
    assert answer.cities[0].name == "Hampi"
    assert answer.cities[0].country == "IN"
    assert answer.cities[0].probability > 0.5
    assert answer.cells[0].id == "taught:Hampi"
    assert answer.countries[0].code == "IN"
    assert answer.point is not None
    assert sphere.haversine((answer.point.lat, answer.point.lon), HAMPI) < 1
    assert answer.regions[0].code == "IN-KA"


def test_its_own_name_comes_before_the_town_beside_it(tmp_path: Path, elsewhere: list[str]) -> None:
    # A gallery has no cities: it names the town that its point lies in.
    bundle = make_gallery_bundle(tmp_path / "gallery")
    teaching.teach(bundle, "The Bazaar", shots(tmp_path / "bazaar", PURPLE), at=HAMPI,
                   others=elsewhere)  # fmt: skip
    answer = graticule.load(bundle).locate(picture(PURPLE), always_answer=True)[0]
    assert answer.cells[0].id == "taught:The Bazaar"
    assert [city.name for city in answer.cities] == ["The Bazaar"]


def test_other_photos_are_answered_as_before(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    colours = (RED, GREEN, BLUE)
    before = graticule.load(bundle).locate([picture(c) for c in colours], always_answer=True)
    after = taught(bundle, tmp_path, elsewhere).locate(
        [picture(c) for c in colours], always_answer=True
    )
    for old, new in zip(before, after, strict=True):
        assert old.point == new.point
        assert old.cities[0].name == new.cities[0].name
        assert abs(old.countries[0].probability - new.countries[0].probability) < 0.05


def test_probabilities_still_sum_to_one_and_evidence_rules_places_out(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    locator = taught(bundle, tmp_path, elsewhere)
    answer = locator.locate(picture(PURPLE), always_answer=True)[0]
    assert abs(sum(cell.probability for cell in answer.cells) - 1) < 1e-3
    told = locator.locate(picture(PURPLE), countries=["FR"], always_answer=True)[0]
    assert {city.name for city in told.cities if city.probability} == {"Paris"}
    assert told.countries[0].code == "FR"
    here = locator.locate(picture(RED), near=(*HAMPI, 5), always_answer=True)[0]
    assert here.cities[0].name == "Hampi"


def test_a_calibrated_model_speaks_of_it_at_its_own_temperature(
    tmp_path: Path, elsewhere: list[str]
) -> None:
    fitted = Calibration(
        calibrated=True,
        temperatures={"cities": 2.5, "countries": 0.5},
        prior={"cities": [0.4, 0.3, 0.3]},
        min_gain=0.2,
    )
    warm = make_bundle(tmp_path / "warm", fitted)
    plain = make_bundle(tmp_path / "plain")
    said = [
        taught(b, tmp_path, elsewhere).locate(picture(PURPLE))[0].cities[0] for b in (warm, plain)
    ]
    assert said[0] == said[1]
    silent = graticule.load(warm).locate(picture((93, 93, 93)))[0]
    assert silent.point is None  # says no more than no photo would: still abstains


def test_more_photos_are_added_and_the_bundle_stays_whole(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    sealed = files.read_json(bundle / "system.json")
    taught(bundle, tmp_path, elsewhere)
    more = shots(tmp_path / "more", PURPLE, 3, 50)
    place = teaching.teach(bundle, "hampi", [*more, str(tmp_path / "hampi" / "0.png")])
    assert (place.name, len(place.photos)) == ("Hampi", 8)
    assert (place.lat, place.lon) == HAMPI
    teaching.teach(bundle, "Paris", more[:1], at=(48.86, 2.35))
    assert len(list(bundle.glob("taught-*"))) == 1
    whole = teaching.taught(Bundle(bundle))
    assert whole is not None
    assert [p.name for p in whole.places] == ["Hampi", "Paris"]
    assert teaching.forget(bundle, "HAMPI").name == "Hampi"
    teaching.forget(bundle, "Paris")
    assert files.read_json(bundle / "system.json") == sealed
    assert not list(bundle.glob("taught-*"))


def test_a_run_that_was_killed_leaves_the_bundle_as_it_was(
    bundle: Path, tmp_path: Path, elsewhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(bundle, tmp_path, elsewhere)
    before = (bundle / "system.json").read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        teaching.teach(bundle, "Goa", shots(tmp_path / "goa", BROWN), at=(15.5, 73.8))
    assert (bundle / "system.json").read_bytes() == before
    whole = teaching.taught(Bundle(bundle))
    assert whole is not None
    assert [p.name for p in whole.places] == ["Hampi"]


def test_a_bundle_that_changed_meanwhile_is_not_overwritten(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    taught(bundle, tmp_path, elsewhere)
    stale = Bundle(bundle)
    whole = teaching.taught(stale)
    assert whole is not None
    teaching.teach(bundle, "Goa", shots(tmp_path / "goa", BROWN), at=(15.5, 73.8))
    with pytest.raises(BundleError, match="changed while it was taught"):
        teaching.write(stale, whole)


def test_where_a_place_is(bundle: Path, tmp_path: Path, elsewhere: list[str]) -> None:
    some = shots(tmp_path / "some", PURPLE)
    assert round(teaching.teach(bundle, "Udaipur", some, others=elsewhere).lat, 1) == 24.6
    with pytest.raises(GraticuleError, match=r"Our garden: .* give --at LAT,LON"):
        teaching.teach(bundle, "Our garden", some)
    with pytest.raises(GraticuleError, match="--at 95,10: no place on Earth"):
        teaching.teach(bundle, "Our garden", some, at=(95, 10))


def test_what_cannot_be_taught_is_named(bundle: Path, tmp_path: Path, elsewhere: list[str]) -> None:
    some = shots(tmp_path / "some", PURPLE)
    with pytest.raises(GraticuleError, match=r"colours: keeps no photos .* give --others"):
        teaching.teach(bundle, "Hampi", some, at=HAMPI)
    with pytest.raises(GraticuleError, match="too few places"):
        teaching.teach(bundle, "Hampi", some, at=HAMPI, others=elsewhere[:8])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    said: list[str] = []
    with pytest.raises(GraticuleError, match="none of the 2 photos can be read"):
        teaching.teach(
            bundle, "Hampi", [str(broken), "gone.jpg"], at=HAMPI, others=elsewhere,
            complain=said.append,
        )  # fmt: skip
    assert len(said) == 2
    with pytest.raises(GraticuleError, match="needs a name"):
        teaching.teach(bundle, "  ", some)
    with pytest.raises(GraticuleError, match="was taught no place"):
        teaching.forget(bundle, "Hampi")
    assert teaching.taught(Bundle(bundle)) is None


def test_one_broken_photo_does_not_stop_the_others(
    bundle: Path, tmp_path: Path, elsewhere: list[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    some = shots(tmp_path / "some", PURPLE)
    said: list[str] = []
    place = teaching.teach(
        bundle, "Hampi", [str(broken), *some, some[0]], at=HAMPI, others=elsewhere,
        complain=said.append,
    )  # fmt: skip
    assert len(place.photos) == 5
    assert len(said) == 1
