# SPDX-License-Identifier: Apache-2.0
"""Where positions are published, and which way is up there, at the stamp of an image."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.outputs.results import FramePlacements, Placement

# Rotations of the camera in `base` by stamp; the last row of each is its up in the camera's frame.
ROTATIONS = {
    5: np.array([[0, -0.6, 0.8], [0.8, 0.48, 0.36], [-0.6, 0.64, 0.48]]),
    7: np.array([[0, -0.8, 0.6], [0.6, -0.48, -0.64], [0.8, 0.36, 0.48]]),
}


def look_up(target: str, source: str, stamp: int) -> RigidTransform:
    """Transforms between `base` and the camera."""
    assert stamp != 0
    if stamp not in ROTATIONS:
        raise TransformError(f'nothing at {stamp}')
    there = RigidTransform(ROTATIONS[stamp], np.array([0.1, 0.2, stamp / 10]))
    if (target, source) == ('base', 'camera'):
        return there
    if (target, source) == ('camera', 'base'):
        return there.inverse()
    raise TransformError(f'{source} is not connected')


def placed(
    target: str = '', vertical: str = '', frame: str = 'camera', stamp: int = 5
) -> Placement:
    return FramePlacements(look_up, target, vertical).placement(frame, stamp)


@pytest.mark.parametrize('stamp', [5, 7])
def test_the_transform_is_that_of_the_stamp(stamp):
    placement = placed('base', stamp=stamp)
    assert (placement.frame_id, placement.problem) == ('base', '')
    np.testing.assert_array_equal(placement.transform.rotation, ROTATIONS[stamp])
    np.testing.assert_allclose(placement.transform.translation, [0.1, 0.2, stamp / 10])
    # Its z axis is up.
    np.testing.assert_array_equal(placement.vertical.up, [0, 0, 1])
    assert placement.missing_transform == ''


@pytest.mark.parametrize(('stamp', 'up'), [(5, [-0.6, 0.64, 0.48]), (7, [0.8, 0.36, 0.48])])
def test_up_in_the_frame_of_the_camera_is_that_of_the_stamp(stamp, up):
    placement = placed(vertical='base', stamp=stamp)
    assert (placement.frame_id, placement.transform) == ('camera', None)
    np.testing.assert_allclose(placement.vertical.up, up, atol=1e-12)


@pytest.mark.parametrize('target', ['', 'camera', 'head_optical_frame', 'head_color_optical'])
def test_the_z_axis_of_an_optical_frame_is_not_up(target):
    # The frame of an image is an optical one, whatever its name.
    placement = placed(target, frame=target or 'camera')
    assert placement.vertical.up is None
    assert 'set vertical_frame' in placement.vertical.problem
    assert placement.missing_transform == ''


def test_without_a_transform_to_the_vertical_frame_positions_stay():
    placement = placed(vertical='map')
    assert (placement.frame_id, placement.problem, placement.vertical.up) == ('camera', '', None)
    reason = "no transform from 'map' to 'camera': map is not connected"
    assert placement.vertical.problem == placement.missing_transform == reason


def test_without_a_transform_to_the_target_frame_there_are_no_positions():
    placement = placed('map')
    reason = "no transform from 'camera' to 'map': camera is not connected"
    assert placement.problem == placement.missing_transform == reason


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ({'frame': ''}, "no transform from '' to 'base': the frame_id of the image is empty"),
        ({'stamp': 0}, "no transform from 'camera' to 'base': the stamp of the image is 0"),
        ({'stamp': 6}, "no transform from 'camera' to 'base': nothing at 6"),
    ],
)
def test_an_image_that_cannot_be_placed(fields, reason):
    placement = placed('base', **fields)
    assert (placement.frame_id, placement.transform) == ('base', None)
    assert placement.problem.startswith(reason)


@pytest.mark.parametrize('fields', [{'frame': ''}, {'stamp': 0}])
def test_without_a_target_frame_an_image_needs_neither_frame_nor_stamp(fields):
    placement = placed(**fields)
    assert (placement.frame_id, placement.problem) == (fields.get('frame', 'camera'), '')


def test_a_leading_slash_is_that_of_ros_1():
    placement = placed('/base', '/base', frame='/camera')
    assert (placement.frame_id, placement.problem) == ('base', '')
    np.testing.assert_array_equal(placement.transform.rotation, ROTATIONS[5])
    np.testing.assert_array_equal(placement.vertical.up, [0, 0, 1])
    assert placed('camera', frame='/camera', stamp=6).problem == ''


def test_another_frame_is_found_beside_the_target_frame():
    placements = FramePlacements(look_up)
    placement = placements.placement_in('/base', 'camera', 7)
    assert (placement.frame_id, placement.problem) == ('base', '')
    np.testing.assert_array_equal(placement.vertical.up, [0, 0, 1])
    np.testing.assert_array_equal(placement.transform.rotation, ROTATIONS[7])
    assert placements.placement('camera', 7).frame_id == 'camera'


def test_up_in_another_frame_is_that_of_the_target_frame():
    placement = FramePlacements(look_up, 'base').placement_in('camera', 'camera', 5)
    np.testing.assert_allclose(placement.vertical.up, [-0.6, 0.64, 0.48], atol=1e-12)

    def from_base(target: str, source: str, stamp: int) -> RigidTransform:
        return RigidTransform(ROTATIONS[7 if source == 'base' else 5], np.zeros(3))

    tool = FramePlacements(from_base, 'base').placement_in('tool', 'camera', 5)
    np.testing.assert_allclose(tool.vertical.up, [0.6, -0.64, 0.48], atol=1e-12)
