# SPDX-License-Identifier: Apache-2.0
"""The interface of message factories, independent of the library of the classes."""

from __future__ import annotations

from typing import Any, Protocol


class MessageFactory(Protocol):
    """A factory of messages of one library, such as rclpy or rosbags."""

    def create(self, type_name: str, **fields: Any) -> Any:
        """Create a message.

        Args:
            type_name: type of the message, such as 'geometry_msgs/msg/Point'.
            fields: values of fields; the others have the defaults of the message's definition.
                Bytes are uint8 NumPy arrays [N], arrays of fixed length are NumPy arrays of the
                field's type, sequences of messages are lists.

        Raises:
            TypeError: the message has no such field.
        """
        ...
