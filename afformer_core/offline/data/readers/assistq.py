# SPDX-License-Identifier: Apache-2.0
"""AssistQ Buttons: narrated steps of AssistQ's videos, and the buttons that they operate."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afformer_core.errors import DatasetError
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader
from afformer_core.offline.data.readers.assistq_files import (
    AnsweredStep,
    ScriptLine,
    UserImage,
    read_answers,
    read_buttons,
    read_script,
)

ASSISTQ = 'AssistQ Buttons'
ASSISTQ_ACTIONS: tuple[str, ...] = ('operate',)

_VIDEO_NAMES = ('video.mp4', 'video.mov')
_NAMED = re.compile(r'<\s*([^<>]*?)\s*>')


def read_assistq(path: Path, root: Path | None = None) -> Manifest:
    """Read the narrated steps of AssistQ that operate one button, each with a user's image of it.

    A sample's demonstration is the part of the video in which a line of the script is spoken, its
    target image the user's image of the step, its element the button's box, and its point the
    middle of the box, or of its visible part. Its scene has all boxes of the image; samples with
    the same image share a scene. AssistQ has no list of actions, so all samples have the same one.

    Afformer's authors have not released the assignment of video parts to buttons, and AssistQ's
    scripts do not name buttons like its answers do. A sample is therefore a match between a right
    answer and a line of the script. The line of an answer is the one with the largest weight of
    common words (`Narration`); among the buttons of one image whose answers have the same line,
    the one with the largest weight is used. Ties are excluded. A line of several answers is one
    sample for each image. Numbers measured on these samples are therefore not comparable with the
    published ones. Equal steps for the same image count once among those that are left out.

    The scripts and boxes of all videos are read at once. Samples are in the order of the videos in
    the annotations, then of the script's lines, then of the images in `buttons.csv`.

    Args:
        path: file such as `train.json` (see `read_answers`).
        root: folder of the videos' folders, each with `video.mp4` or `video.mov`, `script.txt`,
            `buttons.csv` and `images`. None for the folder beside the annotations with their name
            up to the first `_` (`train` for `train.json`), or else their own.

    Raises:
        DatasetError: a text file is missing or malformed, the root lacks the folder of a video, or
            a right answer names a button that has no box.
    """
    header = ManifestHeader(actions=ASSISTQ_ACTIONS, source=ASSISTQ)
    manifest = Manifest(path, _beside(path) if root is None else root, header)
    answers = read_answers(path)
    absent = [name for name in answers if not (manifest.root / name).is_dir()]
    if absent:
        raise DatasetError(
            f'{manifest.root} has no folder {absent[0]} ({len(absent)} of {len(answers)} videos '
            "are missing). Give the folder of the videos' folders as root"
        )
    for name, steps in answers.items():
        folder = manifest.root / name
        script = read_script(folder / 'script.txt')
        images = tuple(read_buttons(folder / 'buttons.csv').values())
        # If both are missing, errors name the first.
        there = (file for file in _VIDEO_NAMES if (folder / file).is_file())
        clip = f'{name}/{next(there, _VIDEO_NAMES[0])}'
        resolved = [_resolve(step, folder, images) for step in steps]
        for (line, image), element in sorted(_agreed(manifest, script, resolved).items()):
            _add(manifest, clip, script[line], images[image], element)
    return manifest


@dataclass(frozen=True)
class _ButtonStep:
    """A step, resolved within a video's folder.

    Attributes:
        image: index of the user's image among those of the video.
        elements: indices of the named buttons among those of the image, each once.
        words: its text without the names of buttons.
    """

    image: int
    elements: tuple[int, ...]
    words: str


def _resolve(step: AnsweredStep, folder: Path, images: Sequence[UserImage]) -> _ButtonStep:
    """Find the image and the buttons of a step; without a named image, the first that has them."""
    names = tuple(dict.fromkeys(_NAMED.findall(step.text)))
    if step.image is None:
        having = (i for i, image in enumerate(images) if set(names) <= set(image.button_names))
        index = next(having, 0)
    elif step.image in (known := [image.name for image in images]):
        index = known.index(step.image)
    else:
        raise DatasetError(
            f'{step.name} belongs to the image {step.image!r}, which has no box in '
            f'{folder / "buttons.csv"}. Add its boxes or correct the name'
        )
    boxed = images[index].button_names
    if unknown := [name for name in names if name not in boxed]:
        raise DatasetError(
            f'{step.name} operates {unknown[0]!r}, which has no box in {images[index].name}. Add '
            f'it to {folder / "buttons.csv"} or correct the answer'
        )
    return _ButtonStep(index, tuple(map(boxed.index, names)), _NAMED.sub(' ', step.text))


def _agreed(
    manifest: Manifest, script: Sequence[ScriptLine], steps: Sequence[_ButtonStep]
) -> dict[tuple[int, int], int]:
    """Find the button for each pair of line and image; count steps without a button."""
    narration = Narration([line.text for line in script])
    claims = []
    # A step of several questions counts once.
    for step in dict.fromkeys(steps):
        found = narration.find(step.words)
        if len(step.elements) != 1:
            manifest.left_out['several buttons' if step.elements else 'no button'] += 1
        elif found is None:
            manifest.left_out['several lines fit equally well'] += 1
        else:
            line, score = found
            claims.append(((line, step.image), step.elements[0], score))
    agreed = best_claims(claims)
    rejected = sum(agreed.get(indices) != element for indices, element, _ in claims)
    if rejected:
        manifest.left_out['another button fits the line as well or better'] += rejected
    return agreed


def _add(manifest: Manifest, clip: str, line: ScriptLine, image: UserImage, element: int) -> None:
    name, button = clip.split('/')[0], image.boxes[element]
    outlines = [box.outline for box in image.boxes]
    limit = np.array(image.size) - 0.5
    visible = np.clip(button.outline, -0.5, limit)
    manifest.add(
        f'{button.name} at line {line.number} of {name} in {manifest.path}',
        {'action': ASSISTQ_ACTIONS[0], 'points': [visible.mean(axis=0).tolist()]},
        id=f'{manifest.path.stem}/{name}/{line.number}/{image.name}/{button.name}',
        clip=clip,
        target=f'{name}/images/{image.name}',
        target_size=list(image.size),
        clip_seconds=list(line.clip),
        scene={
            'id': f'{name}/{image.name}',
            'element': element,
            'polygons': [outline.tolist() for outline in outlines],
            'kinds': ['button'] * len(outlines),
            'in_view': [
                bool((outline >= -0.5).all() and (outline <= limit).all()) for outline in outlines
            ],
        },
    )


def _beside(annotations: Path) -> Path:
    folder = annotations.parent / annotations.stem.split('_')[0]
    return folder if folder.is_dir() else annotations.parent


# Minimum share of a step's weight that its line must have; chosen, not measured.
_LEAST_SHARE = 0.5
_WORD = re.compile(r'[a-z0-9]+')
_STOP_WORDS = frozenset(('a', 'an', 'and', 'for', 'it', 'of', 'the', 'then', 'to', 'you', 'your'))


class Narration:
    """The lines of a script, as sets of words with larger weights for rare words.

    A word in n of N lines has the weight log(1 + N / n), and a word in no line as if it were in
    one. Articles and similar words have no weight.

    Args:
        lines: texts of the lines; some may be empty.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [_words(line) for line in lines]
        self._counts = Counter(word for line in self._lines for word in line)

    def find(self, step: str) -> tuple[int, float] | None:
        """Find the line with the largest weight of common words with the description of a step.

        Returns:
            its index and that weight, above 0; None if two lines tie, or none has half of the
            description's weight.
        """
        words = _words(step)
        shares = [self._weight(words & line) for line in self._lines]
        most = max(shares, default=0.0)
        if most <= 0 or shares.count(most) > 1 or most < _LEAST_SHARE * self._weight(words):
            return None
        return shares.index(most), most

    def _weight(self, words: frozenset[str]) -> float:
        # `fsum` is exact, so sums of the same weights in any order are equal.
        return math.fsum(
            math.log(1 + len(self._lines) / max(self._counts[word], 1)) for word in words
        )


def best_claims(
    claims: Iterable[tuple[tuple[int, int], int, float]],
) -> dict[tuple[int, int], int]:
    """Choose the element with the highest score for each line and image; none if two tie.

    Args:
        claims: (indices of line and image, element, score); of several claims for one element, the
            one with the highest score counts.
    """
    scores: dict[tuple[int, int], dict[int, float]] = {}
    for indices, element, score in claims:
        known = scores.setdefault(indices, {})
        known[element] = max(score, known.get(element, 0.0))
    chosen = {}
    for indices, known in scores.items():
        best = [element for element, score in known.items() if score == max(known.values())]
        if len(best) == 1:
            chosen[indices] = best[0]
    return chosen


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _STOP_WORDS
