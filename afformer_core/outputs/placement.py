# SPDX-License-Identifier: Apache-2.0
"""The frame in which positions are published."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.geometry.motion import UNKNOWN_VERTICAL, Vertical
from afformer_core.geometry.transform import RigidTransform


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
