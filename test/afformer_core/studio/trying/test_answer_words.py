# SPDX-License-Identifier: Apache-2.0
"""An answer in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.runtime import Grounding, Peak
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.trying.answer_files import sentence
from afformer_core.studio.trying.workspace import ShownDemonstration, ShownGrounding

HEATMAP = np.full((12, 16), 1 / 192, np.float32)
GROUNDING = Grounding(
    HEATMAP, (12, 16), {'pull': 0.75, 'push': 0.2}, (Peak(3.2, 5.1, 0.3),), 0.3, 0.8,
    certainty=0.41, certainty_threshold=0.63,
)  # fmt: skip
POINT = (0.2, 0.4)
SHOWN = ShownDemonstration('1 pull', 'pull', Path('pull.mp4'), 2.5, 40, ())


def answer(*shown: ShownDemonstration, certainty: float | None = 0.41) -> ShownGrounding:
    image = LimitedImage('kitchen.jpg', np.zeros((12, 16, 3), np.uint8), (16, 12))
    grounding = replace(GROUNDING, certainty=certainty)
    return ShownGrounding(image, shown, grounding, 31.0, 'torch')


@pytest.mark.parametrize(
    ('fields', 'contact', 'said'),
    [
        (
            {'certainty': 0.87, 'action_threshold': 0.5},
            None,
            'Pull here: 87 % sure that this is the right part.',
        ),
        (
            {'certainty': 0.87, 'action_threshold': 0.9},
            None,
            'Act here: 87 % sure that this is the right part.',
        ),
        (
            {'certainty': None, 'action_threshold': 0.9, 'contact_probability': 1.0},
            (0.2, 0.4),
            'Act here, where the part that you marked is.',
        ),
        (
            {'certainty': None, 'certainty_threshold': None},
            None,
            'Not sure: the certainty of this model is not known. Click the operated part below.',
        ),
        (
            {'certainty': 0.87, 'action_threshold': 0.9, 'given_action': 'rotate'},
            None,
            'Rotate here: 87 % sure that this is the right part.',
        ),
        (
            {'certainty': 0.34},
            None,
            'Not sure which part was operated: only 34 % sure of this point. Click the operated '
            'part below.',
        ),
        (
            {'certainty': 0.87, 'presence': 0.2, 'presence_threshold': 0.33},
            None,
            'Not found: this image does not seem to show what was operated.',
        ),
        (
            {'certainty': 0.34, 'presence': 0.2, 'presence_threshold': 0.33},
            None,
            'Not found: this image does not seem to show what was operated. If it does, click '
            'the operated part below.',
        ),
    ],
)
def test_an_answer_is_one_sentence(
    fields: dict[str, float | None], contact: tuple[float, float] | None, said: str
) -> None:
    shown = answer(replace(SHOWN, contact=contact))
    assert sentence(replace(shown, grounding=replace(shown.grounding, **fields))) == said


@pytest.mark.parametrize(
    ('contacts', 'likeliest', 'said'),
    [
        ((None,), (POINT,), 'Tap one of the numbered parts below, or click elsewhere.'),
        ((POINT, None), (), 'Click the operated part below.'),
        ((POINT,), (), 'Give a closer image, or mark it again.'),
    ],
)
def test_an_unsure_answer_tells_how_to_choose_the_part(
    contacts: tuple[Any, ...], likeliest: tuple[Any, ...], said: str
) -> None:
    shown = (replace(SHOWN, contact=contact, likeliest=likeliest) for contact in contacts)
    assert sentence(answer(*shown)).endswith(f'41 % sure of this point. {said}')
