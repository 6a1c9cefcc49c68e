# SPDX-License-Identifier: Apache-2.0
"""Systems outside this project, which answer a folder of questions as a command.

    questions/
      questions.json                 a list with one object a question
      clips/0001.mp4  images/0001.jpg

An object of `questions.json`:

    {"id": "0042", "clip": "clips/0042.mp4", "image": "images/0042.jpg",
     "contact": {"frame": 0, "x": 292, "y": 48}}

- `image`: absent if the question is only about the contact in the clip.
- `contact`: given contact, with its pixel in a frame of the clip; only if it was asked for.

Ids are numbered in a random order, and whether the clip is the own one of the image is not told.
The answers are an object by id, with the attributes of `Answer` as names:

    {"0042": {"points": [[515, 160]], "presence": 0.93, "confidence": 0.8, "found": true,
              "actions": {"pull": 0.7, "push": 0.2}, "contact": {"x": 291, "y": 47, "frame": 45}}}
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.files.annotation_files import naming
from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.data.readers.part_pairs import ClipPoint, PartPair
from afformer_core.offline.evaluation.parts.clips import CONTACT_MARKED, Clip, find_negatives
from afformer_core.offline.evaluation.parts.predictors import (
    MOST_POINTS,
    ClipContact,
    PointPrediction,
)

QUESTIONS_FILE, ANSWERS_FILE = 'questions.json', 'answers.json'

QuestionKey = tuple[str, str]
"""Digest of the image, or nothing, and name of the clip."""


class SystemError(AfformerError):
    """A command failed, or wrote no answers."""


def is_command(system: str) -> bool:
    """Whether a text names a program, maybe with arguments, and not a folder."""
    words = shlex.split(system)
    return bool(words) and not Path(system).is_dir() and shutil.which(words[0]) is not None


class OutsideSystem:
    """The answers of a system as a predictor.

    Args:
        answers: answers by question; an absent one gives no point.
        rates: frames per second of clips by name.
    """

    def __init__(
        self, answers: Mapping[QuestionKey, Answer], rates: Mapping[str, float | None]
    ) -> None:
        self._answers = answers
        self._rates = rates

    @property
    def answered(self) -> int:
        """Number of answers."""
        return len(self._answers)

    @property
    def reads_contacts(self) -> bool:
        """Whether an answer contains a contact."""
        return any(answer.contact is not None for answer in self._answers.values())

    def predict(self, image: NDArray[np.uint8], clip: Clip) -> PointPrediction:
        """See `PointPredictor.predict`."""
        answer = self._answers.get((image_digest(image), clip.name), Answer())
        height, width = image.shape[:2]
        scores = {'confidence': answer.confidence, 'presence': answer.presence}
        return PointPrediction(
            tuple(((x + 0.5) / width, (y + 0.5) / height) for x, y in answer.points),
            action_scores=answer.actions
            and dict(sorted(answer.actions.items(), key=lambda item: -item[1])),
            presence_score=answer.presence,
            found=answer.found,
            confidence_scores={n: score for n, score in scores.items() if score is not None},
        )

    def read_contact(self, clip: Clip) -> ClipContact | None:
        """Return the contact that the system reads in a clip; see `ContactPredictor`."""
        answers = (a for (_, name), a in self._answers.items() if name == clip.name)
        answer = next((answer for answer in answers if answer.contact is not None), None)
        if answer is None or answer.contact is None:
            return None
        height, width = clip.frames.shape[1:3]
        x, y = answer.contact
        rate = self._rates.get(clip.name)
        moment = None if answer.moment is None or not rate else answer.moment / rate
        return ClipContact(((x + 0.5) / width, (y + 0.5) / height), moment)


def ask_command(
    command: str,
    pairs: Sequence[PartPair],
    clips: Sequence[ContactClip],
    folder: Path,
    *,
    given_contact: bool = False,
    seed: int = 0,
) -> OutsideSystem:
    """Write questions, run a command on them, and read its answers.

    Args:
        command: program with its arguments.
        pairs, clips, given_contact, seed: see `write_questions`.
        folder: folder for `questions` and the answers.

    Raises:
        SystemError: the command fails, or writes no answers.
        DatasetError: the answers are malformed.
    """
    questions, file = folder / 'questions', folder / ANSWERS_FILE
    ids = write_questions(questions, pairs, clips, given_contact=given_contact, seed=seed)
    words = [*shlex.split(command), str(questions), str(file)]
    done = subprocess.run(words, check=False)
    if done.returncode:
        raise SystemError(f'{words[0]} ended with status {done.returncode}; expected 0')
    if not file.is_file():
        raise SystemError(f'{words[0]} did not write {file}')
    try:
        content = json.loads(file.read_text('utf-8'))
    except ValueError as error:
        raise SystemError(f'{file} is not JSON: {error}') from error
    answers = read_answers(content, list(ids.values()))
    known = {key: answers[name] for key, name in ids.items() if name in answers}
    return OutsideSystem(known, {clip.name: clip.rate for clip in clips})


@dataclass(frozen=True)
class Answer:
    """The answer of a system to a question; None or empty where the system gives nothing.

    Attributes:
        points: points (x, y) in pixels of the image, best first; the first three count.
        presence: score that the image shows the demonstrated part, higher is more certain.
        confidence: score that the best point is right, higher is more certain.
        found: whether a robot should act.
        actions: scores of actions by name.
        contact: (x, y) in pixels of the first frame of the clip, where the hand will touch.
        moment: number of the frame in which it touches, from 0 (`frame` of `contact`).
    """

    points: tuple[tuple[float, float], ...] = ()
    presence: float | None = None
    confidence: float | None = None
    found: bool | None = None
    actions: Mapping[str, float] | None = None
    contact: tuple[float, float] | None = None
    moment: float | None = None


@dataclass(frozen=True)
class _Question:
    clip: Path
    image: Path | None
    contact: ClipPoint | None


def image_digest(image: NDArray[np.uint8]) -> str:
    """Name an image, uint8 RGB [H, W, 3], by its pixels."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def write_questions(
    folder: Path,
    pairs: Sequence[PartPair],
    clips: Sequence[ContactClip],
    *,
    given_contact: bool = False,
    seed: int = 0,
) -> dict[QuestionKey, str]:
    """Write a folder of questions.

    Args:
        folder: an empty or absent folder.
        pairs: pairs, each asked with its own clip and its negatives.
        clips: clips whose contact is asked for.
        given_contact: also ask with the marked contact of the clips.
        seed: seed of the order.

    Returns:
        ids of the questions by their keys.
    """
    asked: dict[QuestionKey, _Question] = {}
    for pair, negatives in zip(pairs, find_negatives(pairs), strict=True):
        image = pair.sample.image_path
        digest = image_digest(read_image(image))
        others = [n for n in (negatives.elsewhere, negatives.nearby) if n is not None]
        for of in (pair, *(pairs[number] for number in others)):
            name, path = of.sample.sample_id, of.sample.video_path
            asked[digest, name] = _Question(path, image, None)
            if given_contact and of.marked is not None:
                asked[digest, f'{name}, {CONTACT_MARKED}'] = _Question(path, image, of.marked)
    for clip in clips:
        asked['', clip.name] = _Question(clip.path, None, None)
    order = np.random.default_rng(seed).permutation(len(asked)).tolist()
    keys = list(asked)
    ids = {keys[index]: f'{number:04d}' for number, index in enumerate(order, start=1)}
    entries = [_write(folder, ids[key], asked[key]) for key in ids]
    (folder / QUESTIONS_FILE).write_text(json.dumps(entries, indent=1) + '\n')
    return ids


def _write(folder: Path, name: str, question: _Question) -> dict[str, Any]:
    clip = Path('clips') / f'{name}{question.clip.suffix}'
    (folder / clip).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(question.clip, folder / clip)
    entry: dict[str, Any] = {'id': name, 'clip': str(clip)}
    if question.image is not None:
        image = Path('images') / f'{name}{question.image.suffix}'
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(question.image, folder / image)
        entry['image'] = str(image)
    if question.contact is not None:
        point = question.contact
        entry['contact'] = {'frame': point.frame, 'x': point.x, 'y': point.y}
    return entry


def read_answers(content: Any, ids: Sequence[str]) -> dict[str, Answer]:
    """Read the answers of a system by id.

    Raises:
        DatasetError: an answer is malformed, or belongs to no question.
    """
    if not isinstance(content, dict):
        raise DatasetError(f'the answers are a {type(content).__name__}; expected an object by id')
    if unknown := sorted(set(content) - set(ids)):
        raise DatasetError(f'the answers contain {unknown[0]!r}, which is no id of a question')
    answers = {}
    for name, answer in content.items():
        with naming(f'the answer {name}'):
            answers[name] = _answer(answer)
    return answers


def _answer(content: Mapping[str, Any]) -> Answer:
    known = ('points', 'presence', 'confidence', 'found', 'actions', 'contact')
    if unknown := [name for name in content if name not in known]:
        raise ValueError(f'{unknown[0]!r} is unknown; expected names among {", ".join(known)}')
    points = tuple((float(x), float(y)) for x, y in content.get('points') or ())
    contact = content.get('contact')
    found, actions = content.get('found'), content.get('actions')
    if found is not None and not isinstance(found, bool):
        raise ValueError(f'found is {found!r}; expected true or false')
    answer = Answer(
        points[:MOST_POINTS],
        _score(content, 'presence'),
        _score(content, 'confidence'),
        found,
        actions and {str(action): float(score) for action, score in actions.items()},
        None if contact is None else (float(contact['x']), float(contact['y'])),
        None if contact is None else _score(contact, 'frame'),
    )
    if not np.isfinite([*np.ravel(answer.points), *(answer.contact or ())]).all():
        raise ValueError('a coordinate is not finite; expected pixels')
    return answer


def _score(content: Mapping[str, Any], name: str) -> float | None:
    value = content.get(name)
    if value is not None and not np.isfinite(float(value)):
        raise ValueError(f'{name} is {value!r}; expected a finite number')
    return None if value is None else float(value)
