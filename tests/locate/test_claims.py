"""Claims in words and numbers; what is wrong with one is said, with the mend."""

from __future__ import annotations

import pytest

from graticule.errors import GraticuleError
from graticule.locate.claims import as_given, of_row, parse


@pytest.mark.parametrize(
    "text",
    [
        "49.84,24.03",
        "49.84 24.03",
        " 49.84 , 24.03 ",
        "49.84;24.03",
        "geo:49.84,24.03",
        "49.84N 24.03E",
        "N49.84, E24.03",
        "24.03E, 49.84N",
        "49°50′24″N 24°1′48″E",
        "49° 50.4' N, 24° 1.8' E",
    ],
)
def test_coordinates_as_people_write_them(text: str) -> None:
    claim = parse(text)
    assert claim.latlon == pytest.approx((49.84, 24.03), abs=1e-6)
    assert claim.country == "UA"
    assert not claim.notes


def test_south_and_west_are_negative_and_longitudes_wrap() -> None:
    assert parse("33°51′S 151°13′E").lat == pytest.approx(-33.85)
    assert parse("40N 74W").lon == -74
    assert parse("-17.5,210.4").lon == pytest.approx(-149.6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("139.7,35.7", "did you mean 35.7,139.7"),
        ("200,200", "no place on Earth"),
        ("nan,3", "finite"),
        ("inf,3", "finite"),
        ("49N 24S", "two lats"),
        ("", "is empty"),
        (" , ", "write LAT,LON"),
    ],
)
def test_coordinates_that_are_none(text: str, words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        parse(text)


def test_a_claim_at_sea_is_one_and_swapped_coordinates_are_suspected() -> None:
    sea = parse("30,-40")
    assert sea.country == ""
    assert sea.name.startswith("at sea, 1,")
    assert len(sea.notes) == 1
    swapped = parse("36.8,-1.3")
    assert "swapped (-1.3,36.8) it would be Nairobi, Kenya" in swapped.notes[1]


def test_a_pole_and_an_empty_position_are_noted() -> None:
    assert "longitude says nothing" in parse("90,12").notes[0]
    assert "longitude says nothing" in parse("-90,0").notes[0]
    assert "broken or empty" in parse("0,0").notes[0]


@pytest.mark.parametrize(
    ("text", "country", "near"),
    [
        ("Lviv, Ukraine", "UA", (49.84, 24.03)),
        ("lviv,UA", "UA", (49.84, 24.03)),
        ("London, UK", "GB", (51.5, -0.13)),
        ("Paris, Texas", "US", (33.66, -95.56)),
        ("Springfield, Illinois, USA", "US", (39.8, -89.64)),
        ("Portland, ME", "US", (43.66, -70.26)),
        ("Kiev", "UA", (50.45, 30.52)),
    ],
)
def test_towns_by_name(text: str, country: str, near: tuple[float, float]) -> None:
    claim = parse(text)
    assert claim.country == country
    assert claim.latlon == pytest.approx(near, abs=0.1)


def test_the_clearly_largest_town_is_taken_and_said() -> None:
    claim = parse("Paris")
    assert claim.country == "FR"
    assert "Paris, Texas, United States of America" in claim.notes[0]


def test_one_of_many_names_lists_them_with_their_countries() -> None:
    with pytest.raises(GraticuleError) as caught:
        parse("San Jose")
    words = str(caught.value)
    for part in ("Costa Rica", "California, United States", "Philippines", '"Name, Country"'):
        assert part in words
    with pytest.raises(GraticuleError, match=r"Missouri, US.*Illinois, US.*Springfield, Missouri"):
        parse("Springfield, US")


def test_an_unknown_town_gets_the_nearest_names() -> None:
    with pytest.raises(GraticuleError, match=r"did you mean Lviv, UA \(49.84,24.02\)"):
        parse("Lviw, Ukraine")
    with pytest.raises(GraticuleError, match="no town 'Lviv' in Poland; elsewhere there is Lviv"):
        parse("Lviv, Poland")
    with pytest.raises(GraticuleError, match=r"'Ukrane'.*write UA"):
        parse("Lviv, Ukrane")
    with pytest.raises(GraticuleError, match="give LAT,LON"):
        parse("Qqxzzyw")


def test_a_country_alone_is_claimed_as_a_whole() -> None:
    claim = parse("Ukraine")
    assert claim.whole_country
    assert claim.country == "UA"
    assert len(claim.places) > 20
    assert parse("Kyiv, Ukraine").places.shape == (1, 2)


def test_rows_say_what_is_wrong_with_them() -> None:
    assert of_row("Lviv, Ukraine", float("nan"), float("nan")).country == "UA"
    assert of_row("", 49.84, 24.03).country == "UA"
    assert "neither" in str(of_row(" ", float("nan"), float("nan")))
    assert "finite" in str(of_row("", 1.0, float("nan")))
    assert "did you mean" in str(of_row("", 139.7, 35.7))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Bavaria, Germany", "a region cannot be claimed, a town in it can"),
        ("Bayern, Germany", 'Bayern is a region of Germany.*as "Munich, DE"'),
        ("Texas, US", 'regions cannot be claimed: name a town in it, as "Houston, US"'),
        ("California, US", 'California is a region.*"Los Angeles, US".*Maryland'),
        ("Indiana, US", "Smaller towns have that name: Indiana, Pennsylvania, US"),
        ("Georgia, US", 'Georgia is a region of United States.*"Atlanta, US"'),
        ("Victoria", "Victoria is a region of Australia, too"),
    ],
)
def test_a_region_is_none_to_claim_and_that_is_said(text: str, words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        parse(text)


def test_where_a_name_is_a_region_too_the_choice_is_said() -> None:
    assert "Washington is a region" in parse("Washington, US").notes[0]
    # A town in the region of its name is what people mean by it.
    assert not parse("New York, US").notes
    assert not parse("Indiana, Pennsylvania, US").notes


def test_a_country_that_is_a_region_or_a_town_too_is_said_to_be_taken() -> None:
    taken, also = parse("Georgia").notes
    assert taken == "the whole of Georgia was taken as the claim"
    assert also.startswith("Georgia is a region of United States of America, too")
    assert "a town of Luxembourg, too" in parse("Luxembourg").notes[1]
    assert len(parse("Ukraine").notes) == 1


def test_a_row_keeps_the_words_it_was_given() -> None:
    assert as_given("Atlantis", 1.0, 2.0) == "Atlantis"
    assert as_given("", 139.7, 35.7) == "139.7,35.7"
    assert as_given(" ", float("nan"), float("nan")) == ""
