# SPDX-License-Identifier: Apache-2.0
"""Time of one camera image from its message to the messages of its result, without ROS.

Run as a module, it measures one variant in this process and prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.media import read_demonstration
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.media.images import read_image
from afformer_core.messages.image_encoding import image_message
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.offline.parallel.measured_subprocess import (
    MeasurementError,
    peak_megabytes,
    run_measurement,
)
from afformer_core.offline.reports.tables import Cell, Table
from afformer_core.outputs.outputs import OUTPUT_TYPES
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import LEAST_WEIGHT
from afformer_core.stream.pipeline import GroundingPipeline, SpatialInputs
from afformer_core.stream.settings import PipelineSettings

COLUMNS = {
    'demonstrations': 'demonstrations',
    'size': 'image',
    'decides': 'decides',
    'decode': 'ms to decode',
    'predict': 'ms in the model',
    'compose': 'ms to the affordance',
    'rest': 'ms for all other topics',
    'total': 'ms to the affordance, total',
    'images_per_second': 'images / s',
    'peak_megabytes': 'peak MB',
}
_NOTES = (
    'From the sensor_msgs/Image of the camera, without depth, to the message on the topic '
    '`affordance`: decoding, resizing, both networks, zoom stages, peaks and messages, without '
    'DDS. All other topics cost the time in their column if somebody subscribes to all of them. '
    'Medians of the runs.',
    'decides: the network with the larger weight. The zoom stages run if that is the decoder.',
)
_WARM_UP = 2
_RUNS = 15


def image_path_table(
    title: str,
    folder: Path,
    variants: Sequence[tuple[str, str]],
    threads: int,
    video: Path,
    image: Path,
    demonstrations: Sequence[int],
    sizes: Sequence[str],
) -> Table:
    """Measure each variant in its own process.

    Args:
        title: title of the model.
        folder: model folder, with the graphs that the variants need.
        variants: backends and precisions.
        threads: number of threads, at least 1.
        video: video of a demonstration.
        image: camera image.
        demonstrations: numbers of demonstrations, each at least 1.
        sizes: sizes to which the image is resized, such as '640x480'.
    """
    rows: dict[str, dict[str, Cell]] = {}
    for backend, precision in variants:
        name = f'{backend} {precision}'
        counts = ','.join(map(str, demonstrations))
        words = [str(folder), backend, precision, str(threads), str(video), str(image), counts]
        try:
            found = run_measurement(__name__, [*words, ','.join(sizes)], threads, name)
        except MeasurementError as error:
            rows[name] = {**dict.fromkeys(COLUMNS), 'decides': f'cannot: {error.reason}'}
            continue
        for times in found['times']:
            rows[f'{name}, {times["demonstrations"]}, {times["size"]}'] = times
    return Table.of(f'{title}, one camera image', COLUMNS, rows, _NOTES)


def measure_image_path(
    grounder: ArrayGrounder, video: Path, image: UInt8Array, count: int, size: tuple[int, int]
) -> dict[str, Any]:
    """Measure an image that is grounded in one demonstration or several copies of it.

    Args:
        grounder: the model.
        video: video of the demonstration.
        image: uint8 RGB [H, W, 3].
        count: number of demonstrations, at least 1.
        size: (width, height) of the camera's images.

    Returns:
        medians in milliseconds and the peak memory of the process, by the names of `COLUMNS`.
    """
    names = [str(number) for number in range(count)]
    media = read_demonstration(video, grounder.configuration.maximum_frames)
    for name in names:
        if name not in grounder.demonstrations:
            memorize_whole(media, name, grounder)
    factory = RosbagsMessages(affordance_typestore())
    stamp = factory.create('builtin_interfaces/msg/Time', sec=1, nanosec=0)
    header = factory.create('std_msgs/msg/Header', stamp=stamp, frame_id='camera')
    resized = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    message = image_message(factory, resized, 'rgb8', header)
    pipeline = GroundingPipeline(factory, SpatialInputs('', ''))
    settings = PipelineSettings()
    rows: list[list[float]] = []
    for _ in range(_WARM_UP + _RUNS):
        begin = time.monotonic()
        observed = pipeline.observe(
            message, lambda shown: grounder.predict(shown, *names), settings
        )
        composed = pipeline.compose(observed, '+'.join(names), settings)
        composed.messages.create('affordance')
        ready = time.monotonic()
        for topic in OUTPUT_TYPES:
            composed.messages.create(topic)
        parts = begin, observed.decoded, observed.predicted, ready, time.monotonic()
        rows.append([*np.diff(parts).tolist(), ready - begin])
    decode, predict, compose, rest, total = (
        1e3 * statistics.median(times) for times in zip(*rows[_WARM_UP:], strict=True)
    )
    by_decoder = observed.prediction.decoder_weight >= LEAST_WEIGHT
    return {
        'demonstrations': count,
        'size': f'{size[0]}x{size[1]}',
        'decides': 'decoder' if by_decoder else 'matching',
        'decode': decode,
        'predict': predict,
        'compose': compose,
        'rest': rest,
        'total': total,
        'images_per_second': 1e3 / total,
        'peak_megabytes': peak_megabytes(),
    }


def parse_size(text: str) -> tuple[int, int]:
    """Parse (width, height) from text such as '640x480'.

    Raises:
        ValueError: the text is not a size of at least one pixel.
    """
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f'the size is {text!r}; expected width x height, such as 640x480')
    return int(width), int(height)


def _main(words: Sequence[str]) -> dict[str, Any]:
    folder, backend, precision, threads, video, image, counts, sizes = words
    grounder = ArrayGrounder.load(folder, backend, int(threads), precision)
    shown = read_image(Path(image))
    found = [
        measure_image_path(grounder, Path(video), shown, int(count), parse_size(size))
        for count in counts.split(',')
        for size in sizes.split(',')
    ]
    return {'times': found}


if __name__ == '__main__':
    print(json.dumps(_main(sys.argv[1:])))
