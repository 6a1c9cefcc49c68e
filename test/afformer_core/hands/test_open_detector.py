# SPDX-License-Identifier: Apache-2.0
"""Detectors by what users call them."""

import pytest

from afformer_core.hands.open_detector import device_of, open_hand_detector


@pytest.mark.parametrize(
    ('process', 'gpus', 'device'),
    [(0, 0, 'cpu'), (3, 0, 'cpu'), (0, 2, 'cuda:0'), (1, 2, 'cuda:1'), (2, 2, 'cuda:0')],
)
def test_processes_take_the_gpus_in_turn(process: int, gpus: int, device: str) -> None:
    assert device_of(process, gpus) == device


def test_what_comes_with_the_package() -> None:
    assert open_hand_detector('mediapipe').name.startswith('mediapipe_hands ')
    assert open_hand_detector('simulated').name == 'simulated_hands 1'
