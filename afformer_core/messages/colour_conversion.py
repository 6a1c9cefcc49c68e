# SPDX-License-Identifier: Apache-2.0
"""The conversion of the colours of images by rosbags-image."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.image import image_to_cvimage


@dataclass(frozen=True)
class PlainImage:
    """The fields of a sensor_msgs/Image without padding, in the byte order of this machine.

    Attributes:
        encoding: encoding of sensor_msgs/image_encodings.
        data: [H, W, channels], contiguous, in the type of the encoding.
    """

    encoding: str
    data: NDArray[Any]

    def __post_init__(self) -> None:
        if self.data.ndim != 3 or not self.data.flags.c_contiguous:
            raise ValueError(
                f'pixels of shape {self.data.shape} are not a plain image; expected contiguous '
                '[H, W, channels]'
            )

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.data.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.data.shape[1])

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return self.data[:1].nbytes

    @property
    def is_bigendian(self) -> int:
        """Byte order of this machine."""
        return int(sys.byteorder == 'big')


def convert_colours(image: PlainImage, encoding: str) -> NDArray[Any]:
    """Convert an image to 'rgb8' or 'rgb16', with the bit depth of the image."""
    return np.asarray(image_to_cvimage(image, encoding))  # type: ignore[arg-type]
