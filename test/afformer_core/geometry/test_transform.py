# SPDX-License-Identifier: Apache-2.0
"""Rotations there and back, and transforms whose expected numbers are by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import (
    RigidTransform,
    TransformError,
    quaternion_of_rotation,
    rotation_of_quaternion,
)

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


# (x, y, z, w), and its matrix [[0, -0.6, 0.8], [0.8, 0.48, 0.36], [-0.6, 0.64, 0.48]].
TURN = (0.1, 0.5, 0.5, 0.7)
POINT = np.array([0.1, -0.2, 0.8])
COVARIANCE = np.array([[4.0, 1.0, -2.0], [1.0, 9.0, 3.0], [-2.0, 3.0, 16.0]])
NORMAL = np.array([0.48, 0.64, -0.6])


def message(x: float, y: float, z: float, w: float, shift: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(
        rotation=SimpleNamespace(x=x, y=y, z=z, w=w),
        translation=SimpleNamespace(x=shift, y=2.0, z=3.0),
    )


@pytest.fixture
def transform() -> RigidTransform:
    return RigidTransform.from_message(message(*TURN))


def test_a_surface_point(transform: RigidTransform) -> None:
    there = transform.surface(SurfacePoint(POINT, COVARIANCE, NORMAL, ''))

    assert there.position is not None
    assert there.covariance is not None
    assert there.normal is not None
    np.testing.assert_allclose(there.position, [1.76, 2.272, 3.196])
    np.testing.assert_allclose(
        there.covariance, [[10.6, 0.76, 4.68], [0.76, 7.36, 4.88], [4.68, 4.88, 11.04]]
    )
    np.testing.assert_allclose(there.normal, [-0.864, 0.4752, -0.1664])


def test_one_transform_after_another_and_back(transform: RigidTransform) -> None:
    first = RigidTransform.from_message(message(-0.3, 0.3, 0.1, 0.9, -0.5))

    # The matrix of the first turns POINT to (0.536, 0.32, 0.548).
    there = first.point(POINT)
    np.testing.assert_allclose(there, [0.036, 2.32, 3.548])
    expected = [2.4464, 4.41968, 6.16624]
    np.testing.assert_allclose(transform.after(first).point(POINT), expected)
    np.testing.assert_allclose(first.inverse().point(there), POINT, atol=1e-12)


def test_an_unknown_point_stays_unknown(transform: RigidTransform) -> None:
    assert transform.surface(SurfacePoint.unknown('a hole')).problem == 'a hole'


def test_a_candidate(transform: RigidTransform) -> None:
    candidate = GraspCandidate(POINT, np.array([-0.3, 0.3, 0.1, 0.9]), 0.7)

    there = transform.candidate(candidate)

    np.testing.assert_allclose(there.position, [1.76, 2.272, 3.196])
    np.testing.assert_allclose(there.orientation, [-0.22, 0.5, 0.7, 0.46], atol=1e-12)
    assert there.score == 0.7


def test_a_cloud_keeps_its_weights(transform: RigidTransform) -> None:
    cloud = np.array([[0.1, -0.2, 0.8, 0.25], [0, 0, 1, 1]], np.float32)

    there = transform.cloud(cloud)

    assert there.dtype == np.float32
    np.testing.assert_allclose(
        there, [[1.76, 2.272, 3.196, 0.25], [1.8, 2.36, 3.48, 1]], atol=1e-6
    )


@pytest.mark.parametrize(
    'wrong',
    [
        message(0, 0, 0, 0),
        message(0, 0, 1, 1),
        message(np.nan, 0, 0, 1),
        message(0, 0, 0, 1, np.inf),
    ],
)
def test_what_is_not_rigid_is_refused(wrong: SimpleNamespace) -> None:
    with pytest.raises(TransformError):
        RigidTransform.from_message(wrong)


def test_a_mirror_is_refused() -> None:
    with pytest.raises(TransformError, match='right-handed'):
        RigidTransform(np.diag([1.0, 1.0, -1.0]), np.zeros(3))
