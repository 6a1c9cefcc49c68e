# SPDX-License-Identifier: Apache-2.0
"""A quarter turn about z and a shift."""

from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import RigidTransform, TransformError

HALF = 0.5**0.5


def message(x: float, y: float, z: float, w: float, shift: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(
        rotation=SimpleNamespace(x=x, y=y, z=z, w=w),
        translation=SimpleNamespace(x=shift, y=2.0, z=3.0),
    )


@pytest.fixture
def transform() -> RigidTransform:
    return RigidTransform.from_message(message(0, 0, HALF, HALF))


def test_points_turn_and_shift(transform: RigidTransform) -> None:
    np.testing.assert_allclose(transform.point(np.array([1.0, 0, 0])), [1, 3, 3])


def test_vectors_only_turn(transform: RigidTransform) -> None:
    np.testing.assert_allclose(transform.vector(np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-12)


def test_a_surface_point(transform: RigidTransform) -> None:
    surface = SurfacePoint(
        np.array([1.0, 0, 0]), np.diag([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0]), ''
    )

    there = transform.surface(surface)

    assert there.position is not None
    assert there.covariance is not None
    assert there.normal is not None
    np.testing.assert_allclose(there.position, [1, 3, 3])
    np.testing.assert_allclose(there.covariance, np.diag([2, 1, 3]), atol=1e-12)
    np.testing.assert_allclose(there.normal, [-1, 0, 0], atol=1e-12)


def test_an_unknown_point_stays_unknown(transform: RigidTransform) -> None:
    assert transform.surface(SurfacePoint.unknown('a hole')).problem == 'a hole'


def test_a_candidate(transform: RigidTransform) -> None:
    candidate = GraspCandidate(np.array([1.0, 0, 0]), np.array([0.0, 0, 0, 1]), 0.7)

    there = transform.candidate(candidate)

    np.testing.assert_allclose(there.position, [1, 3, 3])
    np.testing.assert_allclose(there.orientation, [0, 0, HALF, HALF], atol=1e-12)
    assert there.score == 0.7


def test_a_cloud_keeps_its_weights(transform: RigidTransform) -> None:
    cloud = np.array([[1, 0, 0, 0.25], [0, 0, 1, 1]], np.float32)

    there = transform.cloud(cloud)

    assert there.dtype == np.float32
    np.testing.assert_allclose(there, [[1, 3, 3, 0.25], [1, 2, 4, 1]], atol=1e-6)


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
