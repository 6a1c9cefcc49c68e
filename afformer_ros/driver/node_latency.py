# SPDX-License-Identifier: Apache-2.0
"""The latency of the grounding node, measured from outside over DDS and printed as JSON.

python -m afformer_ros.driver.node_latency MODEL_FOLDER onnxruntime fp32 --threads 2 --seconds 20
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from afformer_core.errors import AfformerError
from afformer_core.messages.image_encoding import image_message
from afformer_core.runtime.model_folder import read_description
from afformer_ros.driver.grounding_driver import GroundingDriver, NodeProcesses
from afformer_ros.environment import run_apart
from afformer_ros.grounding.grounding_diagnostics import status_of
from afformer_ros.msg import Affordance, DemonstrationStatus
from afformer_ros.rclpy_messages import RclpyMessages

RATE = 30.0
# Size of camera images and demonstration frames.
_WIDTH, _HEIGHT = 640, 480
# Seconds of images that are not counted, while caches are cold.
_WARM_UP = 2.0
_DEMONSTRATION = 'noise'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    options = _parser().parse_args(arguments)
    return run_apart('the measurement', lambda: print(json.dumps(_measure(options))))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m afformer_ros.driver.node_latency',
        description='Publish images of noise at 30 Hz to a grounding node in a separate process, '
        'and measure the latency of its results. With noise, the heatmap has the maximum number '
        'of published peaks.',
    )
    parser.add_argument('model', type=Path, help='model folder')
    parser.add_argument('backend', help='backend of the node')
    parser.add_argument('precision', help='precision of the node')
    parser.add_argument(
        '--threads', type=int, default=2, help='number of threads of the node (default: 2)'
    )
    parser.add_argument(
        '--seconds', type=float, default=20.0, help='duration of the measurement (default: 20)'
    )
    return parser


def _measure(options: argparse.Namespace) -> dict[str, float]:
    length = read_description(options.model).configuration.maximum_frames
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with NodeProcesses(folder) as processes:
            driver = GroundingDriver('node_latency', processes)
            try:
                watch = _Watch(driver)
                driver.start_grounding(_parameters(options, folder))
                driver.bring_up()
                watch.demonstrate(length)
                return watch.measure(options.seconds)
            finally:
                driver.close()


def _parameters(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return {
        'model': options.model,
        'backend': options.backend,
        'precision': options.precision,
        'threads': options.threads,
        'wait_for_engine': True,
        'store_folder': folder / 'store',
        'demonstration_qos': 'DEFAULT',
        'recording_queue': 240,
        'trim_demonstrations': False,
        'minimum_presence': 0.0,
        'minimum_confidence': 0.0,
        'minimum_feature_similarity': -1.0,
        'minimum_continuity': -1.0,
        'diagnostics_period': 0.5,
        'latency_window': max(1.0, options.seconds),
    }


class _Watch:
    """A publisher of images that records the age of results on arrival.

    Args:
        driver: driver of the node, before the node starts.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._ages: list[float] = []
        self._values: dict[str, str] = {}
        self._gpu_problem = ''
        self._status: Any = DemonstrationStatus()
        node = driver.node
        self._images = node.create_publisher(Image, 'image', 1)
        self._frames = node.create_publisher(Image, 'demonstration', 10)
        node.create_subscription(Affordance, 'affordance', self._see, 10)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._read, 10)
        node.create_subscription(DemonstrationStatus, 'demonstration_status', self._hear, 10)

    def demonstrate(self, length: int) -> None:
        """Record a demonstration of `length` frames of noise."""
        driver = self._driver
        driver.wait(self._frames.get_subscription_count, 'the subscription to demonstration')
        driver.succeed('start_demonstration', name=_DEMONSTRATION)
        for number in range(length):
            self._frames.publish(self._message(number))
            driver.wait(
                lambda number=number: self._status.frames > number, f'frame {number} in the status'
            )
        driver.succeed('finish_demonstration')

    def measure(self, seconds: float) -> dict[str, float]:
        """Publish images for some seconds; return the measures by name."""
        messages = [self._message(100 + number) for number in range(10)]
        self._driver.wait(self._images.get_subscription_count, 'the subscription to image')
        self._publish(messages, _WARM_UP)
        self._driver.wait(lambda: self._ages, 'the first grounding')
        self._ages.clear()
        self._publish(messages, seconds)
        ages = 1e3 * np.array(self._ages)
        # The diagnostics of the last images are still in transit.
        time.sleep(1.0)
        if self._gpu_problem:
            raise AfformerError(self._gpu_problem)
        figures = {
            'images_per_second': len(ages) / seconds,
            'milliseconds': float(np.median(ages)),
            'p95_milliseconds': float(np.percentile(ages, 95)),
        }
        for stage in ('ground', 'overhead'):
            for name in ('p50', 'p95'):
                figures[f'{stage}_{name}'] = float(self._values[f'{stage} {name} (ms)'])
        return figures

    def _publish(self, messages: Sequence[Any], seconds: float) -> None:
        begin = time.monotonic()
        for number in range(round(seconds * RATE)):
            message = messages[number % len(messages)]
            message.header.stamp = self._driver.node.get_clock().now().to_msg()
            self._images.publish(message)
            time.sleep(max(0.0, begin + (number + 1) / RATE - time.monotonic()))
            self._driver.processes.check()

    def _message(self, seed: int) -> Any:
        image = np.random.default_rng(seed).integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)
        header = Header(frame_id='camera', stamp=self._driver.node.get_clock().now().to_msg())
        return image_message(RclpyMessages(), image, 'rgb8', header)

    def _see(self, affordance: Any) -> None:
        stamp = affordance.header.stamp
        now = self._driver.node.get_clock().now().nanoseconds * 1e-9
        self._ages.append(now - stamp.sec - stamp.nanosec * 1e-9)

    def _hear(self, status: Any) -> None:
        self._status = status

    def _read(self, diagnostics: Any) -> None:
        latency, gpu = (
            status_of(diagnostics, '/grounding', component) for component in ('latency', 'gpu')
        )
        if latency is not None:
            self._values = {value.key: value.value for value in latency.values}
        # The measures of another backend must not be reported as this one's.
        if gpu is not None and gpu.level != DiagnosticStatus.OK:
            self._gpu_problem = gpu.message


if __name__ == '__main__':
    sys.exit(main())
