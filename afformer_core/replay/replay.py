# SPDX-License-Identifier: Apache-2.0
"""The replay of a bag into a folder.

DIR/bag              rosbag2 (mcap): the recording with the node's output beside
DIR/overlay.mp4      the images under their heatmaps
DIR/groundings.csv   one line an image
DIR/report.html      for a person, on its own
DIR/summary.json     for a program
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.errors import ImageError
from afformer_core.media.bag import Bag, BagError, BagMessage
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.outputs import OUTPUT_TYPES, OutputMessages, Placement
from afformer_core.replay.annotations import Annotations
from afformer_core.replay.bag_output import BagOutput
from afformer_core.replay.contact_sheet import ContactSheet
from afformer_core.replay.depth_wait import DepthWait, ReadyMessage, StampedMessage
from afformer_core.replay.image_replayer import ImageReplayer, Predict, ReplayedImage, stamped
from afformer_core.replay.overlay_video import OverlayVideo
from afformer_core.replay.record import (
    ABSTAINED,
    FOUND,
    HELD,
    UNREADABLE,
    ImageScores,
    ReplayRecord,
)
from afformer_core.replay.report import write_report
from afformer_core.replay.scores import AnnotationScorer
from afformer_core.replay.settings import ReplaySettings, Window
from afformer_core.replay.summary import ReplaySummary, summarize
from afformer_core.replay.table import write_table
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.presence import PresenceCalibration


@dataclass(frozen=True)
class ReplayPlan:
    """What is replayed.

    Attributes:
        topics: of the bag.
        demonstration: what is selected, for a person.
        window: part of the bag whose images are grounded.
        settings: how.
        annotations: the truth, or None.
        calibration: of the model, or None.
        facts: further lines for the report.
    """

    topics: ReplayTopics
    demonstration: str
    window: Window
    settings: ReplaySettings
    annotations: Annotations | None
    calibration: PresenceCalibration | None
    facts: dict[str, str]

    def __post_init__(self) -> None:
        if not self.demonstration:
            raise BagError('a replay needs a demonstration')


def write_replay(
    bag: Bag,
    plan: ReplayPlan,
    predict: Predict,
    folder: Path,
    progress: Callable[[int], object],
) -> ReplaySummary:
    """Replay a bag.

    Args:
        bag: to be replayed.
        plan: how.
        predict: the model with the demonstration.
        folder: for the files; must exist and be empty.
        progress: called with the number of images after each.

    Raises:
        BagError: the bag has no image in the window that can be read.
    """
    replay = _Replay(bag, plan, predict, folder)
    with replay:
        for ready in replay.messages():
            replay.take(ready)
            progress(len(replay.records))
    return replay.finish()


class _Replay:
    """A replay under way; its files are open within `with`."""

    def __init__(self, bag: Bag, plan: ReplayPlan, predict: Predict, folder: Path) -> None:
        self._bag, self._plan, self._folder = bag, plan, folder
        self._typestore = affordance_typestore()
        self._factory = RosbagsMessages(self._typestore)
        self._replayer = ImageReplayer(
            bag, plan.topics, predict, plan.demonstration, plan.settings
        )
        self._scorer = AnnotationScorer()
        self._sheet = ContactSheet()
        self._notes: list[str] = []
        self._stack = ExitStack()
        self.records: list[ReplayRecord] = []

    def __enter__(self) -> _Replay:
        self._output = self._stack.enter_context(
            BagOutput(self._folder / 'bag', self._bag, self._typestore)
        )
        if self._output.left_out:
            topics = ', '.join(self._output.left_out)
            self._notes.append(
                f'Not copied, because the bag does not define their type: {topics}.'
            )
        self._video = self._stack.enter_context(OverlayVideo(self._folder / 'overlay.mp4'))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def messages(self) -> Iterator[ReadyMessage]:
        """The messages of the window, images once their depth is known."""
        topics, settings = self._plan.topics, self._plan.settings
        wait = DepthWait(
            topics.image,
            topics.depth,
            topics.camera_info,
            round(1e9 * settings.depth_tolerance),
            round(1e9 * settings.depth_wait),
        )
        start, stop = self._plan.window.nanoseconds(self._bag.start, self._bag.end)
        return wait.order(self._read(start, stop))

    def _read(self, start: int, stop: int) -> Iterator[StampedMessage]:
        stamps = (self._plan.topics.image, self._plan.topics.depth)
        try:
            for message in self._bag.messages(None, start, stop):
                known = message.topic in stamps
                yield stamped(message) if known else StampedMessage(message, None)
        except BagError as error:
            self._notes.append(f'{error} The rest was not read.')

    def take(self, ready: ReadyMessage) -> None:
        """Handle the next message."""
        message = ready.message.message
        self._output.write_input(message)
        if message.topic != self._plan.topics.image:
            return
        stamp = message.time if ready.message.stamp is None else ready.message.stamp
        try:
            replayed = self._replayer.ground(ready)
        except (BagError, ImageError) as error:
            self.records.append(_unreadable(message, stamp, str(error)))
            return
        replayed = self._write_outputs(replayed, message.time)
        self.records.append(_record(message, stamp, replayed, self._scores(replayed, stamp)))

    def _write_outputs(self, replayed: ReplayedImage, logged: int) -> ReplayedImage:
        began = time.perf_counter()
        outputs = OutputMessages(
            self._factory,
            self._plan.settings.output,
            replayed.frame,
            replayed.header,
            replayed.result,
            Placement(str(replayed.header.frame_id)),
        )
        messages = {topic: outputs.create(topic) for topic in OUTPUT_TYPES}
        for topic, message in messages.items():
            self._output.write_output(topic, message, logged)
        elapsed = 1e3 * (time.perf_counter() - began)
        overlay = to_rgb(messages['overlay'])
        self._video.add(overlay, replayed.frame.stamp)
        self._sheet.offer(overlay, replayed.frame.stamp)
        return replace(replayed, milliseconds={**replayed.milliseconds, 'messages': elapsed})

    def _scores(self, replayed: ReplayedImage, stamp: int) -> ImageScores | None:
        annotations = self._plan.annotations
        annotation = annotations.of(stamp) if annotations is not None else None
        return None if annotation is None else self._scorer.score(replayed.result, annotation)

    def finish(self) -> ReplaySummary:
        """Write what is made of all images."""
        readable = [record for record in self.records if record.state != UNREADABLE]
        if not readable:
            raise BagError(self._why_nothing())
        if self._plan.annotations is not None and not any(r.scores for r in readable):
            self._notes.append('No annotation has the stamp of an image.')
        thresholds = self._plan.settings.thresholds(self._plan.calibration)
        summary = summarize(self.records, self._plan.facts, self._notes, thresholds)
        write_table(self._folder / 'groundings.csv', self.records)
        content = json.dumps(summary.to_json(), indent=2)
        (self._folder / 'summary.json').write_text(content + '\n', encoding='utf-8')
        write_report(self._folder / 'report.html', summary, self.records, self._sheet)
        return summary

    def _why_nothing(self) -> str:
        topic = self._plan.topics.image
        if not self.records:
            notes = ' '.join(self._notes)
            return f'{self._bag.path} has no image of {topic} in this window. {notes}'.rstrip()
        return (
            f'not one of the {len(self.records)} images of {topic} can be grounded: '
            f'{self.records[0].problem}'
        )


def _unreadable(message: BagMessage, stamp: int, problem: str) -> ReplayRecord:
    return ReplayRecord(
        stamp=stamp,
        time=message.time,
        state=UNREADABLE,
        presence=None,
        confidence=0.0,
        resemblance=0.0,
        continuity=0.0,
        age=0.0,
        action='',
        peak=None,
        position=None,
        normal=None,
        restart='',
        problem=problem,
        milliseconds={},
        scores=None,
    )


def _record(
    message: BagMessage, stamp: int, replayed: ReplayedImage, scores: ImageScores | None
) -> ReplayRecord:
    result = replayed.result
    peak, surface = result.grounding.peaks[0], result.surfaces[0]
    shown = result.found
    return ReplayRecord(
        stamp=stamp,
        time=message.time,
        state=(HELD if result.held else FOUND) if shown else ABSTAINED,
        presence=result.presence,
        confidence=result.confidence,
        resemblance=result.resemblance,
        continuity=result.continuity,
        age=result.age,
        action=result.grounding.action,
        peak=(peak.u, peak.v, peak.score) if shown else None,
        position=surface.position if shown else None,
        normal=surface.normal if shown else None,
        restart=result.restart,
        problem=surface.problem if shown else '',
        milliseconds=replayed.milliseconds,
        scores=scores,
    )
