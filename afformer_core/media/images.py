# SPDX-License-Identifier: Apache-2.0
"""Images: files, sizes, and the resizing to a model's input."""

from __future__ import annotations

from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray
from PIL.ExifTags import Base

from afformer_core.arrays import UInt8Array
from afformer_core.errors import ImageError
from afformer_core.files.atomic import write_aside

Image = str | PathLike[str] | NDArray[np.uint8] | PIL.Image.Image
"""An image from the user, see `as_image`."""

IMAGE_SUFFIXES = ('.jpeg', '.jpg', '.png')
# Brands at the start of HEIC files.
_HEIC_BRANDS = (b'heic', b'heix', b'mif1', b'msf1', b'hevc')
# Decoding of OpenCV at a fraction of the size, which costs a JPEG a fraction of the memory.
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# EXIF orientations that swap width and height.
_TURNED = (5, 6, 7, 8)


def require_image_path(path: Path) -> None:
    """Check that an image can be written to a path, before the image is computed.

    Raises:
        ValueError: it cannot.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise ValueError(
            f'{path} ends in {path.suffix!r}; expected one of {", ".join(IMAGE_SUFFIXES)}'
        )


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write a JPEG or PNG atomically.

    Args:
        path: file that ends in one of `IMAGE_SUFFIXES`.
        image: uint8 RGB [H, W, 3].

    Raises:
        ValueError: the path has another ending.
        OSError: the file cannot be written.
    """
    require_image_path(path)
    is_png = path.suffix.lower() == '.png'
    write_aside(path, encode_png(image) if is_png else encode_jpeg(image, 95))


def as_image(image: Image) -> NDArray[np.uint8]:
    """Convert an image from the user to uint8 RGB [H, W, 3]; an array is not copied.

    Args:
        image: path of a file, uint8 RGB [H, W, 3], or a Pillow image, which is rotated by its EXIF
            orientation and loses its transparency.

    Raises:
        ImageError: it is none of these, or cannot be read.
    """
    if isinstance(image, str | PathLike):
        return read_image(Path(image))
    if isinstance(image, PIL.Image.Image):
        return _from_pillow(image)
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f'the image is of type {type(image).__name__}; expected a path, an array uint8 RGB '
            'of shape [height, width, 3], or a Pillow image'
        )
    require_rgb(image)
    return image


def _from_pillow(image: PIL.Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith(('I', 'F')):
        raise ImageError(
            f'the Pillow image has the mode {image.mode!r}; expected 8 bits a channel, such as '
            "'RGB'. Scale and convert it"
        )
    try:
        return np.array(PIL.ImageOps.exif_transpose(image).convert('RGB'))
    except OSError as error:
        raise ImageError(f'the Pillow image cannot be decoded: {error}') from error


def require_rgb(image: NDArray[Any]) -> None:
    """Check that an array is uint8 RGB [H, W, 3] of at least one pixel.

    Raises:
        ImageError: it is not.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            f'the image is {image.dtype} of shape {image.shape}; '
            'expected uint8 RGB of shape [height, width, 3]'
        )
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise ImageError(f'the image has shape {image.shape}; expected at least one pixel')


def read_image(path: Path | str, reduction: int = 1) -> NDArray[np.uint8]:
    """Read an image file as uint8 RGB [H, W, 3].

    Args:
        path: the file.
        reduction: divisor of width and height: 1, 2, 4 or 8.

    Raises:
        ImageError: it is missing, empty or not an image.
    """
    path = Path(path)
    if not path.is_file():
        found = 'is a folder' if path.is_dir() else 'does not exist'
        raise ImageError(f'{path} {found}; expected an image file')
    data = np.fromfile(path, np.uint8)
    if _is_heic(data):
        photograph = _read_heic(path)
        width, height = (-(-side // reduction) for side in photograph.shape[1::-1])
        reduced = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(reduced, np.uint8)
    image = cv2.imdecode(data, _REDUCED[reduction]) if data.size else None
    if image is None:
        raise ImageError(f'{path} cannot be read as an image; expected JPEG or PNG. Copy it again')
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _is_heic(content: NDArray[np.uint8]) -> bool:
    """Check whether the data is a phone's photograph that OpenCV cannot read."""
    box, brand = content[4:8].tobytes(), content[8:12].tobytes()
    return box == b'ftyp' and brand in _HEIC_BRANDS


def _read_heic(path: Path) -> NDArray[np.uint8]:
    """Read a phone's photograph, turned by its orientation."""
    try:
        with open_image(path) as image:
            return _from_pillow(image)
    except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise ImageError(f'{path} cannot be read as an image: {error}') from error


def open_image(path: Path) -> PIL.Image.Image:
    """Open an image with Pillow, or raise OSError for a HEIC that cannot be read here."""
    if _is_heic(np.fromfile(path, np.uint8, 12)) and not _register_heic():
        raise OSError(
            'it is a HEIC photograph, which needs pi-heif. Run `pip install pi-heif`, or convert '
            'it to JPEG'
        )
    return PIL.Image.open(path)


@cache
def _register_heic() -> bool:
    """Let Pillow read HEIC files, if pi-heif is installed; return whether it can."""
    try:
        import pi_heif
    except ImportError:
        return False
    pi_heif.register_heif_opener()
    return True


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Compress uint8 RGB [H, W, 3] as a PNG file.

    Raises:
        OSError: the image cannot be encoded.
    """
    encoded, data = cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise OSError(f'an image of shape {image.shape} cannot be encoded as PNG')
    return bytes(data.tobytes())


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Compress an image as a JPEG file.

    Args:
        image: uint8 RGB [H, W, 3].
        quality: quality from 0 to 100.

    Raises:
        OSError: the image cannot be encoded.
    """
    colours = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode('.jpg', colours, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise OSError(
            f'an image of shape {image.shape} cannot be encoded; JPEG has at most 65535 pixels a '
            'side'
        )
    return bytes(data.tobytes())


def write_jpeg(path: Path, image: NDArray[np.uint8], quality: int) -> None:
    """Write a JPEG into a folder that exists; see `encode_jpeg`."""
    path.write_bytes(encode_jpeg(image, quality))


def shown_size(image: PIL.Image.Image) -> tuple[int, int]:
    """Return (width, height) of an opened image as viewers and OpenCV show it, turned by EXIF."""
    width, height = image.size
    # Without EXIF in the header of a PNG, Pillow would decode the whole file to look for it.
    turned = 'exif' in image.info and image.getexif().get(Base.Orientation) in _TURNED
    return (height, width) if turned else (width, height)


def read_image_size(path: Path) -> tuple[int, int]:
    """Read (width, height) of an image file as viewers show it.

    Raises:
        ValueError: there is no such file, or it cannot be read as an image.
    """
    if not path.is_file():
        found = 'is a folder' if path.is_dir() else 'does not exist'
        raise ValueError(f'{path} {found}; expected an image')
    try:
        with open_image(path) as image:
            return shown_size(image)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise ValueError(f'{path} cannot be read as an image: {error}') from error


def shrink_to(image: NDArray[Any], side: int) -> UInt8Array:
    """Shrink an image so that its longer side has at most a number of pixels; keep its aspect.

    Args:
        image: uint8 RGB [H, W, 3].
        side: largest length of the longer side, in pixels, at least 1.

    Returns:
        uint8 RGB [height, width, 3], contiguous.

    Raises:
        ImageError: this is not an image.
    """
    require_rgb(image)
    scale = min(1.0, side / max(image.shape[:2]))
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    return resize_to_input(image, (height, width))


def resize_to_input(image: NDArray[Any], size: tuple[int, int]) -> UInt8Array:
    """Resize an RGB image to the model's input, each axis by its own scale.

    Args:
        image: uint8 RGB [H, W, 3].
        size: (height, width) of the model's input.

    Returns:
        uint8 RGB [height, width, 3], contiguous.

    Raises:
        ImageError: the image is not uint8, does not have three channels, or has no pixels.
    """
    require_rgb(image)
    if image.shape[:2] == size:
        return np.ascontiguousarray(image)
    height, width = size
    image = np.ascontiguousarray(image)
    # Halving first reduces the time to a half at 640x480 and to a sixth at 1920x1080.
    while _can_be_halved(image.shape[0], height) and _can_be_halved(image.shape[1], width):
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    shrinks = image.shape[0] > height or image.shape[1] > width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width, height), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)


def _can_be_halved(length: int, expected: int) -> bool:
    return length % 2 == 0 and length // 2 >= expected
