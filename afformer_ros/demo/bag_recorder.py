# SPDX-License-Identifier: Apache-2.0
"""A recorder of topics to a rosbag2 in mcap, without the rosbag2 packages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.messages.rosbags_messages import affordance_typestore


class BagRecorder:
    """A recorder that writes the serialized messages of some topics into a bag.

    Args:
        node: node that subscribes; another thread must spin it.
        folder: folder of the bag; must not exist.
        topics: message class of each topic.
        latched: names of the topics that are latched.
        callbacks: called with each message of a topic, after it was written.
    """

    def __init__(
        self,
        node: Node,
        folder: Path,
        topics: Mapping[str, Any],
        latched: tuple[str, ...],
        callbacks: Mapping[str, Callable[[Any], None]],
    ) -> None:
        self._node = node
        self._lock = threading.Lock()
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        typestore = affordance_typestore()
        self._open = True
        for topic, kind in topics.items():
            name = f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'
            absolute = node.resolve_topic_name(topic)
            connection = self._writer.add_connection(absolute, name, typestore=typestore)
            qos = QoSProfile(depth=200)
            if topic in latched:
                qos.durability = QoSDurabilityPolicy.TRANSIENT_LOCAL
            node.create_subscription(
                kind, topic, self._writing(connection, kind, callbacks.get(topic)), qos, raw=True
            )

    def __enter__(self) -> BagRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._open = False
            self._writer.close()

    def _writing(
        self, connection: Any, kind: Any, callback: Callable[[Any], None] | None
    ) -> Callable[[bytes], None]:
        def write(data: bytes) -> None:
            with self._lock:
                if not self._open:
                    return
                self._writer.write(connection, self._node.get_clock().now().nanoseconds, data)
            if callback is not None:
                callback(deserialize_message(data, kind))

        return write
