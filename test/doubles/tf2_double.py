# SPDX-License-Identifier: Apache-2.0
"""A double of tf2_ros that looks transforms up in the buffer of replays, by the rules of tf2.

The stamp 0 means the latest transform to it, as to tf2. `test_transform_buffers.py` holds it, tf2
and that buffer to the same contract.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from std_srvs.srv import Trigger

from afformer_core.geometry.rotation import quaternion_of_rotation
from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.replay.transform_buffer import FramePose, TransformBuffer

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    # PyPI has no tf2_msgs: one transform a message then.
    TFMessage = None


class TransformException(Exception):  # noqa: N818 - the name of tf2
    """The error of all that is not known."""


class Buffer:
    """Stand-in for `tf2_ros.Buffer`."""

    def __init__(self, node: Any = None) -> None:
        self._lock = threading.RLock()
        self._buffer = TransformBuffer()
        self._names: set[str] = set()
        if node is not None:
            # The real one is a FrameGraph.
            self.srv = node.create_service(Trigger, 'tf2_frames', lambda request, answer: answer)
            threshold = JumpThreshold(
                min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True
            )
            self.jump_handle = node.get_clock().create_jump_callback(
                threshold, post_callback=lambda jump: self.clear()
            )

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        self._set(transform, self._buffer.add)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        self._set(transform, self._buffer.add_static)

    def clear(self) -> None:
        with self._lock:
            self._buffer.set_back(-(10**18))

    def can_transform(self, target_frame: str, source_frame: str, time: Time) -> bool:
        try:
            self.lookup_transform(target_frame, source_frame, time)
        except TransformException:
            return False
        return True

    def lookup_transform(
        self, target_frame: str, source_frame: str, time: Time
    ) -> TransformStamped:
        with self._lock:
            self._require(target_frame, source_frame)
            stamp = time.nanoseconds or self._latest(target_frame, source_frame)
            try:
                pose = self._buffer.look_up(target_frame, source_frame, stamp)
            except TransformError as error:
                side = 'future' if 'older' in str(error) else 'past'
                raise TransformException(
                    f'Lookup would require extrapolation into the {side}: {error}'
                ) from error
        found = TransformStamped(child_frame_id=source_frame)
        found.header.frame_id = target_frame
        found.header.stamp = Time(nanoseconds=stamp).to_msg()
        turn = quaternion_of_rotation(pose.rotation)
        found.transform = Transform(
            translation=Vector3(**dict(zip('xyz', pose.translation.tolist(), strict=True))),
            rotation=Quaternion(**dict(zip('xyzw', map(float, turn), strict=True))),
        )
        return found

    def get_latest_common_time(self, target_frame: str, source_frame: str) -> Time:
        with self._lock:
            self._require(target_frame, source_frame)
            return Time(nanoseconds=self._latest(target_frame, source_frame))

    def _set(self, transform: TransformStamped, add: Callable[[FramePose], None]) -> None:
        parent = transform.header.frame_id.removeprefix('/')
        child = transform.child_frame_id.removeprefix('/')
        stamp = Time.from_msg(transform.header.stamp).nanoseconds
        try:
            rigid = RigidTransform.from_message(transform.transform, any_length=True)
            pose = FramePose(child, parent, stamp, rigid)
        except TransformError:
            return
        with self._lock:
            self._names |= {parent, child}
            add(pose)

    def _require(self, *frames: str) -> None:
        for frame in frames:
            if frame not in self._names:
                raise TransformException(f'"{frame}" passed to lookupTransform does not exist. ')

    def _latest(self, target: str, source: str) -> int:
        """Return the newest stamp that all samples between two frames have; 0: all are static."""
        paths = [dict(self._up(frame)) for frame in (target, source)]
        common = next((frame for frame in paths[0] if frame in paths[1]), None)
        if common is None:
            raise TransformException('Tf has two or more unconnected trees.')
        moving = [
            stamp
            for path in paths
            for frame, stamp in list(path.items())[: list(path).index(common)]
            if stamp is not None
        ]
        return min(moving, default=0)

    def _up(self, frame: str) -> Iterator[tuple[str, int | None]]:
        """Yield a frame and those above it, with its newest stamp; None for a static one."""
        while True:
            moving = self._buffer._moving.get(frame)
            pose = moving[-1] if moving else self._buffer._static.get(frame)
            yield frame, moving[-1].stamp if moving else None
            if pose is None:
                return
            frame = pose.parent


class TransformListener:
    """Stand-in for `tf2_ros.TransformListener`."""

    def __init__(self, buffer: Buffer, node: Any) -> None:
        self._node = node
        self._subscriptions = [
            _subscribe(node, '/tf', buffer.set_transform, DurabilityPolicy.VOLATILE),
            _subscribe(
                node, '/tf_static', buffer.set_transform_static, DurabilityPolicy.TRANSIENT_LOCAL
            ),
        ]

    def unregister(self) -> None:
        for one in self._subscriptions:
            self._node.destroy_subscription(one)


class TransformBroadcaster:
    """Stand-in for `tf2_ros.TransformBroadcaster`."""

    _topic, _durability = '/tf', DurabilityPolicy.VOLATILE

    def __init__(self, node: Any) -> None:
        profile = QoSProfile(depth=100, durability=self._durability)
        self._publisher = node.create_publisher(
            TFMessage or TransformStamped, self._topic, profile
        )

    def sendTransform(self, transform: TransformStamped) -> None:  # noqa: N802 - the name of tf2
        message = transform if TFMessage is None else TFMessage(transforms=[transform])
        self._publisher.publish(message)


class StaticTransformBroadcaster(TransformBroadcaster):
    """Stand-in for `tf2_ros.StaticTransformBroadcaster`."""

    _topic, _durability = '/tf_static', DurabilityPolicy.TRANSIENT_LOCAL


def _subscribe(
    node: Any,
    topic: str,
    take: Callable[[TransformStamped, str], None],
    durability: DurabilityPolicy,
) -> Any:
    profile = QoSProfile(depth=100, durability=durability)

    def arrived(message: Any) -> None:
        for one in [message] if TFMessage is None else message.transforms:
            take(one, 'default_authority')

    return node.create_subscription(TFMessage or TransformStamped, topic, arrived, profile)
