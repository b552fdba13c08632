"""Pictures (PNG, JPEG, BMP, GIF, TIFF) as grey bytes, with nothing changed on the way unseen.

Pillow opens far more than it can turn into bytes of grey without clipping, scaling or dropping
something. What is read here is listed; the rest is refused by its name.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gliomake.datasets.root import Limits

Read = TypeVar("Read")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF")

NOTES = {
    "exif-orientation": (
        "carry an EXIF orientation and were turned by it, as viewers show them; tools that "
        "disregard it draw outlines on the stored pixels, which then lie beside the tumour"
    ),
    "colour-profile": "carry a colour profile or a gamma; their values were taken as stored",
    "palette": "are stored with a palette; the colours that it gives were taken",
    "opaque-alpha": "have an alpha channel without a transparent pixel, which was dropped",
    "few-bits": "have fewer than 8 bits a pixel; their greys were spread over 0 to 255",
}
"""What was done to a picture, as a predicate of the pictures that it was done to."""

_EXPECTED = f"grey or RGB of 8 bits a channel, as {', '.join(FORMATS)}"
_CONVERT = "convert it to 8-bit PNG, with the range of values that you choose"
_COMPLETE = "complete the download, or leave the image out"
_ORIENTATION = 0x0112
_SRGB_GAMMA = 1 / 2.2


class PictureError(ValueError):
    """A picture that cannot be read as grey bytes.

    Parameters
    ----------
    found, expected, advice : str
        As for `gliomake.datasets.base.CaseError`.
    """

    def __init__(self, found: str, expected: str = _EXPECTED, advice: str = _CONVERT):
        super().__init__(f"{found}; expected {expected}")
        self.found = found
        self.expected = expected
        self.advice = advice


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    grey : ndarray, (height, width) uint8
        Upright; of colours the luminance of ITU-R BT.601.
    notes : tuple of str
        Keys of `NOTES`.
    orientation : int
        The EXIF orientation that it was stored with; 1 is upright.
    """

    grey: np.ndarray
    notes: tuple[str, ...]
    orientation: int


def decode(data: bytes, limits: Limits) -> Picture:
    """Read a picture from its file's bytes.

    Parameters
    ----------
    data : bytes
        The file.
    limits : Limits
        Its ``slice_pixels`` is held against the header, before a pixel is decoded.

    Raises
    ------
    PictureError
        It is damaged, too large, several pictures in one, or of values that bytes cannot hold.
    """
    return _decoded(data, limits, _grey)


def decode_colours(data: bytes, limits: Limits) -> np.ndarray:
    """Read a picture whose three colours are channels of their own.

    Parameters
    ----------
    data, limits
        As for `decode`.

    Returns
    -------
    ndarray, (height, width, 3) uint8
        Red, green and blue as stored.

    Raises
    ------
    PictureError
        It is not as `decode` wants it, or is no RGB.
    """
    return _decoded(data, limits, _colours)


def decode_labels(data: bytes, limits: Limits) -> np.ndarray:
    """Read a mask as the numbers that it stores: grey values, or places in its palette.

    Parameters
    ----------
    data, limits
        As for `decode`.

    Returns
    -------
    ndarray, (height, width) uint8
        Labels.

    Raises
    ------
    PictureError
        It is packed with loss, has colours, alpha or an orientation, or other bits than 1 or 8.
    """
    return _decoded(data, limits, _labels)


def _decoded(data: bytes, limits: Limits, read: Callable[[Image.Image, bytes], Read]) -> Read:
    """Open a picture, check it and let it be read; what it raises is a `PictureError`."""
    try:
        with _quiet(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image, data, limits)
            return read(image, data)
    except (PictureError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise PictureError(
            f"a damaged image, or a format that is not read (it begins with {data[:8]!r})",
            f"one of {', '.join(FORMATS)}",
            "convert it to PNG, or complete the download",
        ) from error
    except Exception as error:
        # A broken file leads the decoders to errors of every type.
        if "too large" in str(error) or "Too much memory" in str(error):
            raise PictureError(
                f"text or a profile inside the image that inflates without bound ({error})",
                "an image without such chunks",
                "save it again without metadata",
            ) from error
        found = f"a damaged image ({error or type(error).__name__})"
        raise PictureError(found, "a complete image", _COMPLETE) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave the sizes to our limit, not to Pillow's, and metadata's oddities unsaid."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _too_large(found: str, limits: Limits) -> PictureError:
    return PictureError(
        found,
        f"at most {limits.slice_pixels} pixels (limits.slice_pixels)",
        "check the file, or raise the limit for this data set",
    )


def _check(image: Image.Image, data: bytes, limits: Limits) -> None:
    """Refuse by the header what bytes of grey cannot hold."""
    if image.width * image.height > limits.slice_pixels:
        raise _too_large(f"an image of {image.width} x {image.height} pixels", limits)
    if getattr(image, "is_animated", False):
        raise PictureError(
            f"{getattr(image, 'n_frames', 'several')} pictures in one {image.format} file",
            "one picture a file",
            "save the one that was annotated alone",
        )
    if image.format == "PNG":
        _check_png(data)
    elif image.format == "TIFF":
        _check_tiff(image, limits)
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise PictureError(f"a {image.format} image of mode {image.mode}")


def _check_png(data: bytes) -> None:
    if data[12:16] != b"IHDR":
        raise PictureError("a damaged image (no IHDR first)", "a complete image", _COMPLETE)
    if data[24] > 8:  # Pillow drops the low byte of colours
        raise PictureError(f"a PNG of {data[24]} bits a channel")
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.verify()  # decoding alone does not look at the checksums of the pixels


def _check_tiff(image: Any, limits: Limits) -> None:
    tags = image.tag_v2
    bits, kinds = set(_values(tags, 258, 1)), set(_values(tags, 339, 1))
    (photometric,) = _values(tags, 262, 1)[:1]
    if not (bits <= {8} or bits <= {1}) or not kinds <= {1}:
        raise PictureError(f"a TIFF of {sorted(bits)} bits a sample, sample format {sorted(kinds)}")
    if photometric not in (0, 1, 2, 3):
        raise PictureError(f"a TIFF of photometric interpretation {photometric}")
    tile = _values(tags, 322, 1)[0] * _values(tags, 323, 1)[0]
    if tile > limits.slice_pixels:
        raise _too_large(f"a TIFF with tiles of {tile} pixels", limits)


def _values(tags: Any, tag: int, default: int) -> tuple[int, ...]:
    value = tags.get(tag, default)
    return tuple(value) if isinstance(value, tuple) else (value,)


def _colours(image: Image.Image, data: bytes) -> np.ndarray:
    if image.mode != "RGB" or "transparency" in image.info:
        found = f"a {image.format} image of mode {image.mode}"
        raise PictureError(found, "RGB, a channel a colour", "save it as RGB without alpha")
    return np.asarray(ImageOps.exif_transpose(image))


def _labels(image: Image.Image, data: bytes) -> np.ndarray:
    few = image.format == "PNG" and data[24] < 8 and image.mode == "L"
    if image.format == "JPEG" or image.mode not in ("1", "L", "P") or few:
        why = "packed with loss" if image.format == "JPEG" else f"of mode {image.mode}"
        raise PictureError(
            f"a {image.format} mask {why}" + (f", {data[24]} bits a pixel" if few else ""),
            "a mask of grey bytes, black and white, or a palette, as PNG or TIFF",
            "save it so, a label a value",
        )
    if image.getexif().get(_ORIENTATION, 1) != 1:
        raise PictureError("a mask with an EXIF orientation", "none", "save it upright")
    return np.asarray(image).astype(np.uint8)


def _grey(image: Image.Image, data: bytes) -> Picture:
    notes = []
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation in range(2, 9):
        notes.append("exif-orientation")
    gamma = image.info.get("gamma")
    if image.info.get("icc_profile") or (gamma and abs(gamma - _SRGB_GAMMA) > 0.01):
        notes.append("colour-profile")
    if image.mode in ("P", "PA"):
        notes.append("palette")
    elif image.mode == "1" or (image.format == "PNG" and data[24] < 8):
        notes.append("few-bits")
    upright = ImageOps.exif_transpose(image)
    if "A" in upright.mode or "transparency" in upright.info:
        # Of few bits, Pillow compares the spread greys with the transparent one before spreading.
        alpha = upright.convert("RGBA").getchannel("A")
        if "few-bits" in notes or np.asarray(alpha).min() < 255:
            raise PictureError(
                "transparent pixels, whose grey depends on what they are laid on",
                "an opaque image",
                "flatten it on the background that was annotated",
            )
        notes.append("opaque-alpha")
    if upright.mode in ("P", "PA", "LA", "RGBA"):
        upright = upright.convert("LA" if upright.mode == "LA" else "RGB")
    grey = np.asarray(upright.getchannel("L") if upright.mode == "LA" else upright.convert("L"))
    return Picture(grey, tuple(notes), orientation if "exif-orientation" in notes else 1)
