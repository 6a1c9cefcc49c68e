# SPDX-License-Identifier: Apache-2.0
"""A grounding in words, as plain JSON types and as an image; the rotation that is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.media.images import read_image, write_image
from afformer_core.runtime import Grounding, Peak
from afformer_core.runtime.grounding import Sense, ShownRotation

# At the size of the source image; all of the probability is left of the middle.
HEATMAP = np.zeros((90, 140), np.float32)
HEATMAP[30:35, 20:30] = 0.02
GROUNDING = Grounding(
    HEATMAP,
    (90, 140),
    {'pull': 0.625, 'push': 0.25, 'turn': 0.125},
    (Peak(24.6, 32.25, 0.75), Peak(111.0, 60.5, 0.125)),
    0.75,
    0.5,
    presence=0.906,
    certainty=0.834,
    certainty_threshold=0.7,
    contact_probability=0.75,
    match_probability=0.25,
    action_threshold=0.5,
    presence_threshold=0.625,
)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({}, "Grounding('pull' at (25, 32), found, presence 0.91, certainty 0.83)"),
        (
            {'presence': 0.1, 'certainty': None},
            "Grounding('pull' at (25, 32), not found, presence 0.10)",
        ),
        (
            {'certainty': 0.31, 'action_threshold': 0.75},
            "Grounding('unknown' at (25, 32), found, presence 0.91, not sure which part: "
            'certainty 0.31 of 0.70)',
        ),
        (
            {'presence': None, 'certainty': None, 'action_scores': {}},
            'Grounding(at (25, 32), confidence 0.75, feature similarity 0.50)',
        ),
    ],
)
def test_it_says_in_one_line_what_it_is(changes: dict[str, object], said: str) -> None:
    assert repr(replace(GROUNDING, **changes)) == said
    assert GROUNDING.point == (24.6, 32.25)


@pytest.mark.parametrize(
    ('presence', 'threshold', 'found'),
    [
        (0.625, 0.625, True),
        (0.62, 0.625, False),
        (None, 0.625, None),
        (0.9, None, None),
    ],
)
def test_what_reaches_the_threshold_is_found(
    presence: float | None, threshold: float | None, found: bool | None
) -> None:
    assert replace(GROUNDING, presence=presence, presence_threshold=threshold).found is found


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(GROUNDING.to_dict())) == {
        'found': True,
        'action': 'pull',
        'action_threshold': 0.5,
        'actions': {'pull': 0.625, 'push': 0.25, 'turn': 0.125},
        'peaks': [
            {'u': 24.6, 'v': 32.25, 'score': 0.75},
            {'u': 111.0, 'v': 60.5, 'score': 0.125},
        ],
        'confidence': 0.75,
        'feature_similarity': 0.5,
        'presence': 0.906,
        'presence_threshold': 0.625,
        'certainty': 0.834,
        'certainty_threshold': 0.7,
        'contact_probability': 0.75,
        'match_probability': 0.25,
    }


def test_the_heatmap_is_drawn_where_it_is(tmp_path: Path) -> None:
    grey = np.full((90, 140, 3), 100, np.uint8)
    write_image(tmp_path / 'grey.png', grey)
    drawn = GROUNDING.draw(grey)

    # The square lies beside the mark of the peak, the caption at the top.
    assert np.abs(drawn[31, 29].astype(int) - 100).max() > 60
    assert (drawn[75:, :100] == 100).all()
    np.testing.assert_array_equal(GROUNDING.draw(tmp_path / 'grey.png'), drawn)
    assert (grey == 100).all()


def test_it_is_drawn_over_the_image_that_it_keeps(tmp_path: Path) -> None:
    blue = np.zeros((90, 140, 3), np.uint8)
    blue[..., 2] = 200
    kept = replace(GROUNDING, image=blue)
    kept.save(tmp_path / 'drawn.png')

    drawn = read_image(tmp_path / 'drawn.png')
    np.testing.assert_array_equal(drawn, GROUNDING.draw(blue))
    assert drawn[85, 10].tolist() == [0, 0, 200]
    shown = kept._repr_png_()
    assert shown is not None
    decoded = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded, drawn)


def test_a_notebook_shows_a_large_image_smaller() -> None:
    photograph = np.full((1350, 2100, 3), 100, np.uint8)
    large = replace(GROUNDING, source_size=(1350, 2100), image=photograph)

    shown = large._repr_png_()

    assert shown is not None
    decoded = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (658, 1024, 3)
    assert large.draw().shape == (1350, 2100, 3)


def test_without_an_image_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert GROUNDING._repr_png_() is None
    with pytest.raises(ValueError, match='does not keep its image'):
        GROUNDING.save(tmp_path / 'drawn.png')
    with pytest.raises(ValueError, match=r'image is \(90, 141\) and heatmap \(90, 140\)'):
        GROUNDING.draw(np.zeros((90, 141, 3), np.uint8))


CLOCKWISE = ShownRotation(Sense.CLOCKWISE, '')
COUNTERCLOCKWISE = ShownRotation(Sense.COUNTERCLOCKWISE, '')
UNCLEAR = ShownRotation.unknown('nothing turns')


def test_of_several_demonstrations_those_count_whose_sense_is_known():
    assert ShownRotation.together([UNCLEAR, CLOCKWISE, CLOCKWISE]) == CLOCKWISE
    assert ShownRotation.together([UNCLEAR]) == UNCLEAR


def test_demonstrations_of_different_senses_have_none():
    together = ShownRotation.together([CLOCKWISE, COUNTERCLOCKWISE])
    assert together.sense is None
    assert together.problem == 'the demonstrations turn it in different directions'


@pytest.mark.parametrize('fields', [(None, ''), (Sense.CLOCKWISE, 'nothing turns')])
def test_there_is_a_sense_or_a_problem(fields):
    with pytest.raises(ValueError, match='expected one of both'):
        ShownRotation(*fields)
