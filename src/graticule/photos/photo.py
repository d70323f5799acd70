"""One photo, opened safely: upright RGB pixels, and what its metadata says kept apart."""

from __future__ import annotations

import io
import os
import stat
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graticule.errors import PhotoError
from graticule.photos.exif import Metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

#: Everything `locate` takes as one photo.
Source: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image | npt.NDArray[np.uint8]"

_ENDINGS = "jpg jpeg jpe jfif png webp tif tiff gif bmp heic heif avif"
#: File name endings that a folder is searched for.
SUFFIXES = frozenset(f".{ending}" for ending in _ENDINGS.split(" "))
#: What Pillow may open; not EPS and its like, which start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF")
#: Pixels above which a file is refused: half a gigabyte decoded, and where Pillow sees a bomb.
MAX_PIXELS = 178_956_970
#: Pixels above which photos that must be decoded whole are decoded one at a time.
LARGE_PIXELS = 40_000_000
#: A photo is kept no larger than its shorter side needs, twice the usual input of 224 pixels.
DRAFT_SIDE = 448

_one_large = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A photo ready for an encoder.

    Attributes:
        name: what answers call it.
        image: upright, RGB; a large one reduced by a whole factor.
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
        draft: reduce a photo by a whole factor, a JPEG while it is decoded, as long as both sides
            stay this long; 0 keeps all pixels.

    Raises:
        PhotoError: one line saying what is wrong with it.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        label = name or getattr(source, "filename", "") or "image"
        return _guarded(label, lambda: _finish(source, label, draft))
    if isinstance(source, np.ndarray):
        label = name or "array"
        return _guarded(label, lambda: _finish(_from_array(source, label), label, draft))
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(io.BytesIO(source), name or "bytes", draft)
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "read"):
            raise PhotoError(f"{name or 'image'}: {type(source).__name__} is not a photo")
        return _open(_seekable(source), name or str(getattr(source, "name", "file")), draft)
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


def _seekable(file: IO[bytes]) -> IO[bytes]:
    seekable = getattr(file, "seekable", None)
    return file if seekable is None or seekable() else io.BytesIO(file.read())


def scaled(size: tuple[int, int], side: float) -> tuple[int, int]:
    """Width and height of a picture whose longer side becomes so long, one pixel at least."""
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resized(image: Image, side: float) -> Image:
    """The picture with a longer side so long: by means of boxes if it shrinks, else bilinear."""
    from PIL import Image as PillowImage

    shrinks = max(image.size) > side
    how = PillowImage.Resampling.BOX if shrinks else PillowImage.Resampling.BILINEAR
    return image.resize(scaled(image.size, side), how)


def _open(file: Path | IO[bytes], name: str, draft: int) -> Photo:
    from PIL import Image

    def opened() -> Photo:
        with Image.open(file, formats=_formats()) as image:
            return _finish(image, name, draft, own=True)

    return _guarded(name, opened)


def _guarded(name: str, work: Callable[[], Photo]) -> Photo:
    """Do ``work``; whatever a decoder throws becomes one line."""
    from PIL import Image, UnidentifiedImageError

    try:
        return work()
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


def _finish(image: Image, name: str, draft: int, *, own: bool = False) -> Photo:
    """Decode and turn upright; an image that is not our ``own`` keeps its size and frame."""
    from PIL import ImageOps

    size = image.size
    if min(size) == 0:
        raise PhotoError(f"{name}: no pixels ({size[0]}×{size[1]})")
    if size[0] * size[1] > MAX_PIXELS:
        raise PhotoError(f"{name}: {size[0]}×{size[1]} is more than {MAX_PIXELS:,} pixels; refused")
    metadata = read_metadata(image)
    if draft and own and image.format in {"JPEG", "MPO"}:
        image.draft("RGB", (draft, draft))
    large = image.size[0] * image.size[1] > LARGE_PIXELS
    with _one_large if large else nullcontext():
        image.load()
        factor = min(image.size) // draft if draft else 1
        if factor > 1 and image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"}:
            image = image.reduce(factor)
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


@cache
def _formats() -> tuple[str, ...]:
    """The formats of :data:`FORMATS` that this installation reads."""
    from PIL import Image

    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
        if hasattr(pillow_heif, "register_avif_opener"):  # until Pillow read it itself
            pillow_heif.register_avif_opener()
    except ImportError:  # a platform without a wheel still reads everything else
        pass
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)
