# SPDX-License-Identifier: Apache-2.0
"""What must be set before a ROS process starts."""

import os


def prepare_environment() -> None:
    """Choose transports that carry images; call it before `rclpy.init`.

    The default transports of Fast DDS drop most best-effort messages of the size of an image.
    A choice that the user made is kept; other middleware ignores the variable.
    """
    os.environ.setdefault('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
