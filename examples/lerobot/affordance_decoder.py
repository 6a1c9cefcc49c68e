# SPDX-License-Identifier: Apache-2.0
"""A decoder of `afformer_ros/msg/Affordance` for contracts of rosetta.

A contract names it as `decoder: affordance_decoder:decode_affordance`, and `select` lists fields
of the message by their path: `found`, `presence`, `points.0.position.x`. `points.0` is the best
point.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def decode_affordance(message: Any, spec: Any) -> NDArray[np.float64]:
    """Return the selected fields.

    A policy needs finite numbers, so an unknown field is 0, and so is each field of a point that
    is not found. Select `found` and `points.0.position_valid` to tell it from a measured 0, and
    `age`, which is above 0 while the arm covers the part and the node holds its point.

    Args:
        message: the message.
        spec: a spec of rosetta; `spec.names` are the paths.
    """
    return np.array([_number(message, path) for path in spec.names], np.float64)


def _number(message: Any, path: str) -> float:
    value = message
    for name in path.split('.'):
        if name.isdigit():
            if int(name) >= len(value):
                return 0.0
            value = value[int(name)]
        else:
            value = getattr(value, name)
    number = float(value)
    return number if math.isfinite(number) else 0.0
