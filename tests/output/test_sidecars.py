"""Sidecars: read by others, never over what was there, and undone to the byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.answer import Answer, City
from graticule.errors import GraticuleError
from graticule.output.sidecars import NAMESPACE, remove_sidecar, sidecar_of, write_sidecar

EXIFTOOL = shutil.which("exiftool")
#: What a photo program wrote: its own prefixes, attributes, a comment and a packet wrapper.
EARLIER = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 6.0.0">
  <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <!-- mine -->
    <r:Description r:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
      xmlns:exif="http://ns.adobe.com/exif/1.0/" photoshop:City="Peking"
      exif:GPSLatitude="39,59.5N" exif:GPSLongitude="116,16.2E"/>
  </r:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tmp_path / "china.jpg"


def exiftool(path: Path) -> dict[str, object]:
    if EXIFTOOL is None:
        pytest.skip("needs Debian's libimage-exiftool-perl")
    ran = subprocess.run([EXIFTOOL, "-j", "-G1", path], capture_output=True, check=True)
    found: dict[str, object] = json.loads(ran.stdout)[0]
    return found


def test_exiftool_reads_it_back(photo: Path, beijing: Answer) -> None:
    assert write_sidecar(photo, beijing) == photo.with_name("china.jpg.xmp")
    found = exiftool(sidecar_of(photo))
    assert found["XMP-graticule:Kind"] == "estimate"
    assert (found["XMP-graticule:Latitude"], found["XMP-graticule:Longitude"]) == (39.9, 116.4)
    assert found["XMP-graticule:RadiusKm80"] == 640
    assert found["XMP-graticule:ModelSha256"] == "0" * 64 or found["XMP-graticule:ModelSha256"] == 0
    assert found["XMP-photoshop:Country"] == "China"
    assert found["XMP-photoshop:State"] == found["XMP-photoshop:City"] == "Beijing"
    assert found["XMP-iptcCore:CountryCode"] == "CN"
    assert "±640 km (80 %)" in str(found["XMP-iptcCore:Location"])
    assert not [name for name in found if "GPS" in name]


def test_what_was_there_stays(photo: Path, beijing: Answer) -> None:
    sidecar_of(photo).write_bytes(EARLIER)
    write_sidecar(photo, beijing)
    found = exiftool(sidecar_of(photo))
    assert found["XMP-photoshop:City"] == "Peking"
    assert found["XMP-photoshop:Country"] == "China"
    assert str(found["XMP-exif:GPSLatitude"]).startswith("39 deg 59' 30")
    assert b"<!-- mine -->" in sidecar_of(photo).read_bytes()


def test_undone_to_the_byte(photo: Path, beijing: Answer) -> None:
    sidecar_of(photo).write_bytes(EARLIER)
    write_sidecar(photo, beijing)
    assert sidecar_of(photo).read_bytes() != EARLIER
    assert remove_sidecar(photo)
    assert sidecar_of(photo).read_bytes() == EARLIER
    assert not remove_sidecar(photo)


def test_an_own_sidecar_goes(photo: Path, beijing: Answer, tmp_path: Path) -> None:
    write_sidecar(photo, beijing)
    assert remove_sidecar(photo)
    assert list(tmp_path.iterdir()) == []
    assert not remove_sidecar(photo)


def test_twice_is_once(photo: Path, beijing: Answer) -> None:
    sidecar_of(photo).write_bytes(EARLIER)
    write_sidecar(photo, beijing)
    once = sidecar_of(photo).read_bytes()
    write_sidecar(photo, beijing)
    assert sidecar_of(photo).read_bytes() == once


def test_only_what_is_sure_is_named(photo: Path, beijing: Answer) -> None:
    unsure = beijing.countries[0].model_copy(update={"probability": 0.4})
    write_sidecar(photo, beijing.model_copy(update={"countries": (unsure,)}))
    text = sidecar_of(photo).read_text(encoding="utf-8")
    assert "photoshop:Country" not in text
    assert "<graticule:CountryProbability>0.4000" in text


def test_a_city_of_another_country_is_not_named(photo: Path, beijing: Answer) -> None:
    paris = City(name="Paris", country="FR", probability=0.9)
    write_sidecar(photo, beijing.model_copy(update={"cities": (paris,)}))
    assert "photoshop:City>" not in sidecar_of(photo).read_text(encoding="utf-8")


def test_silence_is_said_without_a_place(photo: Path, abstained: Answer, failed: Answer) -> None:
    write_sidecar(photo, abstained)
    text = sidecar_of(photo).read_text(encoding="utf-8")
    assert "No place estimated: indoors" in text
    assert "Latitude" not in text
    assert "photoshop:Country" not in text
    assert write_sidecar(photo.with_name("notes.txt"), failed) is None


BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&b;</rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "document type"),
        (BOMB.replace(b'<!ENTITY a "aaaa">', b'<!ENTITY a SYSTEM "file:///etc/hostname">'), "type"),
        (b"no xml", "not valid XML"),
        (b"", "not valid XML"),
        (b"<x/>", "no rdf:RDF"),
        (EARLIER.decode().encode("utf-16"), "not UTF-8"),
        (EARLIER[:200], "not valid XML"),
    ],
)
def test_what_is_no_plain_sidecar_is_left_alone(
    photo: Path, beijing: Answer, content: bytes, words: str
) -> None:
    sidecar_of(photo).write_bytes(content)
    with pytest.raises(GraticuleError, match=words):
        write_sidecar(photo, beijing)
    assert sidecar_of(photo).read_bytes() == content


def test_undone_after_another_program_wrote_it_anew(photo: Path, beijing: Answer) -> None:
    sidecar_of(photo).write_bytes(EARLIER)
    before = exiftool(sidecar_of(photo))
    write_sidecar(photo, beijing)
    edit = ["-XMP-dc:Title=Tower", "-XMP-photoshop:State=Mine", "-overwrite_original"]
    subprocess.run([EXIFTOOL, *edit, sidecar_of(photo)], capture_output=True, check=True)
    assert b"<!-- graticule" not in sidecar_of(photo).read_bytes()
    assert remove_sidecar(photo)
    after = exiftool(sidecar_of(photo))
    fields = {name: value for name, value in after.items() if name.startswith("XMP-")}
    assert fields.pop("XMP-dc:Title") == "Tower"
    assert fields.pop("XMP-photoshop:State") == "Mine"  # changed since: no longer ours
    fields.pop("XMP-x:XMPToolkit")
    assert fields == {n: v for n, v in before.items() if n.startswith("XMP-") and n[4:6] != "x:"}


def test_attributes_are_cut_too(photo: Path) -> None:
    own = f'xmlns:g="{NAMESPACE}" g:Kind="estimate" g:Country="China" g:Wrote="photoshop:Country"'
    rewritten = EARLIER.replace(
        b'photoshop:City="Peking"', b'photoshop:City="Peking" ' + own.encode()
    )
    rewritten = rewritten.replace(b"g:Kind", b'photoshop:Country="China" g:Kind')
    sidecar_of(photo).write_bytes(rewritten)
    assert remove_sidecar(photo)
    left = sidecar_of(photo).read_bytes()
    assert left == EARLIER.replace(b'"Peking"', b'"Peking" xmlns:g="' + NAMESPACE.encode() + b'"')


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40))
def test_any_name_is_written_and_undone(name: str) -> None:
    import tempfile

    from graticule.answer import Place, Point

    place = Place(code="CN", name=name, probability=0.9)
    answer = Answer(photo="a", point=Point(lat=1, lon=2), countries=(place,))
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "a.jpg"
        sidecar_of(photo).write_bytes(EARLIER)
        write_sidecar(photo, answer)
        write_sidecar(photo, answer)  # parses: what was written is XML
        assert remove_sidecar(photo)
        assert sidecar_of(photo).read_bytes() == EARLIER
