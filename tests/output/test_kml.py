"""KML that parses, with circles that lie on the map."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from graticule.answer import Answer
from graticule.output import write

NS = {"k": "http://www.opengis.net/kml/2.2"}


@pytest.fixture
def root(answers: list[Answer], tmp_path: Path) -> ET.Element:
    write(answers, "kml", tmp_path / "a.kml")
    return ET.parse(tmp_path / "a.kml").getroot()


def test_a_folder_a_photo(root: ET.Element, answers: list[Answer]) -> None:
    folders = root.findall(".//k:Folder", NS)
    assert len(folders) == len(answers)
    assert folders[0].find("k:Placemark/k:Point/k:coordinates", NS).text == "116.4,39.9"
    assert "indoors" in folders[3].find("k:description", NS).text
    assert len(folders[0].findall("k:Placemark", NS)) == 3  # the point and two circles


def test_a_place_that_is_likely_too_is_named(torn: Answer, tmp_path: Path) -> None:
    write([torn], "kml", tmp_path / "a.kml")
    text = (tmp_path / "a.kml").read_text(encoding="utf-8")
    assert "or Tokyo, Japan (31 %)" in text


def test_circles_stay_on_the_map(root: ET.Element) -> None:
    for ring in root.findall(".//k:LinearRing/k:coordinates", NS):
        corners = [tuple(map(float, pair.split(","))) for pair in ring.text.split()]
        assert corners[0] == corners[-1]
        assert all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in corners)


def test_a_circle_over_the_antimeridian_has_two_parts(root: ET.Element) -> None:
    fiji = root.findall(".//k:Folder", NS)[1]
    assert len(fiji.findall(".//k:Polygon", NS)) == 4
