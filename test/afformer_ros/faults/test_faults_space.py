# SPDX-License-Identifier: Apache-2.0
"""Depth and calibration that are absent, late or wrong: no position then, and the reason why."""

import importlib.util

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.messages.image_encoding import image_message
from afformer_core.stream.pipeline import DepthBuffer, SpatialInputs
from afformer_ros.rclpy_messages import RclpyMessages

WIDTH, HEIGHT, FOCAL_LENGTH = 320, 240, 300.0
CENTRE = (159.5, 119.5)
# The plane of all points whose product with the normal is the distance.
NORMAL, DISTANCE = np.array([0.3, -0.2, -0.9327379053]), -0.8


def _rays():
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    x, y = (u - CENTRE[0]) / FOCAL_LENGTH, (v - CENTRE[1]) / FOCAL_LENGTH
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def _plane_depth():
    """float32 [H, W], metres."""
    return (DISTANCE / (_rays() @ NORMAL)).astype(np.float32)


class RgbdCamera:
    """Sends images with their depth and calibration, ten a second by their stamps."""

    def __init__(self, client):
        self.client = client
        self.depth = _plane_depth()
        self._number = 0
        self._depths = client.node.create_publisher(Image, 'depth', 10)
        self._infos = client.node.create_publisher(CameraInfo, 'camera_info', 10)
        for publisher in (self._depths, self._infos):
            client.wait(publisher.get_subscription_count, publisher.topic_name)

    def close(self):
        self.client.node.destroy_publisher(self._depths)
        self.client.node.destroy_publisher(self._infos)

    def send(self, info=None, lag=None, missing_bytes=0):
        """Send the next image and, where they are given, what belongs to it.

        `info` holds the fields of the calibration that are not sound, `lag` is how many images
        the depth lags behind. Returns the affordance.
        """
        self._number += 1
        if info is not None:
            self._infos.publish(_camera_info(self.client.header(self._number), **info))
        if lag is not None:
            depth = self._depth_message(self._number - lag)
            depth.data = depth.data[: len(depth.data) - missing_bytes]
            self._depths.publish(depth)
        return self.client.ground(
            self.client.image_message(self._number, width=WIDTH, height=HEIGHT)
        )

    def send_until(self, reason, **given):
        """Send until an affordance has no positions for a reason; '': until it has them."""

        def answered():
            affordance = self.send(**given)
            problem = affordance.points[0].position_problem
            return affordance if reason in problem and bool(reason) == bool(problem) else None

        affordance = self.client.wait(answered, reason or 'a position')
        for point in affordance.points if reason else ():
            assert (point.position_valid, point.normal_valid) == (False, False)
            assert reason in point.position_problem
        return affordance

    def _depth_message(self, number):
        encoding = '16UC1' if self.depth.dtype == np.uint16 else '32FC1'
        header = self.client.header(number)
        return image_message(RclpyMessages(), self.depth, encoding, header)


def _camera_info(header, width=WIDTH, height=HEIGHT, focal_length=FOCAL_LENGTH):
    message = CameraInfo(header=header, width=width, height=height)
    if focal_length:
        message.k = [focal_length, 0.0, CENTRE[0], 0.0, focal_length, CENTRE[1], 0.0, 0.0, 1.0]
    message.distortion_model, message.d = 'plumb_bob', [0.0] * 5
    return message


def _configure_again(client, **parameters):
    assert client.change_state(Transition.TRANSITION_DEACTIVATE)
    assert client.change_state(Transition.TRANSITION_CLEANUP)
    for name, value in parameters.items():
        assert client.set_parameter(name, value).successful
    client.bring_up()


@pytest.fixture
def camera(active):
    """A camera towards a node that knows no calibration yet, and grounds a demonstration."""
    _configure_again(active)
    active.record('press')
    made = RgbdCamera(active)
    yield made
    made.close()


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_points_lie_where_the_surface_is(camera, encoding):
    if encoding == '16UC1':
        camera.depth = np.rint(1000 * camera.depth).astype(np.uint16)
    affordance = camera.send_until('', info={}, lag=0)
    assert affordance.position_frame == 'camera'
    point = affordance.points[0]
    x, y = (point.u - CENTRE[0]) / FOCAL_LENGTH, (point.v - CENTRE[1]) / FOCAL_LENGTH
    ray = np.array([x, y, 1.0])
    position = [point.position.x, point.position.y, point.position.z]
    assert point.position_valid
    assert position == pytest.approx(ray * DISTANCE / (ray @ NORMAL), abs=0.002)
    assert point.normal_valid
    normal = np.array([point.normal.x, point.normal.y, point.normal.z])
    assert normal @ NORMAL > np.cos(np.radians(2))


@pytest.mark.parametrize(
    ('given', 'reason', 'told'),
    [
        ({'lag': 0}, 'no camera_info has arrived on /shared/camera_info', None),
        (
            {'info': {}},
            'no depth has arrived on /shared/depth',
            'no message has arrived on /shared/depth yet',
        ),
        ({'info': {'focal_length': 0.0}, 'lag': 0}, 'camera_info has an all-zero K', None),
        ({'info': {'width': 0, 'height': 0}, 'lag': 0}, 'size of the images is 0x0 pixels', None),
        (
            {'info': {'width': 640, 'height': 480}, 'lag': 0},
            'the image has 320x240 pixels, but camera_info is for 640x480',
            None,
        ),
        ({'info': {}, 'lag': 0, 'missing_bytes': 100}, 'bytes', None),
        (
            {'info': {}, 'lag': 5000},
            'the stamps of /shared/depth differ by 500 s from those of the images',
            None,
        ),
    ],
    ids=lambda given: None if isinstance(given, dict) else given,
)
def test_without_depth_or_calibration_the_reason_is_told_until_there_is_a_position(
    camera, given, reason, told
):
    affordance = camera.send_until(reason, **given)
    camera.client.told('depth', told or affordance.points[0].position_problem)
    camera.send_until('', info={}, lag=0)


def test_depth_that_lags_gives_no_position(camera):
    client = camera.client
    camera.send_until('', info={}, lag=0)
    assert client.set_parameter('depth_wait', 0.5).successful
    camera.send_until('500 ms older', info={}, lag=5)
    problems = [camera.send(info={}, lag=5).points[0].position_problem for _ in range(12)]
    assert client.set_parameter('depth_wait', 0.03).successful
    reason = 'no depth within 20 ms of the image; the nearest on /shared/depth is 500 ms older'
    assert reason in problems
    assert '' not in problems
    client.told('depth', 'older', lambda: camera.send(info={}, lag=5))
    camera.send_until('', info={}, lag=0)


def test_a_wait_for_depth_in_vain_is_not_repeated(monkeypatch):
    waits = []
    monkeypatch.setattr(DepthBuffer, 'wait', lambda _, stamp, patience: waits.append(patience))
    spatial = SpatialInputs('/depth', '')
    spatial.add_depth(0, None)
    for stamp in (10**9, 2 * 10**9):
        spatial.view(stamp, 0.02, 0.5)
    assert waits == [0.5, 0.0]


@pytest.mark.skipif(
    importlib.util.find_spec('tf2_ros') is not None, reason='tf2_ros is installed here'
)
def test_a_target_frame_without_tf2(active):
    _configure_again(active, target_frame='base')
    try:
        active.record('press')
        camera = RgbdCamera(active)
        reason = 'tf2_ros cannot be used'
        affordance = camera.send_until(reason, info={}, lag=0)
        assert affordance.found
        assert affordance.position_frame == 'base'
        active.told('transform', reason)
        active.told('image', 'arriving', lambda: camera.send(info={}, lag=0))
        camera.close()
    finally:
        _configure_again(active, target_frame='')
