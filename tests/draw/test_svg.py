"""The static world map: XML that holds what was asked for, inside its frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from graticule.draw.svg import worldmap

SVG = "{http://www.w3.org/2000/svg}"


def parts(text: str, kind: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(text).iter() if e.get("class") == kind]


def test_what_is_asked_for_is_drawn() -> None:
    text = worldmap(
        points=[(39.9, 116.4), (-17, 179.5)],
        circles=[(-17, 179.5, 900), (85, 0, 2000)],
        heat=[(0, 0, 0.5), (10, 10, 0.1)],
        values={"FR": 0.9},
        title='a "map" <b>',
    )
    assert len(parts(text, "point")) == 2
    assert len(parts(text, "circle")) == 2
    assert len([e for e in ET.fromstring(text).iter() if e.get("fill") == "url(#heat)"]) == 2
    assert ET.fromstring(text).get("aria-label") == 'a "map" <b>'


def test_nothing_leaves_the_frame() -> None:
    text = worldmap(circles=[(-17, 179.9, 1500), (89, 10, 3000), (0, 0, 15_000)], width=960)
    for path in ET.fromstring(text).iter(f"{SVG}path"):
        numbers = re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
        assert numbers
        assert all(0 <= float(x) <= 960 and 0 <= float(y) <= 468 for x, y in numbers)


def test_beijing_lies_north_east() -> None:
    point = parts(worldmap(points=[(39.9, 116.4)]), "point")[0]
    assert 700 < float(point.get("cx", 0)) < 800
    assert 80 < float(point.get("cy", 0)) < 150
