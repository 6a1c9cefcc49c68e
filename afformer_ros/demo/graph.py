# SPDX-License-Identifier: Apache-2.0
"""The demo's ROS graph: a player for demonstrations, one for the camera, and the node."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.demo.bag_recorder import BagRecorder
from afformer_ros.demo.scenes import CAMERA_RATE, DemoScene
from afformer_ros.driver.grounding_driver import GroundingDriver
from afformer_ros.driver.node_processes import NodeProcess, NodeProcesses
from afformer_ros.msg import Affordance, DemonstrationStatus

_TOPICS = {
    'demonstration': Image,
    'image': Image,
    'affordance': Affordance,
    'heatmap': Image,
    'overlay': Image,
    'markers': MarkerArray,
    'grasp_candidates': PoseArray,
    'affordance_cloud': PointCloud2,
    'demonstration_status': DemonstrationStatus,
}
# The node and the recorder; publishing starts after both have subscribed.
_LISTENERS = 2
# Seconds between reports of progress, and after which playing counts as failed.
_TOLD_EVERY, _LONGEST_PLAYING = 3.0, 180.0


@dataclass(frozen=True)
class Result:
    """The node's results for one image.

    Attributes:
        affordance: the affordance.
        overlay: the overlay, uint8 RGB [H, W, 3].
    """

    affordance: Affordance
    overlay: NDArray[np.uint8]


@dataclass(frozen=True)
class Times:
    """Latencies of the last groundings on `/diagnostics`: medians in milliseconds.

    Attributes:
        ground: time from the converted image to its grounding.
        age: time from the stamp of the image until everything was published.
    """

    ground: float
    age: float


@dataclass
class _Arrivals:
    """Messages from the recorder; the executor's thread adds them."""

    statuses: list[DemonstrationStatus] = field(default_factory=list)
    affordances: dict[int, Affordance] = field(default_factory=dict)
    overlays: dict[int, Image] = field(default_factory=dict)
    times: list[Times] = field(default_factory=list)


class DemoGraph:
    """The running graph, for use in a `with` block.

    Args:
        folder: folder for the bag, the logs and the node's store.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.
    """

    def __init__(self, folder: Path, processes: NodeProcesses, model: str) -> None:
        self._processes = processes
        self._arrivals = _Arrivals()
        self._last_times: Times | None = None
        self._driver = GroundingDriver('demo', processes)
        self._recorder = BagRecorder(
            self._driver.node,
            folder / 'bag',
            _TOPICS,
            ('demonstration_status',),
            {
                'demonstration_status': self._arrivals.statuses.append,
                'affordance': self._affordance_arrived,
                'overlay': self._overlay_arrived,
            },
        )
        self._driver.node.create_subscription(
            DiagnosticArray, '/diagnostics', self._diagnostics_arrived, 10
        )
        parameters = {
            'store_folder': folder / 'store',
            'demonstration_qos': 'DEFAULT',
            'image_qos': 'DEFAULT',
            'diagnostics_period': 0.2,
            # A long video must not lose frames while a slow machine starts.
            'recording_queue': 240,
        }
        if model:
            parameters['model'] = model
        self._driver.start_grounding(parameters)

    def __enter__(self) -> DemoGraph:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._driver.stop_spinning()
        self._recorder.__exit__(kind, error, trace)
        self._driver.close()

    @property
    def times(self) -> tuple[Times, ...]:
        """Latencies of groundings since the last call of `ground_all`, a few per second."""
        return tuple(self._arrivals.times)

    def bring_up(self) -> None:
        """Configure and activate the node.

        Raises:
            NodeError: the node reports a failure.
        """
        self._driver.bring_up()

    def demonstrate(self, scene: DemoScene, told: Callable[[int], None]) -> Any:
        """Play and record a demonstration; return the answer of finish.

        Args:
            scene: the scene of the demonstration.
            told: called every few seconds with the number of recorded frames.

        Raises:
            NodeError: the node reports a failure, or the player fails.
        """
        self._driver.succeed('start_demonstration', name=scene.name)
        player = self._play('demonstration player', scene.demonstration, 'demonstration', 0.0)
        due = time.monotonic() + _TOLD_EVERY

        def ended() -> bool:
            nonlocal due
            if time.monotonic() >= due:
                due += _TOLD_EVERY
                told(self._recorded_frames())
            return not player.running

        self._driver.wait(ended, 'the end of the demonstration', _LONGEST_PLAYING)
        self._processes.check()
        self._wait_until_counted()
        return self._driver.succeed('finish_demonstration')

    def ground_all(self, path: Path, demonstration: str) -> list[Result]:
        """Play an image or a video as the camera; return the results, in order.

        Raises:
            NodeError: the player fails, or no result arrives.
        """
        arrivals = self._arrivals
        arrivals.affordances.clear()
        arrivals.overlays.clear()
        arrivals.times.clear()
        player = self._play('camera player', path, 'image', CAMERA_RATE)

        def complete() -> list[int]:
            return [
                stamp
                for stamp, affordance in sorted(arrivals.affordances.items())
                if stamp in arrivals.overlays and affordance.demonstration == demonstration
            ]

        self._driver.wait(lambda: complete() and not player.running, f'a grounding in {path.name}')
        # The last results and their diagnostics are still in transit.
        time.sleep(0.3)
        self._driver.wait(self._arrivals.times.__len__, 'the diagnostics')
        return [
            Result(arrivals.affordances[stamp], to_rgb(arrivals.overlays[stamp]))
            for stamp in complete()
        ]

    def _play(self, name: str, path: Path, topic: str, rate: float) -> NodeProcess:
        return self._processes.start(
            name,
            'afformer_ros.executables.player',
            {'__node': name.replace(' ', '_'), 'image': topic},
            {
                'path': path,
                'rate': rate,
                'frame_id': 'demonstrator' if topic == 'demonstration' else 'camera',
                'wait_for_subscribers': _LISTENERS,
            },
        )

    def _wait_until_counted(self) -> None:
        """Wait until the last frames in transit have been counted."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < 0.3:
            now = self._recorded_frames()
            if now != count:
                count, since = now, time.monotonic()
            time.sleep(0.02)

    def _recorded_frames(self) -> int:
        statuses = self._arrivals.statuses
        return int(statuses[-1].frames) if statuses else 0

    def _affordance_arrived(self, message: Affordance) -> None:
        self._arrivals.affordances[stamp_nanoseconds(message.header.stamp)] = message

    def _overlay_arrived(self, message: Image) -> None:
        self._arrivals.overlays[stamp_nanoseconds(message.header.stamp)] = message

    def _diagnostics_arrived(self, message: DiagnosticArray) -> None:
        values = {value.key: value.value for status in message.status for value in status.values}
        if 'ground p50 (ms)' in values:
            times = Times(float(values['ground p50 (ms)']), float(values['end to end p50 (ms)']))
            # The diagnostics repeat a grounding until the next one.
            if self._last_times != times:
                self._last_times = times
                self._arrivals.times.append(times)
