"""Any file opens upright and in RGB, or says in one line why not."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import PhotoError
from graticule.photos import photo as module
from graticule.photos.photo import DRAFT_SIDE, open_photo

#: A corner that is red: where it lies shows how a photo was turned.
RED, GREY = (230, 20, 20), (90, 110, 100)


def cornered(size: tuple[int, int] = (80, 60), mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", size, GREY)
    image.paste(RED, (0, 0, size[0] // 4, size[1] // 4))
    return image.convert(mode)


def is_red(image: Image.Image, x: float, y: float) -> bool:
    width, height = image.size
    pixel = np.array(image.getpixel((int(x * (width - 1)), int(y * (height - 1)))), dtype=float)
    return bool(np.abs(pixel - RED).max() < 60)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_formats(form: str) -> None:
    image = open_photo(saved(cornered(), form)).image
    assert image.mode == "RGB"
    assert image.size == (80, 60)
    assert is_red(image, 0.05, 0.05)
    assert not is_red(image, 0.9, 0.9)


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_formats_of_phones(form: str) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    try:
        whole = saved(cornered(), form)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow cannot write {form}")
    assert is_red(open_photo(whole).image, 0.05, 0.05)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1", "I;16", "F", "YCbCr", "LAB"])
def test_modes_become_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.arange(4800).reshape(60, 80) * 13).astype(np.uint16))
    elif mode == "LAB":
        image = Image.new("LAB", (80, 60))
    else:
        image = cornered(mode=mode)
    found = open_photo(image).image
    assert found.mode == "RGB"
    assert found.size == (80, 60)


def test_sixteen_bits_keep_their_brightness() -> None:
    ramp = np.linspace(0, 65535, 4800).reshape(60, 80).astype(np.uint16)
    grey = np.asarray(open_photo(saved(Image.fromarray(ramp), "TIFF")).image)[..., 0]
    np.testing.assert_allclose(grey, ramp / 257, atol=1.5)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert open_photo(saved(clear, "PNG")).image.getpixel((5, 5)) == (255, 255, 255)


#: EXIF orientation → where the stored top left corner is shown.
TURNS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("scale", [1, 20])
def test_every_orientation_stands_upright(form: str, orientation: int, scale: int) -> None:
    image = cornered((80 * scale, 60 * scale))
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_photo(saved(image, form, exif=exif))
    x, y = TURNS[orientation]
    assert is_red(opened.image, 0.05 + 0.9 * x, 0.05 + 0.9 * y)
    wide = opened.image.size[0] > opened.image.size[1]
    assert wide == (orientation < 5)
    # Pillow turns a TIFF when it opens it.
    assert opened.size in (image.size, image.size[::-1] if form == "TIFF" else None)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_large_photos_are_reduced_but_not_below_what_the_encoder_needs(form: str) -> None:
    opened = open_photo(saved(cornered((4000, 3000)), form))
    assert DRAFT_SIDE <= min(opened.image.size) < 2 * DRAFT_SIDE
    assert opened.size == (4000, 3000)
    assert open_photo(saved(cornered((4000, 3000)), form), draft=0).image.size == (4000, 3000)


def test_a_palette_is_never_averaged() -> None:
    image = cornered((2000, 1600)).quantize(4)
    colours = set(open_photo(saved(image, "PNG")).image.getdata())
    assert len(colours) <= 4


def test_of_an_animation_the_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREY)]
    # MPO is what phones write beside a JPEG's first picture.
    for form in ("GIF", "WEBP", "PNG", "MPO"):
        whole = saved(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        assert is_red(open_photo(whole).image, 0.5, 0.5)


def test_sources_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cornered().save(path)
    array = np.asarray(cornered())
    sources = [path, str(path), path.read_bytes(), bytearray(path.read_bytes()), cornered(), array]
    found = [np.asarray(open_photo(source).image) for source in sources]
    with path.open("rb") as file:
        found.append(np.asarray(open_photo(file).image))
    for one in found:
        np.testing.assert_array_equal(one, array)


def test_a_pipe_that_cannot_go_back(tmp_path: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as end:
        end.write(saved(cornered(), "PNG"))
    with os.fdopen(read, "rb") as pipe:
        assert open_photo(pipe).image.size == (80, 60)


def test_a_users_image_is_left_as_it_is() -> None:
    image = Image.open(io.BytesIO(saved(cornered((4000, 3000)), "JPEG")))
    open_photo(image)
    assert image.size == (4000, 3000)
    assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((4,), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
    ],
)
def test_arrays_that_are_no_photo(array: np.ndarray, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        open_photo(array)


def one_line(path: Path) -> str:
    """The error of a file; it is one line and begins with the name."""
    with pytest.raises(PhotoError) as caught:
        open_photo(path)
    words = str(caught.value)
    assert "\n" not in words
    assert words.startswith(str(path))
    return words


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "no such file" in one_line(tmp_path / "none.jpg")
    assert "a folder" in one_line(tmp_path)
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert "empty file" in one_line(empty)
    text = tmp_path / "text.jpg"
    text.write_text("not a picture", encoding="utf-8")
    assert "not an image" in one_line(text)
    dangling = tmp_path / "dangling.jpg"
    dangling.symlink_to(tmp_path / "gone.jpg")
    assert "gone" in one_line(dangling)
    loop = tmp_path / "loop.jpg"
    loop.symlink_to(loop)
    assert "levels of symbolic links" in one_line(loop)
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "not a regular file" in one_line(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_truncated_files(tmp_path: Path, form: str) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    whole = saved(noise, form)
    for share in (0.02, 0.5, 0.9):
        cut = tmp_path / f"{share}.jpg"
        cut.write_bytes(whole[: int(len(whole) * share)])
        assert "cut off" in (words := one_line(cut)) or "not an image" in words


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really.png"
    path.write_bytes(saved(cornered(), "JPEG"))
    assert is_red(open_photo(path).image, 0.05, 0.05)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(saved(cornered(), "JPEG"))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads everything: let the opening itself refuse

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Image, "open", refuse)
    assert "no permission" in one_line(path)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (60_000, 10), (10, 60_000)])
def test_odd_shapes(size: tuple[int, int]) -> None:
    opened = open_photo(saved(Image.new("RGB", size, RED), "PNG"))
    assert opened.size == size
    assert is_red(opened.image, 0.5, 0.5)


def test_no_pixels_at_all() -> None:
    with pytest.raises(PhotoError, match="no pixels"):
        open_photo(Image.new("RGB", (0, 5)))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [14_000, 60_000])
def test_decompression_bombs_are_refused_before_they_are_decoded(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(side, side))
    assert "refused" in one_line(path)


def test_zero_by_zero(tmp_path: Path) -> None:
    path = tmp_path / "nothing.png"
    path.write_bytes(png_claiming(0, 0))
    assert one_line(path)


def test_no_format_that_starts_other_programs(tmp_path: Path) -> None:
    eps = tmp_path / "script.jpg"
    eps.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    assert "not an image" in one_line(eps)


def test_names_that_are_not_text_are_written_with_escapes() -> None:
    name = os.fsdecode(b"caf\xe9 \n\xf0\x9f\x98\x80.jpg")
    shown = module.display_name(name)
    assert shown == "caf\\xe9 \n😀.jpg"
    shown.encode("utf-8")


def said(source: bytes) -> str:
    try:
        return open_photo(source).image.mode
    except PhotoError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of broken tags
def test_any_bytes_give_a_photo_or_one_line() -> None:
    rng = np.random.default_rng(3)
    whole = bytearray(saved(cornered(), "JPEG", exif=_exif()))
    for _ in range(60):
        broken = bytearray(whole)
        for at in rng.integers(0, len(broken), 12):
            broken[at] = rng.integers(0, 256)
        assert "\n" not in said(bytes(broken))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 0.0)
    return exif
