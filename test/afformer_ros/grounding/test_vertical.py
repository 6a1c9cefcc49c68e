# SPDX-License-Identifier: Apache-2.0
"""Which way is up in the frame of positions, with a stand-in for tf2."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, Transform, TransformStamped
from std_msgs.msg import Header

from afformer_ros.grounding.frame_transforms import FrameTransforms


class _Buffer:
    """Knows that x of `camera` is to the right, y down and z ahead along x of `base_link`."""

    def __init__(self, node):
        self.known = {
            ('base_link', 'camera'): (-0.5, 0.5, -0.5, 0.5),
            ('camera', 'base_link'): (0.5, -0.5, 0.5, 0.5),
        }

    def can_transform(self, target, source, stamp):
        return True

    def lookup_transform(self, target, source, stamp):
        if (target, source) not in self.known:
            raise LookupError(f'{source} is not connected')
        x, y, z, w = self.known[target, source]
        return TransformStamped(transform=Transform(rotation=Quaternion(x=x, y=y, z=z, w=w)))


@pytest.fixture(autouse=True)
def tf2(monkeypatch):
    stand_in = SimpleNamespace(
        TransformException=LookupError, Buffer=_Buffer, TransformListener=lambda buffer, node: None
    )
    monkeypatch.setitem(sys.modules, 'tf2_ros', stand_in)


def _placement(target_frame='', vertical_frame='', camera='camera'):
    transforms = FrameTransforms(None, target_frame, vertical_frame)
    return transforms.placement(Header(frame_id=camera)), transforms


def test_the_z_axis_of_the_target_frame_is_up():
    placement, _ = _placement('base_link')
    assert (placement.frame_id, placement.problem) == ('base_link', '')
    np.testing.assert_array_equal(placement.vertical.up, [0, 0, 1])


def test_up_is_known_in_the_frame_of_the_camera():
    placement, _ = _placement(vertical_frame='base_link')
    assert (placement.frame_id, placement.transform) == ('camera', None)
    np.testing.assert_allclose(placement.vertical.up, [0, -1, 0], atol=1e-12)


@pytest.mark.parametrize('target', ['', 'head_optical_frame', 'head_color_optical'])
def test_the_z_axis_of_an_optical_frame_is_not_up(target):
    placement, transforms = _placement(target, camera=target or 'camera')
    assert placement.vertical.up is None
    assert 'set vertical_frame' in placement.vertical.problem
    assert transforms.problem == ''


def test_without_a_transform_to_the_vertical_frame_positions_stay():
    placement, transforms = _placement(vertical_frame='map')
    assert (placement.frame_id, placement.problem, placement.vertical.up) == ('camera', '', None)
    reason = "no transform from 'map' to 'camera': map is not connected"
    assert placement.vertical.problem == transforms.problem == reason


def test_without_a_transform_to_the_target_frame_there_are_no_positions():
    placement, transforms = _placement('map')
    reason = "no transform from 'camera' to 'map': camera is not connected"
    assert placement.problem == transforms.problem == reason


def test_another_frame_is_found_beside_the_target_frame():
    transforms = FrameTransforms(None, '')
    transforms.listen_for('base_link')
    placement = transforms.placement_in('base_link', Header(frame_id='camera'))
    assert (placement.frame_id, placement.problem) == ('base_link', '')
    np.testing.assert_array_equal(placement.vertical.up, [0, 0, 1])
    np.testing.assert_allclose(placement.transform.vector(np.array([0, 0, 1.0])), [1, 0, 0])
    assert transforms.placement(Header(frame_id='camera')).frame_id == 'camera'
