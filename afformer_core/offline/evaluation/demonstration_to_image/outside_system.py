# SPDX-License-Identifier: Apache-2.0
"""Systems outside this project, which answer a folder of questions as a command."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.demonstration_to_image.questions import (
    Answer,
    QuestionKey,
    image_digest,
    read_answers,
    write_questions,
)
from afformer_core.offline.evaluation.parts.clips import Clip
from afformer_core.offline.evaluation.parts.predictors import ClipContact, PointPrediction

ANSWERS_FILE = 'answers.json'


class SystemError(AfformerError):
    """A command failed, or wrote no answers."""


def is_command(system: str) -> bool:
    """Whether a text names a program, maybe with arguments, and not a folder."""
    words = shlex.split(system)
    return bool(words) and not Path(system).is_dir() and shutil.which(words[0]) is not None


def run_command(command: str, questions: Path, answers: Path) -> None:
    """Run a command with the folder of questions and the file of answers as last arguments.

    Raises:
        SystemError: it fails, or writes no file.
    """
    words = [*shlex.split(command), str(questions), str(answers)]
    done = subprocess.run(words, check=False)
    if done.returncode:
        raise SystemError(f'{words[0]} ended with status {done.returncode}; expected 0')
    if not answers.is_file():
        raise SystemError(f'{words[0]} did not write {answers}')


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
    run_command(command, questions, file)
    try:
        content = json.loads(file.read_text('utf-8'))
    except ValueError as error:
        raise SystemError(f'{file} is not JSON: {error}') from error
    answers = read_answers(content, list(ids.values()))
    known = {key: answers[name] for key, name in ids.items() if name in answers}
    return OutsideSystem(known, {clip.name: clip.rate for clip in clips})
