# SPDX-License-Identifier: Apache-2.0
"""The transforms of a recording, and the placements of its images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.media.bag import Bag, BagError, BagMessage
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.placement import FramePlacements, Placement, bare_frame
from afformer_core.replay.transform_buffer import KEPT, FramePose, TransformBuffer

_MOVING, _STATIC = '/tf', '/tf_static'
TRANSFORM_TOPICS = (_MOVING, _STATIC)


class RecordedTransforms:
    """A buffer of the transforms of a recording, which determines the placement of images.

    Args:
        decode: function that decodes a message of the bag.
        target_frame, vertical_frame: see `FramePlacements`; if both are empty, no transform is
            read.

    Attributes:
        problem: reason why transforms of the recording were left out; empty if none were.
    """

    def __init__(
        self,
        decode: Callable[[BagMessage], Any],
        target_frame: str = '',
        vertical_frame: str = '',
    ) -> None:
        self._decode = decode
        self._asked = bool(target_frame or vertical_frame)
        self._buffer = TransformBuffer()
        self._any = False
        self._last_image: int | None = None
        self._placements = FramePlacements(self._look_up, target_frame, vertical_frame)
        self.problem = ''

    def read_before(self, bag: Bag, start: int) -> None:
        """Read the transforms of a bag that are valid at a time in nanoseconds.

        Raises:
            BagError: the bag is damaged.
        """
        if not self._asked or start <= bag.start:
            return
        for topic, first in ((_STATIC, bag.start), (_MOVING, max(bag.start, start - KEPT))):
            for message in bag.messages((topic,), first, start):
                self.take(message)

    def take(self, message: BagMessage) -> None:
        """Add a message of one of `TRANSFORM_TOPICS`."""
        if not self._asked:
            return
        add = self._buffer.add_static if message.topic == _STATIC else self._buffer.add
        try:
            transforms = self._decode(message).transforms
        except BagError as error:
            self.problem = str(error)
            return
        for transform in transforms:
            try:
                add(_pose(transform))
            except TransformError as error:
                self.problem = f'a transform on {message.topic} was left out: {error}'
            else:
                self._any = True

    def expect(self, stamp: int) -> None:
        """Use the stamp of an image in nanoseconds to detect a clock that was set back."""
        if self._last_image is not None and stamp < self._last_image:
            self._buffer.set_back(stamp)
        self._last_image = stamp

    def placement(self, camera: str, stamp: int) -> Placement:
        """Look up the placement of an image by its frame and its stamp."""
        return self._placements.placement(camera, stamp)

    def placement_of(self, header: Any) -> Placement:
        """Look up the placement of an image by the header of its message."""
        return self.placement(str(header.frame_id), stamp_nanoseconds(header.stamp))

    def _look_up(self, target: str, source: str, stamp: int) -> RigidTransform:
        if not self._any:
            raise TransformError(f'none was read on {" or ".join(TRANSFORM_TOPICS)}')
        return self._buffer.look_up(target, source, stamp)


def _pose(message: Any) -> FramePose:
    """Read a geometry_msgs/TransformStamped.

    Raises:
        TransformError: the transform is not rigid, or not between two frames.
    """
    return FramePose(
        bare_frame(message.child_frame_id),
        bare_frame(message.header.frame_id),
        stamp_nanoseconds(message.header.stamp),
        RigidTransform.from_message(message.transform, any_length=True),
    )
