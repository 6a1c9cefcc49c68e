# SPDX-License-Identifier: Apache-2.0
"""A double of tf2_ros that looks transforms up at their stamps, as the real one does.

It keeps ten seconds of each frame, interpolates between two samples, and refuses what would be
an extrapolation, a frame that it does not know, and frames that are not connected. The stamp 0
means the latest transform to it, as to tf2. The tests of `FrameTransforms` run over both.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from std_srvs.srv import Trigger

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    # PyPI has no tf2_msgs: one transform a message then.
    TFMessage = None

CACHE_SECONDS = 10

Vector = tuple[float, float, float]
Turn = tuple[float, float, float, float]


class TransformException(Exception):  # noqa: N818 - the name of tf2
    """A pose is not known."""


@dataclass(frozen=True, order=True)
class _Sample:
    """Pose of a frame in its parent at a stamp, nanoseconds."""

    stamp: int
    parent: str = field(compare=False)
    shift: Vector = field(compare=False)
    turn: Turn = field(compare=False)


class _Samples:
    """The samples of one frame."""

    def __init__(self, static: bool) -> None:
        self.static = static
        self._samples: list[_Sample] = []

    def add(self, sample: _Sample) -> None:
        if self.static:
            self._samples = [sample]
            return
        newest = max(sample.stamp, self._samples[-1].stamp) if self._samples else sample.stamp
        kept = newest - CACHE_SECONDS * 10**9
        self._samples = [one for one in self._samples if one.stamp >= kept]
        if sample.stamp >= kept:
            insort(self._samples, sample)

    def clear(self) -> None:
        if not self.static:
            self._samples = []

    @property
    def newest(self) -> int | None:
        """None where the frame is static."""
        if self.static:
            return None
        return self._samples[-1].stamp if self._samples else 0

    def at(self, stamp: int, frame: str) -> _Sample:
        samples = self._samples
        if samples and (self.static or stamp == 0):
            return samples[-1]
        number = bisect_left(samples, stamp, key=lambda one: one.stamp)
        if number < len(samples) and samples[number].stamp == stamp:
            return samples[number]
        if number in (0, len(samples)):
            where = 'into the future' if number else 'into the past'
            raise TransformException(
                f'Lookup would require extrapolation {where} at time {stamp * 1e-9:.6f}, when '
                f'looking up transform of frame [{frame}]'
            )
        before, after = samples[number - 1], samples[number]
        share = (stamp - before.stamp) / (after.stamp - before.stamp)
        shift = tuple(a + share * (b - a) for a, b in zip(before.shift, after.shift, strict=True))
        return _Sample(stamp, before.parent, shift, _slerp(before.turn, after.turn, share))


class Buffer:
    """Stand-in for `tf2_ros.Buffer`."""

    def __init__(self, cache_time: Duration | None = None, node: Any = None) -> None:
        assert cache_time is None, f'the double keeps {CACHE_SECONDS} s'
        self._lock = threading.RLock()
        self._frames: dict[str, _Samples] = {}
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
        self._set(transform, static=False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        self._set(transform, static=True)

    def clear(self) -> None:
        with self._lock:
            for samples in self._frames.values():
                samples.clear()

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
            shift, turn = self._between(target_frame, source_frame, stamp)
        found = TransformStamped(child_frame_id=source_frame)
        found.header.frame_id = target_frame
        found.header.stamp = Time(nanoseconds=stamp).to_msg()
        x, y, z = shift
        found.transform = Transform(translation=Vector3(x=x, y=y, z=z))
        x, y, z, w = turn
        found.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
        return found

    def get_latest_common_time(self, target_frame: str, source_frame: str) -> Time:
        with self._lock:
            self._require(target_frame, source_frame)
            return Time(nanoseconds=self._latest(target_frame, source_frame))

    def _set(self, transform: TransformStamped, static: bool) -> None:
        parent, child = transform.header.frame_id, transform.child_frame_id
        shift, turn = transform.transform.translation, transform.transform.rotation
        numbers = (shift.x, shift.y, shift.z, turn.x, turn.y, turn.z, turn.w)
        length = math.hypot(*numbers[3:])
        if any(map(math.isnan, numbers)) or length == 0:
            return
        unit = tuple(one / length for one in numbers[3:])
        stamp = transform.header.stamp.sec * 10**9 + transform.header.stamp.nanosec
        with self._lock:
            self._names |= {parent, child}
            samples = self._frames.get(child)
            if samples is None or samples.static != static:
                samples = self._frames[child] = _Samples(static)
            samples.add(_Sample(stamp, parent, numbers[:3], unit))

    def _require(self, *frames: str) -> None:
        for frame in frames:
            if frame not in self._names:
                raise TransformException(f'"{frame}" passed to lookupTransform does not exist. ')

    def _latest(self, target: str, source: str) -> int:
        """Return the newest stamp that all samples between two frames have; 0: all are static."""
        paths = [list(self._up(frame)) for frame in (target, source)]
        common = self._common(*paths, target, source)
        newest = [
            self._frames[frame].newest for path in paths for frame in path[: path.index(common)]
        ]
        return min((one for one in newest if one is not None), default=0)

    def _up(self, frame: str) -> Iterator[str]:
        """Yield a frame and its parents, by the newest samples."""
        while True:
            yield frame
            samples = self._frames.get(frame)
            if samples is None or samples.newest == 0:
                return
            frame = samples.at(0, frame).parent

    def _common(self, first: list[str], second: list[str], target: str, source: str) -> str:
        for frame in first:
            if frame in second:
                return frame
        raise TransformException(
            f"Could not find a connection between '{target}' and '{source}' because they are not "
            'part of the same tree. Tf has two or more unconnected trees.'
        )

    def _between(self, target: str, source: str, stamp: int) -> tuple[Vector, Turn]:
        paths = [list(self._up(frame)) for frame in (target, source)]
        common = self._common(*paths, target, source)
        (target_shift, target_turn), (shift, turn) = (
            self._pose(path[: path.index(common)], stamp) for path in paths
        )
        back: Turn = (-target_turn[0], -target_turn[1], -target_turn[2], target_turn[3])
        gap: Vector = tuple(a - b for a, b in zip(shift, target_shift, strict=True))
        return _turned(back, gap), _product(back, turn)

    def _pose(self, path: list[str], stamp: int) -> tuple[Vector, Turn]:
        """Return the pose of the first frame of a path in the parent of its last."""
        shift, turn = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)
        for frame in path:
            sample = self._frames[frame].at(stamp, frame)
            moved = _turned(sample.turn, shift)
            shift = tuple(a + b for a, b in zip(sample.shift, moved, strict=True))
            turn = _product(sample.turn, turn)
        return shift, turn


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


def _product(first: Turn, second: Turn) -> Turn:
    a, b, c, d = first
    e, f, g, h = second
    return (
        d * e + a * h + b * g - c * f,
        d * f - a * g + b * h + c * e,
        d * g + a * f - b * e + c * h,
        d * h - a * e - b * f - c * g,
    )


def _turned(turn: Turn, vector: Vector) -> Vector:
    x, y, z, w = turn
    result = _product(_product(turn, (*vector, 0.0)), (-x, -y, -z, w))
    return result[0], result[1], result[2]


def _slerp(first: Turn, second: Turn, share: float) -> Turn:
    cosine = sum(a * b for a, b in zip(first, second, strict=True))
    if cosine < 0:
        second, cosine = tuple(-one for one in second), -cosine
    angle = math.acos(min(1.0, cosine))
    if angle < 1e-9:
        return first
    before, after = (math.sin(one * angle) / math.sin(angle) for one in (1 - share, share))
    return tuple(before * a + after * b for a, b in zip(first, second, strict=True))
