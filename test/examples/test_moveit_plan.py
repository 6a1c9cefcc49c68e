# SPDX-License-Identifier: Apache-2.0
"""The steps and obstacles that the example for MoveIt 2 makes of a result of grounding."""

from __future__ import annotations

import math
import runpy
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from afformer_ros.msg import Affordance, AffordancePoint
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.geometry.transform import quaternion_of_rotation, rotation_of_quaternion

POSITION = np.array([0.52, -0.17, 0.43])
# The visible side of a handle, and the axis along which its drawer moves.
NORMAL = np.array([-0.8, 0.36, 0.48])
AXIS = np.array([-0.6, 0.0, 0.8])
# Along the handle.
LONG = np.array([0.0, 0.8, -0.6])


@pytest.fixture(scope='module')
def example(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / 'examples' / 'moveit_plan.py'))


def point(motion_type: int, motion: np.ndarray | None, width: float = 0.03) -> AffordancePoint:
    x, y, z = POSITION.tolist()
    rotation = np.stack([LONG, np.cross(-NORMAL, LONG), -NORMAL], axis=1)
    a, b, c, d = quaternion_of_rotation(rotation).tolist()
    moves = np.full(3, math.nan) if motion is None else motion
    return AffordancePoint(
        position_valid=True,
        position=Point(x=x, y=y, z=z),
        normal_valid=True,
        normal=Vector3(x=NORMAL[0], y=NORMAL[1], z=NORMAL[2]),
        score=0.83,
        approach=Vector3(x=-NORMAL[0], y=-NORMAL[1], z=-NORMAL[2]),
        grasp_candidate_valid=True,
        grasp_candidate=Pose(
            position=Point(x=x, y=y, z=z), orientation=Quaternion(x=a, y=b, z=c, w=d)
        ),
        grasp_width=width,
        motion_valid=motion is not None,
        motion_type=motion_type,
        motion=Vector3(x=float(moves[0]), y=float(moves[1]), z=float(moves[2])),
    )


def affordance(action: str, *points: AffordancePoint, **fields: Any) -> Affordance:
    stamp = Time(sec=12, nanosec=34)
    return Affordance(
        found=fields.pop('found', True),
        action=action,
        points=points,
        position_frame='fr3_link0',
        position_stamp=stamp,
        **fields,
    )


def where(step: Any) -> list[float]:
    at = step.pose.pose.position
    return [at.x, at.y, at.z]


def axes(step: Any) -> np.ndarray:
    turned = step.pose.pose.orientation
    return rotation_of_quaternion(np.array([turned.x, turned.y, turned.z, turned.w]))


def test_a_handle_is_pulled_along_the_axis_of_its_drawer(example) -> None:
    pulled = affordance('pull', point(AffordancePoint.TRANSLATION, AXIS))
    steps = example['steps_of'](pulled, 0.08)
    assert [(one.name, one.straight, one.gripper) for one in steps] == [
        ('open the gripper', False, 'open'),
        ('move before the part', False, ''),
        ('approach', True, ''),
        ('grip', False, 'close'),
        ('pull', True, ''),
        ('release', False, 'open'),
        ('retreat', True, ''),
    ]
    _, before, contact, _, moved, _, away = steps
    assert where(before) == pytest.approx([0.46, -0.17, 0.51])
    assert where(contact) == pytest.approx([0.52, -0.17, 0.43])
    assert where(moved) == pytest.approx([0.448, -0.17, 0.526])
    assert where(away) == pytest.approx([0.388, -0.17, 0.606])
    for one in (before, contact, moved, away):
        assert (one.pose.header.frame_id, one.pose.header.stamp.sec) == ('fr3_link0', 12)
        assert axes(one)[:, 2] == pytest.approx([0.6, 0.0, -0.8])
        assert np.linalg.det(axes(one)) == pytest.approx(1)
        assert axes(one)[:, 0] @ LONG == pytest.approx(math.sqrt(1 - 0.48**2))


def test_a_drawer_is_pushed_along_its_axis_with_the_gripper_as_it_is(example) -> None:
    pushed = affordance('push', point(AffordancePoint.TRANSLATION, -AXIS))
    _, before, contact, moved, away = example['steps_of'](pushed, 0.08)
    assert where(before) == pytest.approx([0.46, -0.17, 0.51])
    assert where(moved) == pytest.approx([0.592, -0.17, 0.334])
    assert where(away) == pytest.approx([0.532, -0.17, 0.414])
    assert axes(contact)[:, 2] == pytest.approx([0.6, 0.0, -0.8])


@pytest.mark.parametrize('motion', [-AXIS, None])
def test_a_button_is_touched_along_the_normal(example, motion: np.ndarray | None) -> None:
    steps = example['steps_of'](affordance('touch', point(AffordancePoint.STILL, motion)), 0.08)
    assert [one.name for one in steps[1:]] == ['move before the part', 'approach', 'retreat']
    assert where(steps[1]) == pytest.approx([0.44, -0.134, 0.478])
    assert axes(steps[1])[:, 2] == pytest.approx(-NORMAL)
    assert axes(steps[1])[:, 0] == pytest.approx(LONG)


@pytest.mark.parametrize(
    ('out', 'y'),
    [([-0.8, 0.36, 0.48], [0.41, 0.91, 0.0]), ([0.0, 0.28, 0.96], [0.0, 0.96, -0.28])],
)
def test_a_bar_without_a_normal_is_approached_as_its_point_says(example, out, y) -> None:
    bar = point(AffordancePoint.STILL, None)
    bar.normal_valid = bar.grasp_candidate_valid = False
    bar.normal = Vector3(x=math.nan, y=math.nan, z=math.nan)
    bar.approach = Vector3(x=-out[0], y=-out[1], z=-out[2])
    weak = point(AffordancePoint.STILL, None)
    weak.score = 0.09
    steps = example['steps_of'](affordance('hold', weak, bar), 0.08)
    turned = axes(steps[1])
    assert where(steps[1]) == pytest.approx(POSITION + 0.1 * np.array(out))
    assert turned[:, 2] == pytest.approx(-np.array(out))
    assert turned[:, 1] == pytest.approx(y, abs=0.01)
    assert np.linalg.det(turned) == pytest.approx(1)


def test_a_knob_is_turned_about_its_axis(example) -> None:
    turned = affordance('rotate', point(AffordancePoint.ROTATION, NORMAL))
    steps = {one.name: one for one in example['steps_of'](turned, 0.08)}
    first, last = axes(steps['approach'])[:, 0], axes(steps['rotate'])[:, 0]
    assert where(steps['rotate']) == pytest.approx(POSITION)
    assert first @ last == pytest.approx(math.cos(1.2))
    assert np.cross(first, last) @ NORMAL == pytest.approx(math.sin(1.2))


@pytest.mark.parametrize(
    ('action', 'rest'),
    [('pick up', ['lift']), ('put down', ['lift', 'lower', 'release', 'retreat'])],
)
def test_what_is_carried_is_lifted_and_let_go_only_where_it_stood(
    example, action: str, rest: list[str]
) -> None:
    given = affordance(action, point(AffordancePoint.TRANSLATION, AXIS))
    steps = {one.name: one for one in example['steps_of'](given, 0.08)}
    assert list(steps)[3:] == ['grip', *rest]
    assert where(steps['lift']) == pytest.approx([0.52, -0.17, 0.55])
    if action == 'put down':
        assert where(steps['lower']) == pytest.approx([0.52, -0.17, 0.43])


def test_the_link_is_planned_behind_its_fingertips(example) -> None:
    pulled = affordance('pull', point(AffordancePoint.TRANSLATION, AXIS))
    approach = example['steps_of'](pulled, 0.08, 0.1034)[2]
    assert where(approach) == pytest.approx(POSITION - 0.1034 * np.array([0.6, 0.0, -0.8]))


@pytest.mark.parametrize(('width', 'taken'), [(0.0812, 0.61), (0.079, 0.52), (math.nan, 0.52)])
def test_a_part_that_is_too_wide_for_the_gripper_is_skipped(
    example, width: float, taken: float
) -> None:
    second = point(AffordancePoint.STILL, None)
    second.position.x = 0.61
    given = affordance('hold', point(AffordancePoint.STILL, None, width), second)
    assert where(example['steps_of'](given, 0.08)[2])[0] == pytest.approx(taken)


@pytest.mark.parametrize('fields', [{'found': False}, {'age': 0.25}, {'unsure': True}])
def test_nothing_is_planned_for_what_is_absent_covered_or_uncertain(example, fields) -> None:
    given = affordance('touch', point(AffordancePoint.STILL, None), **fields)
    assert example['steps_of'](given, 0.08) == []


def cloud_of(example: dict[str, Any], depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Points of the obstacles, float32 [N, 3]."""
    height, width = mask.shape
    k = [50.0, 0.0, 19.3, 0.0, 50.0, 14.6, 0.0, 0.0, 1.0]
    p = [50.0, 0.0, 19.3, 0.0, 0.0, 50.0, 14.6, 0.0, 0.0, 0.0, 1.0, 0.0]
    camera = CameraInfo(width=width, height=height, k=k, p=p)
    image = Image(height=depth.shape[0], width=depth.shape[1], encoding='32FC1')
    image.step, image.data = 4 * depth.shape[1], depth.astype('<f4').tobytes()
    image.header.frame_id = 'camera_color_optical_frame'
    marked = Image(height=height, width=width, encoding='mono8', step=width)
    marked.data = mask.tobytes()
    cloud = example['obstacle_cloud'](image, camera, marked, 0.05)
    assert cloud.header.frame_id == 'camera_color_optical_frame'
    assert [(one.name, one.offset) for one in cloud.fields] == [('x', 0), ('y', 4), ('z', 8)]
    return np.frombuffer(bytes(cloud.data), '<f4').reshape(cloud.width, 3)


def test_the_part_is_no_obstacle_and_everything_else_is(example) -> None:
    depth = np.full((30, 40), 0.9)
    depth[10:15, 20:25] = 0.8  # the part
    depth[12, 27] = 0.83  # beside it
    depth[12, 35] = 0.83  # as far away, but apart
    depth[12, 18] = 0.5  # in front of it
    depth[0, :3] = math.nan
    mask = np.zeros((30, 40), np.uint8)
    mask[10:15, 20:25] = 255
    points = cloud_of(example, depth, mask)
    assert len(points) == 30 * 40 - 25 - 1 - 3
    assert np.unique(points[:, 2]) == pytest.approx([0.5, 0.83, 0.9])
    number = 3 * 40 + 7 - 3  # the pixel in column 7 of row 3, after the holes of row 0
    assert points[number] == pytest.approx([-0.2214, -0.2088, 0.9], abs=1e-5)


def test_depth_of_another_resolution_gives_the_same_points(example) -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[10:15, 20:25] = 255
    depth = np.full((30, 40), 0.9)
    depth[10:15, 20:25] = 0.8
    large = cv2.resize(depth, (80, 60), interpolation=cv2.INTER_NEAREST)
    points = cloud_of(example, large, mask)
    assert len(points) == 60 * 80 - 100
    # Four pixels cover one: their mean is its point.
    grid = points[: 6 * 80].reshape(6, 80, 3)[:2, 14:16]
    assert grid.mean(axis=(0, 1)) == pytest.approx([-0.2214, -0.2628, 0.9], abs=1e-5)


def test_without_moveit_it_says_what_to_install(example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'moveit', None)
    with pytest.raises(SystemExit, match=r'sudo apt install .*ros-\$ROS_DISTRO-moveit-py'):
        example['main']()
