# SPDX-License-Identifier: Apache-2.0
"""The frame in which the positions of an image are published, at the stamp of the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afformer_core.geometry.motion import UNKNOWN_VERTICAL, Vertical
from afformer_core.geometry.transform import RigidTransform, TransformError


@dataclass(frozen=True)
class Placement:
    """The frame in which positions are published, and its transform from the camera.

    Attributes:
        frame_id: name of that frame.
        transform: transform from the camera's frame to it; None: the frame is the camera's, or the
            transform is not known.
        problem: reason why the transform is not known, in which case nothing has a position; empty
            if it is known.
        vertical: direction against gravity in that frame.
    """

    frame_id: str
    transform: RigidTransform | None = None
    problem: str = ''
    vertical: Vertical = UNKNOWN_VERTICAL

    @property
    def missing_transform(self) -> str:
        """Reason why a transform that was looked up is not known; empty if all are known."""
        asked = self.vertical is not UNKNOWN_VERTICAL
        return self.problem or (self.vertical.problem if asked else '')


LookUp = Callable[[str, str, int], RigidTransform]

# Endings of the names of optical frames in REP 103 and in some drivers.
_OPTICAL = ('_optical', '_optical_frame')
_Z = np.array([0.0, 0.0, 1.0])


class FramePlacements:
    """The lookup of the frame in which positions of an image are published, and of its vertical.

    A leading slash in the name of a frame, as in ROS 1, is ignored.

    Args:
        look_up: function that returns the transform to a frame from another at a stamp in
            nanoseconds, never 0; it raises a `TransformError` if the transform is not known.
        target_frame: frame of all positions; empty: the frame of each image.
        vertical_frame: frame whose z axis points up; empty: the frame of positions, unless that is
            an optical frame, whose z axis points ahead (REP 103). The frame of the image is
            optical, and so is a frame with a name for optical frames.
    """

    def __init__(self, look_up: LookUp, target_frame: str = '', vertical_frame: str = '') -> None:
        self._look_up = look_up
        self._target = bare_frame(target_frame)
        self._vertical = bare_frame(vertical_frame)

    def placement(self, camera: str, stamp: int) -> Placement:
        """Look up the target frame, or the frame of the image.

        Args:
            camera: frame of the image.
            stamp: stamp of the image, nanoseconds.
        """
        return self._placement(self._target or camera, camera, stamp)

    def placement_in(self, frame: str, camera: str, stamp: int) -> Placement:
        """Look up another frame than the target frame for an image with a frame and a stamp."""
        return self._placement(bare_frame(frame), camera, stamp)

    def _placement(self, frame: str, camera: str, stamp: int) -> Placement:
        try:
            transform = self._transform(frame, camera, stamp)
        except TransformError as error:
            return Placement(frame, None, str(error))
        return Placement(frame, transform, vertical=self._vertical_in(frame, camera, stamp))

    def _vertical_in(self, frame: str, camera: str, stamp: int) -> Vertical:
        frames = (self._vertical, _upright(self._target, camera), _upright(frame, camera))
        vertical_frame = next(filter(None, frames), '')
        if not vertical_frame:
            return UNKNOWN_VERTICAL
        try:
            transform = self._transform(frame, vertical_frame, stamp)
        except TransformError as error:
            return Vertical(None, str(error))
        return Vertical(_Z if transform is None else transform.vector(_Z), '')

    def _transform(self, target: str, source: str, stamp: int) -> RigidTransform | None:
        """Look up the transform from one frame to another; None if they are the same.

        Raises:
            TransformError: it is not known, or not rigid.
        """
        target, source = bare_frame(target), bare_frame(source)
        if target == source:
            return None
        try:
            if not (target and source):
                raise TransformError(
                    'the frame_id of the image is empty; have the driver of the camera name its '
                    'optical frame'
                )
            # For tf2, this stamp means the latest transform.
            if stamp == 0:
                raise TransformError(
                    'the stamp of the image is 0; have the driver of the camera stamp its images'
                )
            return self._look_up(target, source, stamp)
        except TransformError as error:
            raise TransformError(f'no transform from {source!r} to {target!r}: {error}') from error


def bare_frame(frame: str) -> str:
    """Return the name of a frame without a leading slash as in ROS 1."""
    return frame.removeprefix('/')


def _upright(frame: str, camera: str) -> str:
    """Return the frame if its z axis points up; '' for an optical frame."""
    own = bare_frame(frame) == bare_frame(camera)
    return '' if own or frame.endswith(_OPTICAL) else bare_frame(frame)
