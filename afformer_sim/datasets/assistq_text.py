# SPDX-License-Identifier: Apache-2.0
"""Narrations and questions of simulated videos in the format of AssistQ.

A line of a script and the right answer to a question share the words of the purpose for which an
element is operated; no two steps of a video have the same purpose, and no two purposes share a
word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.scene.demonstration import SimulatedDemonstration

PURPOSES = (
    'start the wash',
    'set the timer',
    'choose a programme',
    'raise the temperature',
    'dim the light',
    'mute the sound',
    'fill the tank',
    'drain the water',
    'clean the filter',
    'pair the remote',
    'slow the fan',
    'lock the screen',
)
_OPENINGS = ('', 'Now ', 'Next, ', 'Then ', 'After that, ')
_VERBS = {'rotate': 'turn'}
_CHOICES = 4


@dataclass(frozen=True)
class Step:
    """Narrated step of a video: `verb` the `kind` number `element` to `purpose`."""

    verb: str
    kind: str
    element: int
    purpose: str


def button_name(element: int) -> str:
    """Return the name of an element in answers and boxes, counted from 1."""
    return f'button{element + 1}'


def describe(
    demonstrations: Sequence[SimulatedDemonstration], fixture: Fixture, rng: np.random.Generator
) -> list[Step]:
    """Draw a purpose for each demonstration, and describe it as a step.

    Raises:
        ValueError: there are more demonstrations than `PURPOSES`.
    """
    if len(demonstrations) > len(PURPOSES):
        raise ValueError(
            f'number of demonstrations is {len(demonstrations)}; there are {len(PURPOSES)} '
            'purposes'
        )
    purposes = rng.permutation(PURPOSES)[: len(demonstrations)].tolist()
    return [
        Step(
            _VERBS.get(demonstration.action, demonstration.action),
            fixture.elements[demonstration.element].kind.replace('_', ' '),
            demonstration.element,
            purpose,
        )
        for demonstration, purpose in zip(demonstrations, purposes, strict=True)
    ]


def script(fixture: Fixture, steps: Sequence[Step], seconds: int, rng: np.random.Generator) -> str:
    """Write the text of `script.txt`: steps of `seconds`, with two idle seconds between them."""
    name = fixture.family.replace('_', ' ')
    lines = [_line(0, 1, f'This is how to use the {name}.')]
    for number, step in enumerate(steps):
        begin = number * (seconds + 2) + 1
        opening = str(rng.choice(_OPENINGS))
        said = f'{opening}{step.verb} the {step.kind} to {step.purpose}.'
        lines.append(_line(begin, begin + seconds, said[0].upper() + said[1:]))
    return ''.join(lines)


def questions(
    fixture: Fixture, steps: Sequence[Step], images: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Write a question about each step for each of the users' images."""
    return [
        _question(len(fixture.elements), step, f'{image}.jpg', rng)
        for step in steps
        for image in range(images)
    ]


def _question(elements: int, step: Step, image: str, rng: np.random.Generator) -> dict[str, Any]:
    others = [element for element in rng.permutation(elements) if element != step.element]
    offered = rng.permutation([step.element, *others[: _CHOICES - 1]]).tolist()
    answers = [
        f'{step.verb.capitalize()} <{button_name(element)}> to {step.purpose}'
        for element in offered
    ]
    return {
        'question': f'How do I {step.purpose}?',
        'answers': [answers],
        'correct': [offered.index(step.element) + 1],
        'images': [image],
    }


def _line(begin: int, end: int, text: str) -> str:
    return f'{_clock(begin)}-{_clock(end)} {text}\n'


def _clock(seconds: int) -> str:
    return f'{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}'
