# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.geometry.motion import ActionKind, action_kind


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        ('touch', ActionKind.STAY),
        ('hold', ActionKind.STAY),
        ('press', ActionKind.PUSH),
        ('push', ActionKind.PUSH),
        ('pull', ActionKind.PULL),
        ('pick up', ActionKind.LIFT),
        ('put down', ActionKind.LOWER),
        ('rotate', ActionKind.TURN),
        ('turn', ActionKind.TURN),
        ('turn_clockwise', ActionKind.TURN_CLOCKWISE),
        ('Rotate Counter-Clockwise', ActionKind.TURN_COUNTERCLOCKWISE),
        ('pick_up', ActionKind.LIFT),
    ],
)
def test_names_of_actions(name, kind):
    assert action_kind(name) is kind


@pytest.mark.parametrize('name', ['', 'open', 'turn on', 'clockwise'])
def test_a_name_that_says_no_motion(name):
    assert action_kind(name) is None
