"""Loading and checking any image a user may bring. Pillow only: cheap to import, no Qt, no OpenCV."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from core.errors import InputError

MAX_PIXELS = 100_000_000
"""Largest screenshot accepted, in pixels (300 MB as RGB): twelve 4K screens."""

# Everything Pillow decodes by itself. Left out on purpose: formats that start other programs (EPS, WMF).
FORMATS = (
    *("PNG", "JPEG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM"),
    *("ICNS", "TGA", "JPEG2000", "AVIF", "QOI", "PCX", "SGI"),
)
"""What Pillow is asked to read. Not ICO: it decodes the pictures in an icon before their size is known."""

# Pillow warns at 89 million pixels and raises at twice that, before the size can be read and told to the
# user. This module checks the size itself, right after the header and before any decoding.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True, eq=False)
class Screenshot:
    """The input image, after EXIF rotation and alpha flattening.

    Attributes:
        pixels: uint8 [H, W, 3] RGB, C-contiguous.
        name: file name or another name for people.
        sha256: hash of the shape and the pixels.
        path: where it came from, or None.
    """

    pixels: np.ndarray
    name: str
    sha256: str
    path: Path | None = None

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


def load_screenshot(path: Path | str) -> Screenshot:
    """Read an image file of any common kind.

    EXIF rotation is applied; transparency is flattened on white; palette, CMYK, grey and 16-bit images
    become 8-bit RGB (16 bits scaled over their whole range); of an animation the first frame is taken.
    Any size from 1 × 1 to ``MAX_PIXELS`` pixels is returned as it is: fitting a screenshot to what a model
    accepts is the model adapter's business.

    Raises:
        InputError: the file is missing, unreadable, no image, damaged, or too large.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Give an image file, such as a PNG or JPEG.")
        with path.open("rb") as file:
            pixels = _decode(file, str(path))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Check the path and try again.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read. Check its permissions, or copy it elsewhere.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}). Try another copy.") from None
    return Screenshot(pixels, path.name, pixel_hash(pixels), path)


def from_array(pixels: np.ndarray, name: str, path: Path | None = None) -> Screenshot:
    """A screenshot of pixels in memory.

    Args:
        pixels: uint8 [H, W, 3] RGB, [H, W, 4] RGBA (flattened on white) or [H, W] grey; copied.

    Raises:
        InputError: the image is empty or larger than ``MAX_PIXELS``.
        ValueError: another shape or another type.
    """
    if (
        pixels.dtype != np.uint8
        or pixels.ndim not in (2, 3)
        or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4))
    ):
        raise ValueError(f"expected uint8 [H, W], [H, W, 3] or [H, W, 4], got {pixels.dtype} {pixels.shape}")
    _check_size(int(pixels.shape[1]), int(pixels.shape[0]), name)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    elif pixels.shape[2] == 4:
        pixels = _to_rgb(Image.fromarray(pixels, "RGBA"))
    pixels = np.array(pixels, np.uint8, order="C", copy=True)
    return Screenshot(pixels, name, pixel_hash(pixels), path)


def png_bytes(screenshot: Screenshot) -> bytes:
    """The screenshot as a PNG file, lightly compressed: much faster, a few percent larger."""
    out = io.BytesIO()
    Image.fromarray(screenshot.pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()


def from_png_bytes(data: bytes, name: str, path: Path | None = None) -> Screenshot:
    """Read back what ``png_bytes`` wrote, or any image file in memory (from the clipboard, say).

    Raises:
        InputError: the bytes are no image, damaged, or too large.
    """
    pixels = _decode(io.BytesIO(data), name)
    return Screenshot(pixels, name, pixel_hash(pixels), path)


def pixel_hash(pixels: np.ndarray) -> str:
    """SHA-256, in hex, of the shape and the bytes of an array of pixels."""
    digest = hashlib.sha256(repr(tuple(int(n) for n in pixels.shape)).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _decode(file: BinaryIO, name: str) -> np.ndarray:
    """uint8 [H, W, 3] from an open image file."""
    Image.init()  # registers the formats; an older Pillow lacks some of ours and must not be asked for them
    try:
        image = Image.open(file, formats=[kind for kind in FORMATS if kind in Image.OPEN])
    except Image.UnidentifiedImageError:
        raise InputError(
            f"{name} is not an image that Sightline can read. Give a PNG, JPEG, WebP, GIF, BMP or TIFF file."
        ) from None
    except Exception as error:  # decoders raise anything at all on damaged headers
        raise _damaged(name, error) from None
    with image:
        _check_size(image.width, image.height, name)
        try:
            image.load()
            return _to_rgb(_upright(image))
        except MemoryError:
            raise InputError(f"There is not enough memory to open {name}. Make the image smaller.") from None
        except Exception as error:  # as above, on damaged pixel data
            raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(
        f"{name} is damaged or incomplete ({error}). Save or download it again, or give another image."
    )


def _check_size(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        raise InputError(f"{name} has no pixels. Give an image of at least 1 × 1.")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} is {width:,} × {height:,} pixels; Sightline opens images of up to "
            f"{MAX_PIXELS // 1_000_000} million pixels. Scale it down or cut out a part."
        )


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF rotation; an image whose EXIF data cannot be read is taken as upright."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the pixels are sound, only the side information is not
        return image


def _to_rgb(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3] from any Pillow mode.

    Transparency is flattened on white: it is what viewers and web pages show behind a picture, and what
    transparent pictures (dark text, line drawings) are most often made for. The colour stored under
    fully transparent pixels is arbitrary and must not reach the model.
    """
    if image.mode.startswith("I") or image.mode == "F":
        grey = _eight_bit(np.asarray(image))
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if image.has_transparency_data:
        flat = Image.new("RGBA", image.size, (255, 255, 255, 255))
        flat.alpha_composite(image.convert("RGBA"))
        image = flat
    return np.array(image.convert("RGB"), np.uint8, order="C")


def _eight_bit(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 or 32 bits or floats, scaled over their whole range to uint8.

    Integers span 0 to 65,535 (32-bit files that hold more: their own range); floats 0 to 1, or 0 to 255
    when they exceed 1, or their own range when they exceed that.
    """
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    fulls = (65535.0,) if values.dtype.kind in "iu" else (1.0, 255.0)
    full = next((f for f in fulls if low >= 0 and high <= f), None)
    if full is None:
        numbers, full = numbers - low, max(high - low, 1e-12)
    return np.rint(numbers * (255.0 / full)).astype(np.uint8)
