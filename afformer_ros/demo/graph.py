# SPDX-License-Identifier: Apache-2.0
"""The demo's ROS graph: a player as the camera, and the grounding node."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.demo.scenes import CAMERA_RATE
from afformer_ros.driver.grounding_driver import GroundingDriver, NodeProcesses
from afformer_ros.msg import Affordance

_QUALITY = QoSProfile(depth=200)


@dataclass(frozen=True)
class Result:
    """The node's results for one image.

    Attributes:
        affordance: the affordance.
        overlay: the overlay, uint8 RGB [H, W, 3].
        age: milliseconds from the stamp of the image until the overlay arrived.
    """

    affordance: Affordance
    overlay: NDArray[np.uint8]
    age: float


class DemoGraph(GroundingDriver):
    """The running graph; close it at the end.

    Args:
        folder: folder for the logs and the node's store, below which demonstrations are read.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.
    """

    def __init__(self, folder: Path, processes: NodeProcesses, model: str) -> None:
        super().__init__('demo', processes)
        # By the stamps of their images; the executor's thread adds them.
        self._affordances: dict[int, Affordance] = {}
        self._overlays: dict[int, tuple[Image, float]] = {}
        node = self.node
        node.create_subscription(Affordance, 'affordance', self._take_affordance, _QUALITY)
        node.create_subscription(Image, 'overlay', self._take_overlay, _QUALITY)
        parameters = {'store_folder': folder / 'store', 'demonstration_folders': f'[{folder}]'}
        chosen = {'model': model} if model else {}
        self.start_grounding({**parameters, 'image_qos': 'DEFAULT', **chosen})

    def ground_all(self, path: Path, demonstration: str) -> list[Result]:
        """Play an image or a video as the camera; return the results, in order.

        Raises:
            NodeError: the player fails, or no result arrives.
        """
        self._affordances.clear()
        self._overlays.clear()
        player = self.processes.start(
            'camera player',
            'afformer_ros.executables.player',
            {'__node': 'camera_player', 'image': 'image'},
            {'path': path, 'rate': CAMERA_RATE, 'frame_id': 'camera', 'wait_for_subscribers': 1},
        )

        def complete() -> list[int]:
            return [
                stamp
                for stamp, affordance in sorted(self._affordances.items())
                if stamp in self._overlays and affordance.demonstration == demonstration
            ]

        self.wait(lambda: complete() and not player.running, f'a grounding in {path.name}')
        # The last results are still in transit.
        time.sleep(0.3)
        results = []
        for stamp in complete():
            overlay, arrived = self._overlays[stamp]
            age = 1e3 * (arrived - 1e-9 * stamp)
            results.append(Result(self._affordances[stamp], to_rgb(overlay), age))
        return results

    def _take_affordance(self, message: Affordance) -> None:
        self._affordances[stamp_nanoseconds(message.header.stamp)] = message

    def _take_overlay(self, message: Image) -> None:
        self._overlays[stamp_nanoseconds(message.header.stamp)] = message, time.time()
