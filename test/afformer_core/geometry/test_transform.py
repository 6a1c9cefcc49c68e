# SPDX-License-Identifier: Apache-2.0
"""Rotations about axes, and transforms that are composed, inverted and known by hand."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import (
    RigidTransform,
    TransformError,
    quaternion_of_rotation,
    rotation_of_quaternion,
)

# Axes times angles, below half a turn.
VECTORS = arrays(float, 3, elements=st.floats(-1.8, 1.8))
TRANSFORMS = st.builds(
    lambda turn, shift: RigidTransform(cv2.Rodrigues(turn)[0], shift), VECTORS, VECTORS
)


@given(VECTORS)
def test_a_quaternion_has_the_axis_and_half_the_angle(vector: np.ndarray) -> None:
    angle, rotation = np.linalg.norm(vector), cv2.Rodrigues(vector)[0]
    quaternion = np.append(np.sinc(angle / 2 / np.pi) * vector / 2, np.cos(angle / 2))

    np.testing.assert_allclose(rotation_of_quaternion(quaternion), rotation, atol=1e-9)
    np.testing.assert_allclose(quaternion_of_rotation(rotation), quaternion, atol=1e-9)


@pytest.mark.parametrize('axis', [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, -0.8]])
def test_half_a_turn_comes_back(axis: list[float]) -> None:
    found = quaternion_of_rotation(2 * np.outer(axis, axis) - np.eye(3))
    np.testing.assert_allclose(found * np.sign(found @ [*axis, 0]), [*axis, 0], atol=1e-12)


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


@given(TRANSFORMS, TRANSFORMS, VECTORS)
def test_one_transform_after_another_and_back(
    first: RigidTransform, then: RigidTransform, point: np.ndarray
) -> None:
    np.testing.assert_allclose(
        then.after(first).point(point), then.point(first.point(point)), atol=1e-9
    )
    np.testing.assert_allclose(first.inverse().point(first.point(point)), point, atol=1e-9)


@given(TRANSFORMS, TRANSFORMS)
def test_a_candidate_and_a_cloud_move_like_their_points(
    transform: RigidTransform, pose: RigidTransform
) -> None:
    orientation = quaternion_of_rotation(pose.rotation)
    there = transform.candidate(GraspCandidate(pose.translation, orientation, 0.7))
    tip, weights = np.array([0.1, 0.3, -0.2]), np.array([[0.25], [1]])

    # A point of the gripper moves as its pose does, and like a point of a cloud.
    moved = rotation_of_quaternion(there.orientation) @ tip + there.position
    points = np.stack([pose.point(tip), pose.translation])
    cloud = transform.cloud(np.hstack([points, weights]).astype(np.float32))
    assert (cloud.dtype, there.score) == (np.float32, 0.7)
    np.testing.assert_allclose(cloud[:, 3:], weights)
    np.testing.assert_allclose(cloud[:, :3], [moved, there.position], atol=1e-5)
    np.testing.assert_allclose(moved, transform.point(points[0]), atol=1e-9)


def test_an_unknown_point_stays_unknown(transform: RigidTransform) -> None:
    assert transform.surface(SurfacePoint.unknown('a hole')).problem == 'a hole'


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
