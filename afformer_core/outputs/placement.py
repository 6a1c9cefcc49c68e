# SPDX-License-Identifier: Apache-2.0
"""Frame in which positions are published."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.geometry.motion import UNKNOWN_VERTICAL, Vertical
from afformer_core.geometry.transform import RigidTransform


@dataclass(frozen=True)
class Placement:
    """The frame that positions are published in.

    Attributes:
        frame_id: of that frame.
        transform: from the camera's frame to it; None: it is the camera's, or is not known.
        problem: why the transform is not known; empty if it is. Nothing has a position then.
        vertical: direction against gravity in that frame.
    """

    frame_id: str
    transform: RigidTransform | None = None
    problem: str = ''
    vertical: Vertical = UNKNOWN_VERTICAL

    @property
    def missing_transform(self) -> str:
        """Why a transform that was looked up is not known; empty if all are."""
        asked = self.vertical is not UNKNOWN_VERTICAL
        return self.problem or (self.vertical.problem if asked else '')
