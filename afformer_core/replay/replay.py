# SPDX-License-Identifier: Apache-2.0
"""The replay of a bag into a folder.

DIR/bag              rosbag2 (mcap) with the recording and the output of the node
DIR/overlay.mp4      the images with their heatmaps
DIR/groundings.csv   one line per image
DIR/summary.json     the numbers, for programs
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.errors import ImageError
from afformer_core.files.provenance import provenance
from afformer_core.media.bag import Bag, BagError, BagExtract
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.outputs import OUTPUT_TYPES, OutputMessages
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.replay.annotations import BagAnnotations
from afformer_core.replay.bag_output import BagOutput
from afformer_core.replay.depth_wait import DepthWait, StampedMessage
from afformer_core.replay.overlay_video import OverlayVideo
from afformer_core.replay.recorded_transforms import RecordedTransforms
from afformer_core.replay.replayed_image import UNREADABLE, ImageScores, ReplayedImage
from afformer_core.replay.scores import score
from afformer_core.replay.summary import ReplaySummary, summarize
from afformer_core.replay.table import write_table
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.stream.pipeline import GroundingPipeline, PipelineSettings, Predict
from afformer_core.stream.spatial_inputs import SpatialInputs


@dataclass(frozen=True, kw_only=True)
class ReplayRequest:
    """A bag to replay, with its settings.

    Attributes:
        topics: topics of the bag.
        demonstration: display name of the selected demonstrations.
        window: part of the bag whose images are grounded.
        settings: settings of the pipeline; images wait for their depth for seconds of the
            recording.
        annotations: targets of the images, or None.
        calibration: calibration of the model, or None.
        facts: further lines for the summary.
        target_frame, vertical_frame: see `FramePlacements`.
    """

    topics: ReplayTopics
    demonstration: str
    window: BagExtract
    settings: PipelineSettings
    annotations: BagAnnotations | None
    calibration: PresenceCalibration | None
    facts: dict[str, str]
    target_frame: str = ''
    vertical_frame: str = ''

    def __post_init__(self) -> None:
        if not self.demonstration:
            raise BagError('a replay needs a demonstration')


def write_replay(
    bag: Bag,
    request: ReplayRequest,
    predict: Predict,
    folder: Path,
    progress: Callable[[int], object],
) -> ReplaySummary:
    """Replay a bag.

    Args:
        bag: bag to replay.
        request: settings of the replay.
        predict: function that grounds the demonstration in an image.
        folder: folder for the files, which must exist and be empty.
        progress: called with the number of images after each image.

    Raises:
        BagError: the bag has no image in the window that can be read.
    """
    replay = _Replay(bag, request, predict, folder)
    with replay:
        for stamped in replay.messages():
            replay.take(stamped)
            progress(len(replay.rows))
    return replay.finish()


class _Replay:
    """A running replay, whose files are open in a `with` statement."""

    def __init__(self, bag: Bag, request: ReplayRequest, predict: Predict, folder: Path) -> None:
        self._bag, self._request, self._folder = bag, request, folder
        self._typestore = affordance_typestore()
        topics = request.topics
        self._spatial = SpatialInputs(topics.depth, topics.camera_info, bag.decode)
        self._transforms = RecordedTransforms(
            bag.decode, request.target_frame, request.vertical_frame
        )
        self._pipeline = GroundingPipeline(
            RosbagsMessages(self._typestore), self._spatial, self._transforms.placement_of
        )
        # Images arrive here after they have waited for their depth.
        self._settings = replace(request.settings, depth_wait=0.0)
        self._predict = predict
        self._notes: list[str] = []
        self._stack = ExitStack()
        self.rows: list[ReplayedImage] = []

    def __enter__(self) -> _Replay:
        self._output = self._stack.enter_context(
            BagOutput(self._folder / 'bag', self._bag, self._typestore)
        )
        if self._output.left_out:
            topics = ', '.join(self._output.left_out)
            self._notes.append(
                f'The following topics are not copied, because the bag does not define their '
                f'types: {topics}.'
            )
        self._video = self._stack.enter_context(OverlayVideo(self._folder / 'overlay.mp4'))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def messages(self) -> Iterator[StampedMessage]:
        """Yield the messages of the window, and images when their depth is known."""
        request = self._request
        seconds = request.settings.depth_wait
        wait = DepthWait(request.topics, self._spatial, self._transforms, seconds)
        start, stop = request.window.nanoseconds(self._bag.start, self._bag.end)
        return wait.order(self._read(start, stop))

    def _read(self, start: int, stop: int) -> Iterator[StampedMessage]:
        stamps = (self._request.topics.image, self._request.topics.depth)
        try:
            self._transforms.read_before(self._bag, start)
            for message in self._bag.messages(None, start, stop):
                known = message.topic in stamps
                yield StampedMessage.of(message) if known else StampedMessage(message, None)
        except BagError as error:
            self._notes.append(f'{error} The rest was not read.')

    def take(self, stamped: StampedMessage) -> None:
        """Handle the next message."""
        message = stamped.message
        self._output.write_input(message)
        if message.topic != self._request.topics.image:
            return
        stamp = message.time if stamped.stamp is None else stamped.stamp
        began = time.monotonic()
        try:
            decoded = self._bag.decode(message)
            observed = self._pipeline.observe(decoded, self._predict, self._settings)
        except (BagError, ImageError) as error:
            self.rows.append(ReplayedImage.unreadable(stamp, message.time, str(error)))
            return
        composed = self._pipeline.compose(observed, self._request.demonstration, self._settings)
        written = self._write_outputs(composed.messages, composed.frame.stamp, message.time)
        milliseconds = {
            'decode': 1e3 * (observed.decoded - began),
            'predict': 1e3 * (observed.predicted - observed.decoded),
            'stream': 1e3 * (composed.composed - observed.predicted),
            'messages': 1e3 * (written - composed.composed),
        }
        scores = self._scores(composed.result, stamp)
        self.rows.append(ReplayedImage.of(stamp, message.time, composed, milliseconds, scores))

    def _write_outputs(self, outputs: OutputMessages, stamp: int, logged: int) -> float:
        """Write the messages of a result, given its monotonic time in the bag in seconds."""
        messages = {topic: outputs.create(topic) for topic in OUTPUT_TYPES}
        for topic, message in messages.items():
            self._output.write_output(topic, message, logged)
        written = time.monotonic()
        self._video.add(to_rgb(messages['overlay']), stamp)
        return written

    def _scores(self, result: StreamedGrounding, stamp: int) -> ImageScores | None:
        annotations = self._request.annotations
        annotation = annotations.of(stamp) if annotations is not None else None
        if annotations is None or annotation is None:
            return None
        return score(result, annotation, annotations.of(result.stamp))

    def finish(self) -> ReplaySummary:
        """Write the results of all images."""
        readable = [row for row in self.rows if row.state != UNREADABLE]
        if not readable:
            raise BagError(self._why_nothing())
        if self._request.annotations is not None and not any(r.scores for r in readable):
            self._notes.append('No annotation has the stamp of an image.')
        if self._transforms.problem:
            self._notes.append(self._transforms.problem)
        thresholds = self._request.settings.stream.thresholds(self._request.calibration)
        summary = summarize(self.rows, self._request.facts, self._notes, thresholds)
        write_table(self._folder / 'groundings.csv', self.rows)
        content = json.dumps({**summary.to_json(), 'provenance': provenance()}, indent=2)
        (self._folder / 'summary.json').write_text(content + '\n', encoding='utf-8')
        return summary

    def _why_nothing(self) -> str:
        topic = self._request.topics.image
        if not self.rows:
            notes = ' '.join(self._notes)
            return f'{self._bag.path} has no image of {topic} in this window. {notes}'.rstrip()
        return (
            f'not one of the {len(self.rows)} images of {topic} can be grounded: '
            f'{self.rows[0].problem}'
        )
