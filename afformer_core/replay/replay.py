# SPDX-License-Identifier: Apache-2.0
"""The replay of a bag into a folder.

DIR/overlay.mp4      the images with their heatmaps
DIR/groundings.csv   one line per image
DIR/summary.json     the numbers, for programs
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError, ImageError
from afformer_core.files.provenance import provenance
from afformer_core.media.bag import Bag, BagError, BagExtract, BagMessage
from afformer_core.media.images import shrink_to
from afformer_core.media.video import encode_video
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.outputs import draw_grounding
from afformer_core.replay.annotations import BagAnnotations
from afformer_core.replay.replayed_image import (
    FOUND,
    SCORES,
    STAGES,
    UNREADABLE,
    ReplayedImage,
    replayed_image,
    write_table,
)
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.stream.pipeline import GroundingPipeline, Predict, SpatialInputs
from afformer_core.stream.settings import PipelineSettings

# Constant rate factor of the video.
_QUALITY = 20


@dataclass(frozen=True, kw_only=True)
class ReplayRequest:
    """A bag to replay, with its settings.

    Attributes:
        topics: topics of the bag.
        demonstration: display name of the selected demonstrations.
        window: part of the bag whose images are grounded.
        settings: settings of the pipeline.
        annotations: targets of the images, or None.
        calibration: calibration of the model, or None.
        facts: further lines for the summary.
        rectified: whether the images are rectified.
        depth_wait: maximum seconds of the recording to read ahead for the depth of an image, 0 to
            10.
    """

    topics: ReplayTopics
    demonstration: str
    window: BagExtract
    settings: PipelineSettings
    annotations: BagAnnotations | None
    calibration: PresenceCalibration | None
    facts: dict[str, str]
    rectified: bool = False
    depth_wait: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.depth_wait <= 10:
            raise BagError(f'depth_wait is {self.depth_wait}; expected 0 to 10 seconds')
        if not self.demonstration:
            raise BagError('a replay needs a demonstration')


def write_replay(
    bag: Bag,
    request: ReplayRequest,
    predict: Predict,
    folder: Path,
    progress: Callable[[int], object],
) -> dict[str, Any]:
    """Replay a bag, and return the summary of the results (see `summarize`).

    Args:
        bag: bag to replay.
        request: settings of the replay.
        predict: function that grounds the demonstration in an image.
        folder: folder for the files, which must exist and be empty.
        progress: called with the number of images after each image.

    Raises:
        BagError: the bag has no image in the window that can be read.
    """
    notes: list[str] = []
    rows: list[ReplayedImage] = []
    drawn = _grounded(bag, request, predict, rows, notes, progress)
    rate = 1e9 * bag.count(request.topics.image) / max(bag.end - bag.start, 1)
    encode_video(folder / 'overlay.mp4', drawn, min(max(rate, 1.0), 60.0), _QUALITY)
    annotations = request.annotations
    if annotations is not None and not any(annotations.of(row['stamp']) for row in rows):
        notes.append('No annotation has the stamp of an image.')
    thresholds = request.settings.thresholds(request.calibration)
    summary = summarize(rows, request.facts, notes, thresholds)
    write_table(folder / 'groundings.csv', rows)
    content = json.dumps({**summary, 'provenance': provenance()}, indent=2)
    (folder / 'summary.json').write_text(content + '\n', encoding='utf-8')
    return summary


def _grounded(
    bag: Bag,
    request: ReplayRequest,
    predict: Predict,
    rows: list[ReplayedImage],
    notes: list[str],
    progress: Callable[[int], object],
) -> Iterator[NDArray[np.uint8]]:
    """Ground all images, add their rows, and yield the overlays of those that can be read.

    Raises:
        BagError: at the end: no image can be read.
    """
    topics = request.topics
    spatial = SpatialInputs(
        topics.depth, topics.camera_info, bag.decode, rectified=request.rectified
    )
    pipeline = GroundingPipeline(RosbagsMessages(affordance_typestore()), spatial)
    # Images arrive here after they have waited for their depth.
    settings = replace(request.settings, depth_wait=0.0)
    messages = images_with_depth(_read(bag, request, notes), topics, spatial, request.depth_wait)
    size: tuple[int, int] | None = None
    for message, header_stamp in messages:
        stamp = message.time if header_stamp is None else header_stamp
        began = time.monotonic()
        try:
            observed = pipeline.observe(bag.decode(message), predict, settings)
        except (BagError, ImageError) as error:
            rows.append({'stamp': stamp, 'state': UNREADABLE, 'problem': str(error)})
            progress(len(rows))
            continue
        composed = pipeline.compose(observed, request.demonstration, settings)
        times = (began, observed.decoded, observed.predicted, composed.composed)
        stages = [1e3 * (end - begin) for begin, end in pairwise(times)]
        rows.append(replayed_image(stamp, composed.result, stages, request.annotations))
        overlay = draw_grounding(composed.frame.image, composed.result, settings.overlay_opacity)
        height, width = overlay.shape[:2]
        size = size or (height + height % 2, width + width % 2)
        yield _fitted(overlay, size)
        progress(len(rows))
    if size is None:
        raise BagError(_why_nothing(bag, topics.image, rows, notes))


def _fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Shrink an image [H, W, 3] to fit into (height, width), and put it on black."""
    height, width = size
    scale = min(1.0, height / image.shape[0], width / image.shape[1])
    if scale < 1:
        image = shrink_to(image, int(scale * max(image.shape)))
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas


def _read(bag: Bag, request: ReplayRequest, notes: list[str]) -> Iterator[BagMessage]:
    """Yield the messages of the window up to damage, of which a note is made."""
    topics = (request.topics.image, request.topics.depth, request.topics.camera_info)
    try:
        yield from bag.messages(topics, *request.window.nanoseconds(bag.start, bag.end))
    except BagError as error:
        notes.append(f'{error} The rest was not read.')


def _why_nothing(bag: Bag, topic: str, rows: list[ReplayedImage], notes: list[str]) -> str:
    if not rows:
        return f'{bag.path} has no image of {topic} in this window. {" ".join(notes)}'.rstrip()
    return f'not one of the {len(rows)} images of {topic} can be grounded: {rows[0]["problem"]}'


@contextmanager
def result_folder(folder: Path) -> Iterator[Path]:
    """Open a temporary folder beside `folder`, which is renamed to it on success.

    Raises:
        DatasetError: the folder exists and is not empty.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DatasetError(f'{folder} exists; choose another folder')
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    aside.mkdir()
    try:
        yield aside
        # Fails if another folder with contents has appeared in the meantime.
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


_HEADER = {0: struct.Struct('>iI'), 1: struct.Struct('<iI')}
_ENCAPSULATION = 4


def header_stamp(message: BagMessage) -> int | None:
    """Read the stamp at the beginning of a message, nanoseconds; None if it is too short."""
    data = message.data
    layout = _HEADER.get(data[1]) if len(data) > 1 else None
    if layout is None or len(data) < _ENCAPSULATION + layout.size:
        return None
    seconds, nanoseconds = layout.unpack_from(data, _ENCAPSULATION)
    return int(seconds * 10**9 + nanoseconds)


def images_with_depth(
    messages: Iterable[BagMessage], topics: ReplayTopics, spatial: SpatialInputs, seconds: float
) -> Iterator[tuple[BagMessage, int | None]]:
    """Yield the images in order, with the stamps of their headers, once their depth is known.

    Depth and calibrations are added to the buffers as they are read, as on a robot.

    Args:
        messages: messages of the bag.
        topics: topics of the bag.
        spatial: buffers of depth and calibrations. The depth of an image is kept until the next
            one is requested.
        seconds: maximum seconds of the recording to read ahead.
    """
    # Each with the object that keeps its depth.
    waiting: deque[tuple[BagMessage, int | None, object]] = deque()
    for message in messages:
        stamp = header_stamp(message)
        if message.topic == topics.depth and stamp is not None:
            spatial.add_depth(stamp, message)
        if message.topic == topics.camera_info:
            spatial.add_camera_info(message)
        # One topic may be both.
        if message.topic == topics.image:
            expected = None if stamp is None else spatial.expect(stamp)
            waiting.append((message, stamp, expected))
        while waiting:
            image, stamp, _ = waiting[0]
            waited = message.time - image.time >= round(1e9 * seconds)
            if not (stamp is None or waited or spatial.complete(stamp)):
                break
            yield image, stamp
            waiting.popleft()
    while waiting:
        yield waiting[0][:2]
        waiting.popleft()


_NUMBER = re.compile(r'\d+(?:\.\d+)?(?:e[+-]?\d+)?')


def summarize(
    rows: Sequence[ReplayedImage],
    facts: Mapping[str, str],
    notes: Sequence[str],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """Compute the numbers of a replay, the content of `summary.json`.

    Args:
        rows: records of all its images.
        facts: description of the recording by name.
        notes: problems of the bag as a whole.
        thresholds: see `StreamSettings.thresholds`.

    Returns:
        JSON types: `facts`; `images`, and how many in each of `states` and with a position
        (`positions`); `thresholds`; the distributions (see `distribution`) of `presence`,
        `confidence` and `distance_m` (along the optical axis) of the found ones, of
        `jitter_pixels` (see `jitter`), of the `milliseconds` of each stage and of their `total`,
        and of the `scores` against the annotations; `inside_outline`, the share of the best peaks
        inside their outline; `problems`, the most frequent first, of which those that differ only
        in numbers count as one; and `notes`. Unknown distributions are None or left out.
    """
    found = [row for row in rows if row.get('u') is not None]
    stages = {stage: [row.get(stage) for row in rows] for stage in STAGES}
    stages['total'] = [
        None if row['state'] == UNREADABLE else sum(row[stage] for stage in STAGES) for row in rows
    ]
    scores = {name: [row.get(name) for row in rows] for name in SCORES}
    inside = [value for value in scores.pop('inside') if value is not None]
    return {
        'facts': dict(facts),
        'images': len(rows),
        'states': dict(Counter(row['state'] for row in rows)),
        'positions': sum(row.get('z') is not None for row in found),
        'thresholds': dict(thresholds),
        'presence': distribution(row['presence'] for row in found),
        'confidence': distribution(row['confidence'] for row in found),
        'distance_m': distribution(row.get('z') for row in found),
        'jitter_pixels': distribution(jitter(rows)),
        'milliseconds': _distributions(
            {stage.removesuffix('_ms'): values for stage, values in stages.items()}
        ),
        'scores': _distributions(scores),
        'inside_outline': sum(inside) / len(inside) if inside else None,
        'problems': _problems(row.get('problem', '') for row in rows),
        'notes': list(notes),
    }


def distribution(values: Iterable[float | None]) -> dict[str, float] | None:
    """Describe the values that are known and finite; None if there is none."""
    known = np.array([v for v in values if v is not None and math.isfinite(v)])
    if not len(known):
        return None
    median, p95 = np.percentile(known, [50, 95])
    return {
        'count': len(known),
        'median': float(median),
        'p95': float(p95),
        'mean': float(known.mean()),
        'maximum': float(known.max()),
    }


def jitter(rows: Sequence[ReplayedImage]) -> list[float]:
    """Measure the pixels from the best peak of each image to the one before.

    Images count if both peaks were found in their own images, and the earlier one was used.
    """
    distances = []
    for before, now in pairwise(rows):
        if before['state'] == now['state'] == FOUND and not now['restart']:
            peaks = ((row['u'], row['v']) for row in (before, now))
            distances.append(math.dist(*peaks))
    return distances


def _distributions(values: Mapping[str, Iterable[float | None]]) -> dict[str, Any]:
    described = {name: distribution(numbers) for name, numbers in values.items()}
    return {name: numbers for name, numbers in described.items() if numbers is not None}


def _problems(sentences: Iterable[str]) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for sentence in filter(None, sentences):
        kind = _NUMBER.sub('#', sentence)
        counts[kind] += 1
        examples.setdefault(kind, sentence)
    return [{'example': examples[kind], 'count': count} for kind, count in counts.most_common()]
