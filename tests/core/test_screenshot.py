"""Any image a user may bring opens as 8-bit RGB, or is refused with one clear sentence."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import screenshot as module
from core.errors import InputError
from core.screenshot import from_array, from_png_bytes, load_screenshot, png_bytes

RED = (255, 0, 0)


def _png_header(path: Path, width: int, height: int) -> Path:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def _half_red(mode: str = "RGB") -> Image.Image:
    """6 × 4, left half red, right half white."""
    image = Image.new("RGB", (6, 4), (255, 255, 255))
    image.paste(RED, (0, 0, 3, 4))
    return image.convert(mode)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif", "webp", "ppm"])
def test_common_formats_keep_their_pixels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    _half_red().save(path, **options)
    shot = load_screenshot(path)
    assert (shot.width, shot.height, shot.name, shot.path) == (6, 4, path.name, path)
    assert shot.pixels.dtype == np.uint8
    assert shot.pixels.flags.c_contiguous
    assert np.array_equal(shot.pixels, np.asarray(_half_red()))


def test_an_icon_that_hides_a_huge_picture_is_not_decoded(tmp_path: Path, monkeypatch) -> None:
    Image.new("RGB", (256, 256)).save(tmp_path / "small.ico")

    def decode(*_given: object) -> None:
        raise AssertionError("decoded before its size was known")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decode)
    with pytest.raises(InputError, match="not an image that Sightline can read"):
        load_screenshot(tmp_path / "small.ico")


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really_a_jpeg.png"
    _half_red().save(path, "JPEG", quality=95)
    assert load_screenshot(path).pixels.shape == (4, 6, 3)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    image = _half_red()
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was turned: rotate 90° clockwise to see it upright
    image.save(tmp_path / "turned.png", exif=exif)
    shot = load_screenshot(tmp_path / "turned.png")
    assert (shot.width, shot.height) == (4, 6)
    assert tuple(shot.pixels[0, 0]) == RED
    assert tuple(shot.pixels[5, 0]) == (255, 255, 255)


def test_transparency_is_flattened_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 0] = 255
    rgba[0, :, 3] = [255, 128, 0]
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    pixels = load_screenshot(tmp_path / "a.png").pixels[0]
    assert tuple(pixels[0]) == RED
    assert np.abs(pixels[1].astype(int) - [255, 127, 127]).max() <= 1
    assert tuple(pixels[2]) == (255, 255, 255)


def test_a_transparent_palette_entry_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putdata([0, 1])
    image.save(tmp_path / "p.png", transparency=0)
    pixels = load_screenshot(tmp_path / "p.png").pixels[0]
    assert pixels.tolist() == [[255, 255, 255], [10, 20, 30]]


def test_cmyk_and_grey_become_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.tiff")
    assert tuple(load_screenshot(tmp_path / "cmyk.tiff").pixels[4, 4]) == RED
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    assert np.abs(load_screenshot(tmp_path / "cmyk.jpg").pixels[4, 4].astype(int) - RED).max() < 12
    Image.new("L", (3, 2), 77).save(tmp_path / "grey.png")
    assert (load_screenshot(tmp_path / "grey.png").pixels == 77).all()
    Image.new("LA", (3, 2), (77, 0)).save(tmp_path / "clear.png")
    assert (load_screenshot(tmp_path / "clear.png").pixels == 255).all()
    Image.new("1", (3, 2), 1).save(tmp_path / "bit.png")
    assert (load_screenshot(tmp_path / "bit.png").pixels == 255).all()


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    assert load_screenshot(tmp_path / f"deep.{suffix}").pixels[0, :, 1].tolist() == [0, 1, 128, 255]


def test_floating_point_tiffs_are_scaled(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "f.tiff")
    assert load_screenshot(tmp_path / "f.tiff").pixels[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in [RED, (0, 255, 0), (0, 0, 255)]]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], duration=50, **options)
    assert (load_screenshot(tmp_path / f"a.{suffix}").pixels == RED).all()


def test_one_pixel_works(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    assert load_screenshot(tmp_path / "dot.png").pixels.tolist() == [[[1, 2, 3]]]


def test_a_huge_image_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _png_header(tmp_path / "huge.png", 20_000, 20_000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(InputError, match=r"20,000 × 20,000 pixels.*100 million"):
        load_screenshot(path)


def test_a_size_where_pillow_itself_would_warn_gets_our_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="million"):
        load_screenshot(_png_header(tmp_path / "large.png", 12_000, 10_000))


def test_a_wide_but_thin_image_works(tmp_path: Path) -> None:
    Image.new("L", (20_000, 20), 9).save(tmp_path / "wide.png")
    assert load_screenshot(tmp_path / "wide.png").width == 20_000


def test_what_is_no_image_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name in ["text.png", "empty.png", "page.eps"]:
        with pytest.raises(InputError, match="is not an image that Sightline can read"):
            load_screenshot(tmp_path / name)
    with pytest.raises(InputError, match="There is no file"):
        load_screenshot(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        load_screenshot(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tiff", "bmp"])
def test_truncated_files_are_called_damaged(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    data = (tmp_path / f"whole.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"damaged|is not an image"):
        load_screenshot(tmp_path / f"cut.{suffix}")


def test_broken_exif_does_not_spoil_a_sound_image(tmp_path: Path) -> None:
    _half_red().save(tmp_path / "x.png", exif=b"Exif\0\0nonsense")
    assert load_screenshot(tmp_path / "x.png").width == 6


def test_png_bytes_round_trip(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (7, 5, 3), dtype=np.uint8)
    shot = from_array(pixels, "memory")
    again = from_png_bytes(png_bytes(shot), "again")
    assert np.array_equal(again.pixels, pixels)
    assert again.sha256 == shot.sha256
    with pytest.raises(InputError, match="again"):
        from_png_bytes(b"nothing", "again")


def test_the_hash_tells_shapes_and_pixels_apart() -> None:
    flat = np.arange(36, dtype=np.uint8)
    wide, tall = from_array(flat.reshape(2, 6, 3), "a"), from_array(flat.reshape(6, 2, 3), "b")
    assert wide.sha256 != tall.sha256
    expected = hashlib.sha256(b"(2, 6, 3)" + flat.tobytes()).hexdigest()
    assert wide.sha256 == expected


def test_arrays_of_other_kinds() -> None:
    assert from_array(np.full((2, 3), 5, np.uint8), "grey").pixels.tolist() == [[[5] * 3] * 3] * 2
    assert (from_array(np.zeros((2, 3, 4), np.uint8), "clear").pixels == 255).all()
    mine = np.zeros((2, 2, 3), np.uint8)
    shot = from_array(mine, "copy")
    mine[:] = 9
    assert not shot.pixels.any()
    with pytest.raises(InputError, match="no pixels"):
        from_array(np.zeros((0, 3, 3), np.uint8), "none")
    with pytest.raises(ValueError, match="expected uint8"):
        from_array(np.zeros((2, 2, 3), np.float32), "float")


def test_png_text_bombs_are_called_damaged() -> None:
    out = io.BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    data = out.getvalue()
    text = b"k\0\0" + zlib.compress(b"a" * (64 << 20))
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    with pytest.raises(InputError, match="damaged"):
        from_png_bytes(data[:33] + chunk + data[33:], "bomb")


def test_importing_it_brings_neither_torch_nor_opencv_nor_qt() -> None:
    code = "import sys, core.screenshot; print([m for m in ('torch', 'cv2', 'PySide6') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_limit_is_the_one_in_the_sentence() -> None:
    assert module.MAX_PIXELS == 100_000_000
