# SPDX-License-Identifier: Apache-2.0
"""Sequences of HOI4D: their names, their files, and the labels in their masks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from afformer_core.errors import DatasetError

RELEASE, ANNOTATIONS = 'HOI4D_release', 'HOI4D_annotations'
# Masks of most cameras, shifted to fit the images, and masks of the first camera.
MASK_FOLDERS = ('2Dseg/shift_mask', '2Dseg/mask')
RIGHT_HAND = 2
# Numbers of the label of the left hand, by category; other categories have none.
_LEFT_HAND = {8: 6, 17: 6, 20: 3}
# Number of frames at the start of a sequence, 2 s, that are searched for one without hands.
_FRAMES = 30
# Colours of labels are 0 or 128; the three bits of a label are red, green and blue.
_HALF = 64
_NAME = re.compile(r'ZY\d+/H\d+/C(\d+)/N(\d+)/S\d+/s\d+/T(\d+)')


@dataclass(frozen=True)
class Sequence:
    """A sequence of 300 frames at 15 per second.

    Attributes:
        name: its path, `ZY20210800001/H1/C4/N11/S125/s03/T1`.
        category: number of the category of its object.
        instance: number of the object in its category.
        task: number of the task in its category.
    """

    name: str
    category: int
    instance: int
    task: int

    @classmethod
    def of(cls, name: str) -> Sequence:
        """Read a path.

        Raises:
            ValueError: the name is not that of a sequence.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(
                f'it is {name!r}; expected a path such as ZY20210800001/H1/C4/N11/S125/s03/T1'
            )
        return cls(name, *map(int, match.groups()))

    @property
    def hands(self) -> tuple[int, ...]:
        """Numbers of the labels of hands."""
        left = _LEFT_HAND.get(self.category)
        return (RIGHT_HAND,) if left is None else (RIGHT_HAND, left)

    def below(self, root: Path, part: str) -> str:
        """Return its path below the root in a part of the release; parts may share a folder."""
        return f'{part}/{self.name}' if (root / part).is_dir() else self.name

    def first_without_hands(self, root: Path) -> tuple[str, NDArray[np.uint8]] | None:
        """Find the first frame in the first 2 s whose mask has no hand.

        Returns:
            five digits of its number, and its labels uint8 [height, width]; None if there is no
            such frame or no mask.

        Raises:
            DatasetError: a mask is damaged.
        """
        folder = root / self.below(root, ANNOTATIONS)
        for masks in MASK_FOLDERS:
            for number in range(_FRAMES):
                path = folder / masks / f'{number:05d}.png'
                if path.is_file():
                    labels = read_labels(path)
                    if not np.isin(labels, self.hands).any():
                        return path.stem, labels
        return None


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read the labels 0 to 7 of a mask, uint8 [height, width].

    Raises:
        DatasetError: the file cannot be read as an image.
    """
    try:
        with PIL.Image.open(path) as image:
            bits = np.asarray(image.convert('RGB')) > _HALF
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(f'the mask {path} cannot be read: {error}') from error
    return np.asarray(bits @ np.array([1, 2, 4], np.uint8), np.uint8)
