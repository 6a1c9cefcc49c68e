# SPDX-License-Identifier: Apache-2.0
"""The replay of a bag into a folder.

DIR/overlay.mp4      the images with their heatmaps
DIR/groundings.csv   one line per image
DIR/summary.json     the numbers, for programs
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError, ImageError
from afformer_core.files.provenance import provenance
from afformer_core.media.bag import Bag, BagError, BagExtract, BagMessage
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.grounding_overlay import draw_grounding
from afformer_core.replay.annotations import BagAnnotations
from afformer_core.replay.depth_wait import images_with_depth
from afformer_core.replay.overlay_video import OverlayVideo
from afformer_core.replay.replayed_image import UNREADABLE, ReplayedImage, write_table
from afformer_core.replay.summary import summarize
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.stream.pipeline import GroundingPipeline, Predict
from afformer_core.stream.settings import PipelineSettings
from afformer_core.stream.spatial_inputs import SpatialInputs


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
    topics = request.topics
    spatial = SpatialInputs(
        topics.depth, topics.camera_info, bag.decode, rectified=request.rectified
    )
    pipeline = GroundingPipeline(RosbagsMessages(affordance_typestore()), spatial)
    # Images arrive here after they have waited for their depth.
    settings = replace(request.settings, depth_wait=0.0)
    notes: list[str] = []
    rows: list[ReplayedImage] = []
    messages = images_with_depth(_read(bag, request, notes), topics, spatial, request.depth_wait)
    with OverlayVideo(folder / 'overlay.mp4') as video:
        for message, header_stamp in messages:
            stamp = message.time if header_stamp is None else header_stamp
            began = time.monotonic()
            try:
                observed = pipeline.observe(bag.decode(message), predict, settings)
            except (BagError, ImageError) as error:
                rows.append(ReplayedImage(stamp=stamp, state=UNREADABLE, problem=str(error)))
            else:
                composed = pipeline.compose(observed, request.demonstration, settings)
                times = (began, observed.decoded, observed.predicted, composed.composed)
                stages = [1e3 * (end - begin) for begin, end in pairwise(times)]
                rows.append(ReplayedImage.of(stamp, composed.result, stages, request.annotations))
                opacity = settings.overlay_opacity
                drawn = draw_grounding(composed.frame.image, composed.result, opacity)
                video.add(drawn, composed.frame.stamp)
            progress(len(rows))
    readable = [row for row in rows if row.state != UNREADABLE]
    if not readable:
        raise BagError(_why_nothing(bag, topics.image, rows, notes))
    annotations = request.annotations
    if annotations is not None and not any(annotations.of(row.stamp) for row in readable):
        notes.append('No annotation has the stamp of an image.')
    thresholds = settings.thresholds(request.calibration)
    summary = summarize(rows, request.facts, notes, thresholds)
    write_table(folder / 'groundings.csv', rows)
    content = json.dumps({**summary, 'provenance': provenance()}, indent=2)
    (folder / 'summary.json').write_text(content + '\n', encoding='utf-8')
    return summary


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
    return f'not one of the {len(rows)} images of {topic} can be grounded: {rows[0].problem}'


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
