# SPDX-License-Identifier: Apache-2.0
"""The text files of AssistQ: scripts, boxes of buttons, and questions with their answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_json, read_text

_CLOCK = r'(\d+):([0-5]\d):([0-5]\d)'
_SCRIPT_LINE = re.compile(rf'{_CLOCK}\s*-\s*{_CLOCK}(.*)')


@dataclass(frozen=True)
class ScriptLine:
    """The words spoken in a part of a video.

    Attributes:
        number: number of the line in its file, from 1.
        clip: (begin, end) in seconds, begin before end.
        text: the words.
    """

    number: int
    clip: tuple[float, float]
    text: str


@dataclass(frozen=True)
class ButtonBox:
    """A button's box in an image: whole pixels from 0, excluding the right and bottom ones."""

    name: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def outline(self) -> np.ndarray:
        """Its four corners, float64 [4, 2] (x, y), where centres of pixels are integers."""
        across, down = (self.left, self.right), (self.top, self.bottom)
        corners = [(across[i], down[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
        return np.array(corners, np.float64) - 0.5


@dataclass(frozen=True)
class UserImage:
    """A user's image: its file name, (width, height), and its buttons in the order of the file."""

    name: str
    size: tuple[int, int]
    boxes: tuple[ButtonBox, ...]

    @property
    def button_names(self) -> tuple[str, ...]:
        """Names of all buttons, in their order."""
        return tuple(box.name for box in self.boxes)


@dataclass(frozen=True)
class AnsweredStep:
    """One step of the right answer to a question.

    Attributes:
        name: name of the step, for errors.
        text: the right answer, such as `Turn <button1> to 120 degrees`.
        image: file name of its user's image; None if not named.
    """

    name: str
    text: str
    image: str | None


def read_script(path: Path) -> tuple[ScriptLine, ...]:
    """Read the lines of a `script.txt`, each `h:mm:ss-h:mm:ss text`; empty ones are skipped.

    Raises:
        DatasetError: the file is missing or has no line; a line is malformed, does not end after
            its start, or starts before the line above it.
    """
    lines: list[ScriptLine] = []
    for number, text in _numbered_lines(path):
        match = _SCRIPT_LINE.fullmatch(text)
        if match is None:
            raise DatasetError(
                f'line {number} of {path} is {text!r}; '
                'expected one such as "0:00:04-0:00:07 Turn the knob"'
            )
        times = [int(digits) for digits in match.groups()[:6]]
        begin, end = _seconds(times[:3]), _seconds(times[3:])
        if begin >= end or (lines and begin < lines[-1].clip[0]):
            raise DatasetError(
                f'line {number} of {path} goes from {begin:g} s to {end:g} s, which is out of '
                'order; expected an end after the start, and a start no earlier than that of the '
                'line above'
            )
        lines.append(ScriptLine(number, (begin, end), match[7].strip()))
    if not lines:
        raise DatasetError(f'{path} has no line; expected at least one. Download the script again')
    return tuple(lines)


def read_buttons(path: Path) -> dict[str, UserImage]:
    """Read the images of a `buttons.csv`, by their file names.

    A line is `name,left,top,width,height,image,image width,image height`, in pixels, without
    quotes. The first pixel is 0: AssistQ's own reader crops a button with these numbers. A box may
    reach outside the image; empty lines are skipped.

    Raises:
        DatasetError: the file is missing or has no line; a line is malformed, its box is empty,
            lies outside the image or has the name of another one, or its image has another size.
    """
    images: dict[str, UserImage] = {}
    for number, text in _numbered_lines(path):
        with naming(f'line {number} of {path}'):
            name, box, size = _read_button(text)
            image = images.get(name, UserImage(name, size, ()))
            if image.size != size:
                raise ValueError(
                    f'{name} is {size[0]}x{size[1]}; expected {image.size[0]}x{image.size[1]} as '
                    'above'
                )
            if box.name in image.button_names:
                raise ValueError(f'{box.name} has a box in {name} above; expected one for each')
            images[name] = UserImage(name, size, (*image.boxes, box))
    if not images:
        raise DatasetError(f'{path} has no line; expected at least one. Download the boxes again')
    return images


def read_answers(path: Path) -> dict[str, tuple[AnsweredStep, ...]]:
    """Read the steps of the right answers to all questions, by the names of the videos.

    The file contains, for each video, a list of `{question, answers, correct, images}`, the last
    three with an entry for each step: the texts to choose from, the number of the right one, from
    1, and the user's image. `images` may be missing.

    Raises:
        DatasetError: the file is missing, malformed or names no video, or the right answers are
            missing, as in the test set of the challenge.
    """
    content = read_json(path)
    if not content:
        raise DatasetError(
            f'{path} names 0 videos; expected at least 1. Download the annotations again'
        )
    answers: dict[str, tuple[AnsweredStep, ...]] = {}
    for video, questions in content.items():
        if not isinstance(questions, list):
            raise DatasetError(
                f'{video} of {path} contains a {type(questions).__name__}; expected a list of '
                'questions'
            )
        steps: list[AnsweredStep] = []
        for number, question in enumerate(questions, start=1):
            name = f'question {number} of {video} in {path}'
            with naming(name):
                steps += _read_question(name, question)
        answers[video] = tuple(steps)
    return answers


def _numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are not empty, stripped, with their numbers from 1."""
    text = read_text(path).removeprefix('\ufeff')
    # `splitlines` would also split at characters that a sentence may contain.
    lines = enumerate((line.strip() for line in text.split('\n')), start=1)
    return [(number, line) for number, line in lines if line]


def _seconds(clock: Sequence[int]) -> float:
    hours, minutes, seconds = clock
    return float(3600 * hours + 60 * minutes + seconds)


def _read_button(text: str) -> tuple[str, ButtonBox, tuple[int, int]]:
    """Parse the image's name, the box, and the image's size."""
    fields = [field.strip() for field in text.split(',')]
    if len(fields) != 8:
        raise ValueError(f'the number of fields is {len(fields)}; expected 8, separated by commas')
    name, image, size = fields[0], fields[5], (int(fields[6]), int(fields[7]))
    left, top, width, height = map(int, fields[1:5])
    if not name or not image:
        raise ValueError('the name of the button or of the image is empty; expected both')
    if min(size) < 1 or min(width, height) < 1:
        raise ValueError(
            f'the box is {width}x{height} in an image of {size[0]}x{size[1]}; '
            'expected sides of at least 1'
        )
    box = ButtonBox(name, left, top, left + width, top + height)
    if box.left >= size[0] or box.top >= size[1] or box.right <= 0 or box.bottom <= 0:
        raise ValueError(f'the box of {name} lies outside its image of {size[0]}x{size[1]}')
    return image, box, size


def _read_question(name: str, question: Any) -> list[AnsweredStep]:
    answers = question['answers']
    if 'correct' not in question:
        raise ValueError(
            "it has no 'correct': AssistQ does not publish the right answers of its test set. Use "
            'annotations that include them'
        )
    correct = question['correct']
    images = question.get('images', [None] * len(answers))
    if not len(answers) == len(correct) == len(images):
        raise ValueError(
            f'there are answers for {len(answers)} steps, {len(correct)} right ones and '
            f'{len(images)} images; expected one of each for a step'
        )
    steps = []
    for number, (texts, right, image) in enumerate(zip(answers, correct, images, strict=True)):
        if not isinstance(right, int) or not 1 <= right <= len(texts):
            raise ValueError(f'the right answer is {right}; expected 1 to {len(texts)}')
        steps.append(AnsweredStep(f'step {number + 1} of {name}', str(texts[right - 1]), image))
    return steps
