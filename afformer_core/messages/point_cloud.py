# SPDX-License-Identifier: Apache-2.0
"""Clouds of weighted points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.messages.factory import MessageFactory

_FIELDS = ('x', 'y', 'z', 'weight')
_FLOAT32 = 7  # PointField.FLOAT32
_ITEM_SIZE = 4


def cloud_message(factory: MessageFactory, cloud: NDArray[np.float32], header: Any) -> Any:
    """A sensor_msgs/PointCloud2 of one row, with fields x, y, z and weight.

    Args:
        factory: makes the message.
        cloud: float32 [N, 4]: x, y, z in metres and the weight, finite; N may be 0.
        header: with the frame in which the points are given.

    Raises:
        ValueError: another type or shape.
    """
    if cloud.dtype != np.float32 or cloud.ndim != 2 or cloud.shape[1] != len(_FIELDS):
        raise ValueError(
            f'the cloud is {cloud.dtype} of shape {cloud.shape}; it must be float32 [N, 4]'
        )
    point_step = _ITEM_SIZE * len(_FIELDS)
    fields = [
        factory.create(
            'sensor_msgs/msg/PointField',
            name=name,
            offset=_ITEM_SIZE * number,
            datatype=_FLOAT32,
            count=1,
        )
        for number, name in enumerate(_FIELDS)
    ]
    return factory.create(
        'sensor_msgs/msg/PointCloud2',
        header=header,
        height=1,
        width=len(cloud),
        fields=fields,
        is_bigendian=False,
        point_step=point_step,
        row_step=point_step * len(cloud),
        data=np.ascontiguousarray(cloud, '<f4').reshape(-1).view(np.uint8),
        is_dense=True,
    )
