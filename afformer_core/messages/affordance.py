# SPDX-License-Identifier: Apache-2.0
"""Results as the numbers that planners read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.messages.factory import MessageFactory

if TYPE_CHECKING:
    from afformer_core.geometry.surface import SurfacePoint
    from afformer_core.runtime.grounding import Peak
    from afformer_core.stream.results import StreamedGrounding


def affordance_message(
    factory: MessageFactory, result: StreamedGrounding, header: Any, position_frame: str
) -> Any:
    """An afformer_ros/Affordance; without points where the model abstained.

    Args:
        factory: makes the message.
        result: of one image.
        header: of that image, taken as it is.
        position_frame: frame in which the surfaces of the result are given.
    """
    actions = [
        factory.create('afformer_ros/msg/ActionScore', name=name, score=float(score))
        for name, score in result.grounding.action_scores.items()
    ]
    points = []
    if result.found:
        pairs = zip(result.grounding.peaks, result.surfaces, strict=True)
        points = [_point(factory, peak, surface) for peak, surface in pairs]
    return factory.create(
        'afformer_ros/msg/Affordance',
        header=header,
        demonstration=result.demonstration,
        found=bool(result.found),
        confidence=float(result.confidence),
        resemblance=float(result.resemblance),
        continuity=float(result.continuity),
        age=float(result.age),
        actions=actions,
        points=points,
        position_frame=position_frame,
    )


def point_message(factory: MessageFactory, position: Sequence[float] | NDArray[Any]) -> Any:
    """A geometry_msgs/Point of three coordinates."""
    x, y, z = (float(value) for value in position)
    return factory.create('geometry_msgs/msg/Point', x=x, y=y, z=z)


def _point(factory: MessageFactory, peak: Peak, surface: SurfacePoint) -> Any:
    fields: dict[str, Any] = {'position_problem': surface.problem}
    if surface.position is not None:
        fields['position_valid'] = True
        fields['position'] = point_message(factory, surface.position)
    if surface.covariance is not None:
        fields['position_covariance'] = np.asarray(surface.covariance, np.float64).reshape(9)
    if surface.normal is not None:
        x, y, z = (float(value) for value in surface.normal)
        fields['normal_valid'] = True
        fields['normal'] = factory.create('geometry_msgs/msg/Vector3', x=x, y=y, z=z)
    return factory.create(
        'afformer_ros/msg/AffordancePoint',
        u=float(peak.u),
        v=float(peak.v),
        score=float(peak.score),
        **fields,
    )
