# SPDX-License-Identifier: Apache-2.0
"""The folder of one of AssistQ's videos, and the elements that steps of answers refer to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.offline.data.readers.assistq_files import (
    AnsweredStep,
    ScriptLine,
    UserImage,
    read_buttons,
    read_script,
)

_VIDEO_NAMES = ('video.mp4', 'video.mov')
_NAMED = re.compile(r'<\s*([^<>]*?)\s*>')


@dataclass(frozen=True)
class ButtonStep:
    """A step, resolved within a video's folder.

    Attributes:
        image: index of the user's image among those of the video.
        elements: indices of the named buttons among those of the image, each once.
        words: its text without the names of buttons.
    """

    image: int
    elements: tuple[int, ...]
    words: str


@dataclass(frozen=True)
class AssistqVideo:
    """A video, its script and the user's images that have boxes.

    Attributes:
        folder: folder with the name of the video.
        file: name of the video's file, whether it exists or not.
        script: lines in order of time.
        images: images in the order of `buttons.csv`.
    """

    folder: Path
    file: str
    script: tuple[ScriptLine, ...]
    images: tuple[UserImage, ...]

    @classmethod
    def read(cls, folder: Path) -> AssistqVideo:
        """Read the text files of a folder.

        Raises:
            DatasetError: a file is missing or malformed.
        """
        # If both are missing, errors name the first.
        there = (name for name in _VIDEO_NAMES if (folder / name).is_file())
        return cls(
            folder,
            next(there, _VIDEO_NAMES[0]),
            read_script(folder / 'script.txt'),
            tuple(read_buttons(folder / 'buttons.csv').values()),
        )

    def find(self, step: AnsweredStep) -> ButtonStep:
        """Find the image and the buttons of a step.

        Raises:
            DatasetError: its image is not among those with boxes, or one of its buttons has no box
                in that image.
        """
        names = tuple(dict.fromkeys(_NAMED.findall(step.text)))
        image = self._image_of(step, names)
        boxed = self.images[image].button_names
        for name in names:
            if name not in boxed:
                raise DatasetError(
                    f'{step.name} operates {name!r}, which has no box in '
                    f'{self.images[image].name}. Add it to {self.folder / "buttons.csv"} or '
                    'correct the answer'
                )
        return ButtonStep(image, tuple(map(boxed.index, names)), _NAMED.sub(' ', step.text))

    def _image_of(self, step: AnsweredStep, names: tuple[str, ...]) -> int:
        """Return the index of the image of a step, or of the first one with its buttons."""
        if step.image is None:
            having = (
                index
                for index, image in enumerate(self.images)
                if set(names) <= set(image.button_names)
            )
            return next(having, 0)
        known = [image.name for image in self.images]
        if step.image not in known:
            raise DatasetError(
                f'{step.name} belongs to the image {step.image!r}, which has no box in '
                f'{self.folder / "buttons.csv"}. Add its boxes or correct the name'
            )
        return known.index(step.image)
