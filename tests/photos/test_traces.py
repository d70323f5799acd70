from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from graticule.errors import PhotoError
from graticule.photos.containers import pieces, without_metadata
from graticule.photos.traces import Trace, find_traces, names_place, protect
from made_photos import add_iptc

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<d exif:GPSLatitude="51,30N" photoshop:City="London"/></x:xmpmeta>'
)


def picture() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((320, 240))


def exif(orientation: int = 6) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010F], made[0x0110] = "Maker", "Camera 1"
    made[0x013B] = "Jo Doe"
    made[0x0132] = "2021:07:04 12:00:00"
    made.get_ifd(0x8769)[0xA431] = "SN-12345"
    made.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 0.0), 3: "W", 4: (0.0, 7.0, 12.0)})
    return made


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_20210704.jpg"
    picture().save(
        path, exif=exif(), comment=b"Our hotel, Rue X", xmp=XMP, icc_profile=b"profile",
        progressive=True, restart_marker_blocks=4,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + b"ftypmp42 a film hides here")
    return path


def values(traces: list[Trace]) -> dict[str, str]:
    return {trace.what: trace.value for trace in traces}


def test_everything_a_jpeg_says_is_found(jpeg: Path) -> None:
    traces = find_traces(jpeg)
    said = values(traces)
    assert said["EXIF GPS"] == "51.500000, -0.120000"
    assert said["EXIF time"] == "2021-07-04T12:00:00"
    assert said["EXIF camera"] == "Maker Camera 1"
    assert said["EXIF artist"] == "Jo Doe"
    assert said["EXIF camera serial number"] == "SN-12345"
    assert said["XMP"] == "exif:GPSLatitude, photoshop:City"
    assert said["comment"] == "Our hotel, Rue X"
    assert "data after the picture" in said
    assert said["file name (kept)"] == "20210704"
    assert traces[0].kind == "place"


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (b"\x1c\x02\x5a\0\x06London\x1c\x02\x65\0\x02UK", "city, country"),
        (b"\x1c\x02\x78\0\x05words", ""),  # a caption
        (b"\x1c\x02\x5a\0\0", ""),  # a city without a name
    ],
)
def test_places_in_iptc_are_found(tmp_path: Path, records: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    picture().save(path)
    add_iptc(path, records)
    (trace,) = find_traces(path)
    assert trace.what == "IPTC captions"
    assert (trace.kind, trace.value if said else "") == ("place" if said else "other", said)
    assert names_place(path.read_bytes(), "a.jpg") == bool(said)


def test_a_place_in_xmp_is_found_without_decoding_and_gps_is_left_to_exif(jpeg: Path) -> None:
    assert names_place(jpeg.read_bytes(), "a.jpg")
    assert not names_place(jpeg.read_bytes()[:200], "a.jpg")
    assert not names_place(protect(jpeg).data, "a.jpg")


def test_a_stripped_jpeg_keeps_its_pixels_colours_and_orientation(jpeg: Path) -> None:
    made = protect(jpeg)
    assert made.lossless
    with Image.open(io.BytesIO(made.data)) as after, Image.open(jpeg) as before:
        assert np.array_equal(np.asarray(after), np.asarray(before))
        assert dict(after.getexif()) == {0x0112: 6}
        assert after.info["icc_profile"] == b"profile"
        assert "comment" not in after.info
        assert "xmp" not in after.info
    for secret in (b"Jo Doe", b"SN-12345", b"hotel", b"GPS", b"London", b"film", b"2021"):
        assert secret not in made.data


def test_a_stripped_photo_says_nothing(jpeg: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean.jpg"
    clean.write_bytes(protect(jpeg).data)
    assert find_traces(clean) == []
    assert protect(clean).data == clean.read_bytes()


def test_png_and_webp_lose_their_words_and_nothing_else(tmp_path: Path) -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "Our hotel")
    words.add_itxt("XML:com.adobe.xmp", XMP.decode())
    png, webp = tmp_path / "a.png", tmp_path / "a.webp"
    picture().save(png, pnginfo=words, exif=exif())
    picture().save(webp, lossless=True, exif=exif(), xmp=XMP, icc_profile=b"profile")
    for path in (png, webp):
        assert values(find_traces(path))["EXIF GPS"] == "51.500000, -0.120000"
        made = protect(path)
        assert made.lossless
        assert made.suffix == path.suffix
        with Image.open(io.BytesIO(made.data)) as after:
            assert np.array_equal(np.asarray(after), np.asarray(picture()))
            assert dict(after.getexif()) == {0x0112: 6}
        assert b"hotel" not in made.data
        assert b"London" not in made.data
        assert b"Jo Doe" not in made.data


def test_other_formats_are_encoded_again_upright(tmp_path: Path) -> None:
    tiff, gif = tmp_path / "a.tif", tmp_path / "a.gif"
    picture().save(tiff, exif=exif())
    picture().convert("P").save(gif, comment=b"Our hotel")
    again = protect(tiff)
    assert (again.suffix, again.lossless) == (".jpg", False)
    with Image.open(io.BytesIO(again.data)) as image:
        assert image.size == (240, 320)
        assert not dict(image.getexif())
    flat = protect(gif)
    assert (flat.suffix, flat.lossless) == (".png", True)
    assert b"hotel" not in flat.data


def test_a_thumbnail_is_named_and_goes(tmp_path: Path) -> None:
    # A TIFF block whose second directory points at a preview.
    inner = io.BytesIO()
    picture().resize((32, 24)).save(inner, "JPEG")
    preview = inner.getvalue()
    turned = b"\x12\x01\x03\0\x01\0\0\0\x01\0\0\0"
    first = b"II*\0\x08\0\0\0" + b"\x01\0" + turned + b"\x1a\0\0\0"
    entries = b"\x02\0" + b"\x01\x02\x04\0\x01\0\0\0" + b"\x38\0\0\0"
    entries += b"\x02\x02\x04\0\x01\0\0\0" + len(preview).to_bytes(4, "little") + b"\0\0\0\0"
    block = b"Exif\0\0" + first + entries + preview
    path = tmp_path / "thumb.jpg"
    picture().save(path, exif=block)
    assert any(trace.kind == "preview" for trace in find_traces(path))
    assert preview not in protect(path).data


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0", b"text"])
def test_broken_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        find_traces(path)
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        protect(path)
    with pytest.raises(PhotoError, match=r"absent\.jpg"):
        protect(tmp_path / "absent.jpg")


def test_every_cut_of_a_jpeg_is_an_error_or_whole(jpeg: Path) -> None:
    data = jpeg.read_bytes()
    for end in range(4, len(data), max(1, len(data) // 60)):
        try:
            parts = pieces(data[:end], "cut")
        except PhotoError:
            continue
        assert parts is not None
        assert b"".join(piece.raw for piece in parts).rstrip(b"\0") == data[:end].rstrip(b"\0")


def test_pieces_are_the_file() -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG", exif=exif())
    parts = pieces(buffer.getvalue(), "a")
    assert parts is not None
    assert b"".join(piece.raw for piece in parts) == buffer.getvalue()
    assert b"Exif" not in without_metadata(parts)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs ExifTool")
def test_exiftool_finds_nothing_left(jpeg: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean.jpg"
    clean.write_bytes(protect(jpeg).data)
    told = subprocess.run(
        ["exiftool", "-json", "-G", str(clean)], capture_output=True, text=True, check=True
    )
    groups = {key.split(":")[0] for key in json.loads(told.stdout)[0]}
    assert groups <= {"SourceFile", "ExifTool", "File", "EXIF", "JFIF", "Composite", "ICC_Profile"}
    exif_tags = [k for k in json.loads(told.stdout)[0] if k.startswith("EXIF:")]
    assert exif_tags == ["EXIF:Orientation"]
