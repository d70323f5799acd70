"""Verdicts on photos: true claims agree, false ones do not, and what cannot be told is said."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundles import BLACK, BLUE, GREEN, RED, make_bundle, photo
from graticule.calibration import Calibration
from graticule.errors import GraticuleError
from graticule.locate import albums
from graticule.locate.claims import parse
from graticule.locate.engine import Engine
from graticule.locate.verify import Item, Verification, Verifier
from graticule.locate.verify_output import (
    WRITERS,
    flat,
    in_words,
    limits_in_words,
    one_line_each,
)
from graticule.locate.verify_page import page
from graticule.photos.manifest import read
from graticule.verdicts.limits import Limits, Verdicts

PARIS, DELHI = parse("48.86,2.35"), parse("28.61,77.21")


def fitted(**changes: object) -> Calibration:
    """A calibration with limits at half and twice as likely."""
    limits = Limits(
        contradicts=-0.7,
        agrees=0.7,
        false_alarm=0.04,
        false_agreement=0.06,
        found=0.5,
        confirmed=0.4,
    )
    verdicts = Verdicts(
        task="cities",
        reach_km=100.0,
        rates={5: limits},
        claims=100,
        places=50,
        countries={5: limits.model_copy(update={"false_alarm": 0.03})},
        country_places=45,
    )
    return Calibration(
        calibrated=True,
        prior={"cities": [0.4, 0.3, 0.3], "countries": [0.3, 0.3, 0.4]},
        verdicts=verdicts.model_dump(mode="json"),
        **changes,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(
        tmp_path_factory.mktemp("models") / "colours", fitted(max_indoor=0.9, max_flatness=0.6)
    )


@pytest.fixture(scope="module")
def verifier(bundle: Path) -> Verifier:
    return Verifier(Engine(bundle))


def told(verifier: Verifier, source: object, claim: object) -> Verification:
    return next(iter(verifier.verify([Item(source, "it", claim)])))  # type: ignore[arg-type]


def test_a_true_claim_agrees_and_a_false_one_is_contradicted(
    verifier: Verifier, tmp_path: Path
) -> None:
    red = photo(tmp_path / "red.jpg", RED)
    true, false = told(verifier, red, PARIS), told(verifier, red, DELHI)
    assert (true.verdict, false.verdict) == ("agrees", "contradicts")
    assert true.likelihood_ratio > 1 > false.likelihood_ratio
    assert true.as_good < false.as_good
    assert (true.country_rank, true.rate, true.false_alarm) == (1, 5, 0.04)
    assert true.cell is not None
    assert true.cell.name == "Paris, France"
    assert true.likeliest[0].id == false.likeliest[0].id == "FR:Paris"
    assert false.km_to_likeliest > 6000


def test_a_whole_country_can_be_claimed(verifier: Verifier, tmp_path: Path) -> None:
    green = photo(tmp_path / "green.jpg", GREEN)
    assert told(verifier, green, parse("India")).verdict == "agrees"
    assert told(verifier, green, parse("France")).verdict == "contradicts"
    assert told(verifier, green, parse("India")).cell is None
    # By limits of their own.
    assert told(verifier, green, parse("India")).false_alarm == 0.03
    assert told(verifier, green, DELHI).false_alarm == 0.04


def test_a_model_without_limits_for_countries_says_so_in_every_output(
    verifier: Verifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = verifier.verdicts.model_copy(update={"countries": {}})
    monkeypatch.setattr(verifier, "verdicts", without)
    green = photo(tmp_path / "green.jpg", GREEN)
    found = told(verifier, green, parse("India"))
    assert found.verdict == "can't tell"
    assert found.false_alarm is found.false_agreement is None
    assert found.likelihood_ratio is not None
    words = "not calibrated for whole countries"
    assert words in (found.reason or "")
    assert words in str(flat(found)["reason"])
    assert words in one_line_each(found)
    assert words in page([found], without, [green])
    assert words in limits_in_words(without, 5, countries=True)
    assert told(verifier, green, DELHI).verdict == "agrees"


def test_a_model_without_limits_at_a_rate_gives_that_reason(
    verifier: Verifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = verifier.verdicts.limits(5).model_copy(update={"contradicts": None, "agrees": None})
    few = verifier.verdicts.model_copy(update={"rates": {1: none, 5: none}})
    monkeypatch.setattr(verifier, "_limits", none)
    found = told(verifier, photo(tmp_path / "red.jpg", RED), DELHI)
    assert found.verdict == "can't tell"
    assert found.reason == "this model has no limits that keep 5 % false alarms"
    assert "No claim is contradicted: 99 places are needed" in limits_in_words(few, 1)
    assert "No claim is said to agree: no limit kept the rate" in limits_in_words(few, 5)
    unmeasured = few.model_copy(
        update={"rates": {5: verifier.verdicts.limits(5).model_copy(update={"found": None})}}
    )
    assert "contradicted could not be measured" in limits_in_words(unmeasured, 5)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("30,-40", "at sea"),
        ("90,0", "pole"),
        ("Nairobi", None),
        ("Kenya", "whole of Kenya"),
        ("0,0", "broken or empty"),
    ],
)
def test_a_place_the_model_does_not_know_cannot_be_told(
    verifier: Verifier, tmp_path: Path, text: str, note: str | None
) -> None:
    found = told(verifier, photo(tmp_path / "red.jpg", RED), parse(text))
    assert found.verdict == "can't tell"
    assert found.reason == "this model knows no place near the claim"
    assert found.likelihood_ratio is found.as_good is found.cell is None
    assert found.claim is not None
    assert note is None or any(note in words for words in found.claim.notes)


def test_photos_that_abstain_get_no_verdict_but_their_numbers(
    verifier: Verifier, tmp_path: Path
) -> None:
    screen = Image.new("RGB", (200, 150), RED)
    found = told(verifier, screen, PARIS)
    assert found.verdict == "can't tell"
    assert "screenshot" in (found.reason or "")
    assert found.likelihood_ratio is not None
    indoor = told(verifier, photo(tmp_path / "black.png", BLACK), PARIS)
    assert "indoors" in (indoor.reason or "")


def test_a_batch_goes_on_past_what_cannot_be_read(verifier: Verifier, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no photo")
    red = photo(tmp_path / "red.jpg", RED)
    items = [
        Item(red, "one", PARIS),
        Item(tmp_path / "broken.jpg", "two", PARIS),
        Item(red, "three", "claim 'x': no such town"),
        Item(tmp_path / "gone.jpg", "four", DELHI),
        Item(red, "five", DELHI),
    ] * 5
    found = list(verifier.verify(iter(items)))
    assert [one.photo for one in found] == [item.name for item in items]
    said = [(one.verdict, one.error is None) for one in found[:5]]
    assert said == [
        ("agrees", True),
        (None, False),
        (None, False),
        (None, False),
        ("contradicts", True),
    ]
    assert "no such town" in (found[2].error or "")
    assert "no such file" in (found[3].error or "")
    assert found[1].claim is not None


def test_verdicts_do_not_depend_on_who_else_is_in_the_batch(
    verifier: Verifier, tmp_path: Path
) -> None:
    items = [
        Item(photo(tmp_path / f"{i}.png", colour, seed=i), str(i), claim)
        for i, (colour, claim) in enumerate([(RED, PARIS), (GREEN, PARIS), (BLUE, DELHI)] * 4)
    ]
    together = list(verifier.verify(items))
    assert together == [next(iter(verifier.verify([item]))) for item in items]


def test_metadata_stands_apart_and_changes_no_verdict(verifier: Verifier, tmp_path: Path) -> None:
    plain = photo(tmp_path / "plain.jpg", RED)
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (28.6, 0.0, 0.0), 3: "E", 4: (77.2, 0.0, 0.0)})
    buffer = io.BytesIO()
    with Image.open(plain) as image:
        image.save(buffer, "JPEG", exif=exif, quality="keep")
    with_gps = told(verifier, buffer.getvalue(), PARIS)
    assert with_gps.checks[0].says == "contradicts"
    row = flat(with_gps)
    assert (row["gps"], row["gps_words"]) == ("contradicts", with_gps.checks[0].words)
    without = told(verifier, plain, PARIS)
    assert without.checks == ()
    assert with_gps.model_copy(update={"checks": ()}) == without


def test_a_model_without_verdicts_or_with_another_rate_says_what_to_do(
    bundle: Path, colours: Path
) -> None:
    with pytest.raises(GraticuleError, match="graticule calibrate"):
        Verifier(Engine(colours))
    few = Engine(colours)
    few.calibration = Calibration(calibrated=True, fitted_on={"no_verdicts": "14 places, say"})
    with pytest.raises(GraticuleError, match="no thresholds for verdicts: 14 places, say"):
        Verifier(few)
    with pytest.raises(GraticuleError, match="there are: 5"):
        Verifier(Engine(bundle), 1)


@pytest.fixture
def with_index(bundle: Path, tmp_path: Path) -> Verifier:
    folder = tmp_path / "albums"
    folder.mkdir()
    lines = ["path,lat,lon"]
    for number in range(6):
        at, colour = ((48.85, 2.36), RED) if number % 2 else ((28.6, 77.2), GREEN)
        photo(folder / f"{number}.jpg", colour, seed=number)
        lines.append(f"{number}.jpg,{at[0]},{at[1]}")
    (folder / "albums.csv").write_text("\n".join(lines), encoding="utf-8")
    engine = Engine(bundle)
    index = albums.open_index(engine, tmp_path / "albums.index")
    albums.add(engine, index, read(folder / "albums.csv"))
    return Verifier(Engine(bundle, tmp_path / "albums.index"))


def test_an_index_shows_the_claimed_place_and_the_likeliest(
    with_index: Verifier, verifier: Verifier, tmp_path: Path
) -> None:
    red = photo(tmp_path / "red.jpg", RED, seed=99)
    found = told(with_index, red, DELHI)
    assert {match.photo for match in found.looks_claimed} == {"0.jpg", "2.jpg", "4.jpg"}
    assert {match.photo for match in found.looks_likeliest} == {"1.jpg", "3.jpg", "5.jpg"}
    assert found.looks_likeliest[0].similarity > found.looks_claimed[0].similarity
    # It shows; it does not speak.
    alone = told(verifier, red, DELHI)
    assert (found.verdict, found.likelihood_ratio) == (alone.verdict, alone.likelihood_ratio)
    looks = str(flat(found)["looks_claimed"])
    assert all(f"{match.photo} ({match.similarity:.2f})" in looks for match in found.looks_claimed)
    assert flat(found)["looks_likeliest"]
    album = with_index.engine.album
    assert album is not None
    assert album.file("0.jpg") == (tmp_path / "albums.index" / "../albums/0.jpg")
    assert album.file("nobody.jpg") is None
    text = page([found], with_index.verdicts, [red], album.file)
    assert text.count("data:image/jpeg") == 7


def test_the_page_opens_offline_and_escapes_what_it_is_given(
    verifier: Verifier, tmp_path: Path
) -> None:
    red = photo(tmp_path / "red.jpg", RED)
    bad = "<script>alert(1)</script>"
    items = [
        Item(red, bad, PARIS),
        Item(red, "two", DELHI),
        Item(red, "three", bad),
        Item(tmp_path / "gone.jpg", "four", DELHI),
    ]
    found = list(verifier.verify(items))
    text = page(found, verifier.verdicts, [item.source for item in items])
    assert "<script>alert" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert text.index("two</h2>") < text.index("</h2>", text.index("two</h2>") + 8)
    assert text.count('id="world"') == 1
    single = page(found[2:3], verifier.verdicts, [red])
    assert "&lt;script&gt;" in single


def test_every_format_has_every_photo(verifier: Verifier, tmp_path: Path) -> None:
    red = photo(tmp_path / "red.jpg", RED)
    items = [Item(red, "a\nb", PARIS), Item(red, "two", "no such claim", "Atlantis")]
    found = list(verifier.verify(items))
    for form, lines in (("json", 2), ("csv", 3)):
        out = io.StringIO()
        write = WRITERS[form](out)
        for one in found:
            write(one)
        if form == "json":
            assert [Verification.model_validate_json(x) for x in out.getvalue().split("\n")[:2]]
        assert len(out.getvalue().replace('"a\nb"', "ab").strip().split("\n")) == lines
    assert list(flat(found[0])) == list(flat(found[1]))
    rates = (flat(found[0])["false_alarm"], flat(found[0])["false_agreement"])
    assert rates == (0.04, 0.06)
    # A claim that could not be read stands as it was given.
    assert flat(found[1])["claim"] == found[1].claim_text == "Atlantis"
    assert "Atlantis" in one_line_each(found[1])
    assert "Atlantis" in page(found, verifier.verdicts, [red, red])
    assert one_line_each(found[0]).startswith("a\\nb: agrees")
    assert "not read" in one_line_each(found[1])


def test_words_say_how_much_likelier() -> None:
    base = Verification(photo="x", likelihood_ratio=4.0, as_good=0.25)
    assert "is 4 times as likely at the claim as anywhere else; 25 %" in in_words(base)
    for ratio, words in ((0.25, "4 times less likely at the claim than"), (0.99, "about as")):
        assert f"is {words}" in in_words(base.model_copy(update={"likelihood_ratio": ratio}))
    assert in_words(base.model_copy(update={"reason": "indoors"})).startswith("No verdict: indoors")
    np.testing.assert_equal(in_words(Verification(photo="x")), "")
