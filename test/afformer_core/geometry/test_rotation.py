# SPDX-License-Identifier: Apache-2.0
"""Rotations there and back."""

import numpy as np
import pytest

from afformer_core.geometry.rotation import quaternion_of_rotation, rotation_of_quaternion

HALF = 0.5**0.5


@pytest.mark.parametrize(
    ('quaternion', 'rotation'),
    [
        ([0, 0, 0, 1], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        ([0, 0, HALF, HALF], [[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
        ([1, 0, 0, 0], [[1, 0, 0], [0, -1, 0], [0, 0, -1]]),
        ([0, 1, 0, 0], [[-1, 0, 0], [0, 1, 0], [0, 0, -1]]),
        ([0.5, 0.5, 0.5, 0.5], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    ],
)
def test_known_rotations(quaternion: list[float], rotation: list[list[float]]) -> None:
    matrix = np.array(rotation, float)

    np.testing.assert_allclose(rotation_of_quaternion(np.array(quaternion)), matrix, atol=1e-12)
    np.testing.assert_allclose(quaternion_of_rotation(matrix), quaternion, atol=1e-12)


def test_every_rotation_comes_back() -> None:
    quaternions = np.random.default_rng(0).normal(size=(200, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions *= np.sign(quaternions[:, 3:])

    back = [quaternion_of_rotation(rotation_of_quaternion(q)) for q in quaternions]

    np.testing.assert_allclose(back, quaternions, atol=1e-9)
