# SPDX-License-Identifier: Apache-2.0
"""Demonstrations over a photograph whose action and size of the hand are given."""

import numpy as np
import pytest

from afformer_sim.photographs.photograph_demonstration import plan_photograph_demonstration
from afformer_sim.photographs.photograph_view import PhotographView

SIZE = (64, 48)


@pytest.mark.parametrize('action', ['touch', 'push', 'hold', 'rotate'])
def test_the_action_is_the_given_one(action: str) -> None:
    planned = plan_photograph_demonstration(
        PhotographView(SIZE, np.eye(3)), np.array([30.0, 20.0]), np.random.default_rng(0), action
    )

    assert planned.hand.action == action


def test_a_hand_is_as_long_as_asked() -> None:
    planned = plan_photograph_demonstration(
        PhotographView(SIZE, np.eye(3)),
        np.array([30.0, 20.0]),
        np.random.default_rng(0),
        hand_sizes=(0.7, 0.7),
    )
    view = planned.hand.view
    across = np.array([[-0.095, 0.0, 0.0], [0.095, 0.0, 0.0]]) @ view.camera.rotation.T

    left, right = view.pixels(across)

    # 19 cm at the contact point, which the camera looks at
    assert np.linalg.norm(right - left) == pytest.approx(0.7 * 80, abs=0.01)
