"""One photo, opened safely: upright RGB pixels, and what its metadata says kept apart."""

from __future__ import annotations

import io
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graticule.errors import PhotoError
from graticule.photos.exif import Metadata, read_metadata

if TYPE_CHECKING:
    from PIL.Image import Image

#: Everything `locate` takes as one photo.
Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image | npt.NDArray[np.uint8]"

_ENDINGS = "jpg jpeg jpe jfif png webp tif tiff gif bmp heic heif avif"
#: File name endings that a folder is searched for.
SUFFIXES = frozenset(f".{ending}" for ending in _ENDINGS.split(" "))
#: Pixels above which a file is refused: four times the largest cameras, 1 GB once decoded.
MAX_PIXELS = 400_000_000
#: A JPEG is decoded no larger than its shorter side needs, twice the usual input of 224 pixels.
DRAFT_SIDE = 448


@dataclass(frozen=True)
class Photo:
    """A photo ready for an encoder.

    Attributes:
        name: what answers call it.
        image: upright, RGB; a large JPEG is decoded at a reduced size.
        size: width and height of the file's own pixels, before orientation.
        metadata: what the file says of itself.
    """

    name: str
    image: Image
    size: tuple[int, int]
    metadata: Metadata


def display_name(name: str) -> str:
    """A file name as text that can be written anywhere: odd bytes are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def open_photo(source: Source, name: str | None = None, *, draft: int = DRAFT_SIDE) -> Photo:
    """Open a photo from a path, bytes, a file object, a Pillow image or a uint8 array.

    Arrays have shape (h, w), (h, w, 3) or (h, w, 4). Transparency is laid on white, grey and
    palette become RGB, 16 bits become 8, of an animation the first frame counts, and EXIF
    orientation is applied.

    Args:
        source: the photo.
        name: what to call it; the path by default.
        draft: decode a JPEG no further than a shorter side of twice this allows; 0 decodes all.

    Raises:
        PhotoError: one line saying what is wrong with it.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        return _finish(source, name or getattr(source, "filename", "") or "image", draft)
    if isinstance(source, np.ndarray):
        return _finish(_from_array(source, name or "array"), name or "array", 0)
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(io.BytesIO(source), name or "bytes", draft)
    if not isinstance(source, str | os.PathLike):
        return _open(source, name or str(getattr(source, "name", "file")), draft)
    path = Path(source)
    label = name or display_name(str(path))
    _check_file(path, label)
    return _open(path, label, draft)


def _check_file(path: Path, name: str) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        why = "a link to a file that is gone" if path.is_symlink() else "no such file"
        raise PhotoError(f"{name}: {why}") from None
    except (OSError, ValueError) as error:
        raise PhotoError(f"{name}: cannot be read ({getattr(error, 'strerror', error)})") from None
    if stat.S_ISDIR(found.st_mode):
        raise PhotoError(f"{name}: a folder, not a photo")
    if not stat.S_ISREG(found.st_mode):
        raise PhotoError(f"{name}: not a regular file")
    if found.st_size == 0:
        raise PhotoError(f"{name}: empty file (0 bytes)")


def _open(file: Path | IO[bytes], name: str, draft: int) -> Photo:
    from PIL import Image, UnidentifiedImageError

    _register_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit speaks, not Pillow's warning
            with Image.open(file) as image:
                return _finish(image, name, draft)
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise PhotoError(f"{name}: more than {MAX_PIXELS:,} pixels; refused") from None
    except UnidentifiedImageError:
        raise PhotoError(f"{name}: not an image, or a format graticule does not read") from None
    except PermissionError:
        raise PhotoError(f"{name}: no permission to read it") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError) as error:
        # Pillow names truncation in several ways, all of them OSErrors or worse.
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PhotoError(f"{name}: broken or cut off ({words})") from None
    except Exception as error:  # a decoder's own surprise must not stop the batch
        raise PhotoError(f"{name}: cannot be decoded ({type(error).__name__})") from None


def _finish(image: Image, name: str, draft: int) -> Photo:
    from PIL import ImageOps

    size = image.size
    if min(size) == 0:
        raise PhotoError(f"{name}: no pixels ({size[0]}×{size[1]})")
    if size[0] * size[1] > MAX_PIXELS:
        raise PhotoError(f"{name}: {size[0]}×{size[1]} is more than {MAX_PIXELS:,} pixels; refused")
    metadata = read_metadata(image)
    if draft and image.format == "JPEG":
        image.draft("RGB", (draft, draft))
    image.load()
    if getattr(image, "is_animated", False):
        image.seek(0)
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # a broken orientation tag leaves the pixels as they are
        upright = image
    return Photo(name, _to_rgb(upright), size, metadata)


def _to_rgb(image: Image) -> Image:
    from PIL import Image as PillowImage

    if image.mode == "RGB":
        return image
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        # 16-bit files fill their range; floats and 32 bits have none, so theirs is what they use.
        top = 65535.0 if image.mode.startswith("I;16") else max(float(np.nanmax(values)), 1e-9)
        top = 65535.0 if 255 < top <= 65535 else top
        grey = np.nan_to_num(np.clip(values / top, 0, 1) * 255).astype(np.uint8)
        return PillowImage.fromarray(grey).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        opaque = image.convert("RGBA")
        white = PillowImage.new("RGBA", opaque.size, (255, 255, 255, 255))
        return PillowImage.alpha_composite(white, opaque).convert("RGB")
    return image.convert("RGB")


def _from_array(array: npt.NDArray[Any], name: str) -> Image:
    from PIL import Image as PillowImage

    if array.dtype != np.uint8:
        raise PhotoError(f"{name}: pixels must be uint8, got {array.dtype}; scale to 0…255 first")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PhotoError(f"{name}: pixels must have shape (h, w) or (h, w, 3), got {array.shape}")
    if 0 in array.shape:
        raise PhotoError(f"{name}: no pixels {array.shape}")
    squeezed = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return PillowImage.fromarray(np.ascontiguousarray(squeezed))


_heif_registered = False


def _register_heif() -> None:
    global _heif_registered  # noqa: PLW0603 - Pillow's own registry is global too
    if _heif_registered:
        return
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:  # a platform without a wheel still reads everything else
        pass
    _heif_registered = True
