# SPDX-License-Identifier: Apache-2.0
"""Creation of visualization_msgs/Marker messages with common fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.messages.factory import MessageFactory
from afformer_core.outputs.affordance import point_message

# Constants of visualization_msgs/Marker.
ARROW, SPHERE, LINE_STRIP, TEXT = 0, 2, 4, 9
ADD, DELETE_ALL = 0, 3


@dataclass(frozen=True)
class MarkerPen:
    """A factory of the markers of one result.

    Attributes:
        factory: creates the messages.
        header: header of all markers.
        opacity: factor of the opacity of every colour, 0 to 1.
        namespace: namespace of the markers, in which their numbers are unique.
    """

    factory: MessageFactory
    header: Any
    opacity: float
    namespace: str

    def mark(
        self,
        number: int,
        kind: int,
        colour: tuple[float, float, float, float],
        scale: tuple[float, float, float],
        **fields: Any,
    ) -> Any:
        """Create a visualization_msgs/Marker.

        Args:
            number: its number, unique in the namespace.
            kind: its type, such as ARROW.
            colour: red, green, blue and opacity, 0 to 1.
            scale: (x, y, z) metres, whose meaning depends on the type.
            fields: other fields of the message.
        """
        red, green, blue, alpha = colour
        create = self.factory.create
        return create(
            'visualization_msgs/msg/Marker',
            header=self.header,
            ns=self.namespace,
            id=number,
            type=kind,
            action=ADD,
            color=create('std_msgs/msg/ColorRGBA', r=red, g=green, b=blue, a=alpha * self.opacity),
            scale=create('geometry_msgs/msg/Vector3', x=scale[0], y=scale[1], z=scale[2]),
            **fields,
        )

    def point(self, position: NDArray[np.float64]) -> Any:
        """Create a geometry_msgs/Point of [3] metres."""
        return point_message(self.factory, position)

    def pose(self, position: NDArray[np.float64]) -> Any:
        """Create a geometry_msgs/Pose at [3] metres, without a rotation."""
        return self.factory.create('geometry_msgs/msg/Pose', position=self.point(position))
