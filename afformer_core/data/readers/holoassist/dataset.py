# SPDX-License-Identifier: Apache-2.0
"""HoloAssist as demonstrations in one recording and target images of another one.

holoassist/
data-annotation-trainval-v1_1.json
z047-june-25-22-nespresso/Export_py/     a folder for each recording
Video_pitchshift.mp4
Video/Pose_sync.txt, VideoMp4Timing.txt, Intrinsics.txt
Video/images_aligned/000000.png ...    written by PyHoloAssist with --save_video
Hands/Left_sync.txt, Right_sync.txt
Eyes/Eyes_sync.txt
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.data.annotation_files import naming, read_json
from afformer_core.data.manifest.contents import Manifest, ManifestHeader
from afformer_core.data.readers.holoassist.recording import (
    VIDEO_FILE,
    HoloAssistRecording,
    Vectors,
)

# Seconds before an action that are searched for a frame without hands, and between two examined
# frames.
_BEFORE, _STEP = 8.0, 0.5
_NONE = 'none'


@dataclass(frozen=True)
class Event:
    """A fine-grained action that was done correctly.

    Attributes:
        recording: name of the recording.
        number: its number among the events of the recording.
        machine: type of the task, which names the machine.
        verb, element: action and element.
        begin, end: times in the video in seconds.

    Raises:
        ValueError: the action does not end after its start.
    """

    recording: str
    number: int
    machine: str
    verb: str
    element: str
    begin: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end:
            raise ValueError(
                f'an action goes from {self.begin} s to {self.end} s; expected a later end'
            )


@dataclass(frozen=True)
class Target:
    """Path of a frame without hands, and the pixel of a later action in it."""

    image: str
    size: tuple[int, int]
    point: Vectors


def read_holoassist(path: Path, root: Path | None = None) -> Manifest:
    """Read correct fine-grained actions, each with an image of the machine in another recording.

    The demonstration is the part of a video of an action. The target image is a frame of another
    recording of the same machine, in which the same action is later done to the same element: the
    last frame without a hand in the 8 s before that action. The position of the action is known in
    the space of that recording: between thumb and index finger of the hand nearest to the gaze,
    half-way through the action. The point is its projection into the earlier frame with the poses
    of the headset, which is valid as long as the machine does not move. Missing recordings are
    skipped. Samples are in the order of the file; several demonstrations of an action use other
    recordings in turn.

    Args:
        path: the file of annotations, a JSON list of recordings with their events.
        root: folder of the recordings; None for the folder of the file.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    events = list(_read_events(path))
    header = ManifestHeader(
        actions=tuple(sorted({event.verb for event in events})),
        source='HoloAssist',
        licence='CDLA-Permissive-2.0',
    )
    manifest = Manifest(path, path.parent if root is None else root, header)
    there = [event for event in events if (manifest.root / event.recording).is_dir()]
    if len(there) < len(events):
        manifest.left_out['recording not there'] = len(events) - len(there)
    targets: defaultdict[tuple[str, ...], list[tuple[str, Target]]] = defaultdict(list)
    for event, target in _targets(manifest.root, there):
        targets[event.machine, event.verb, event.element].append((event.recording, target))
    for event in there:
        others = [
            target
            for recording, target in targets[event.machine, event.verb, event.element]
            if recording != event.recording
        ]
        if not others:
            manifest.left_out['no image in another recording'] += 1
            continue
        target = others[event.number % len(others)]
        manifest.add(
            f'event {event.number} of {event.recording} in {path}',
            {'action': event.verb, 'points': [target.point.tolist()]},
            id=f'{event.recording}/{event.number}',
            clip=f'{event.recording}/Export_py/{VIDEO_FILE}',
            target=target.image,
            target_size=list(target.size),
            clip_seconds=[event.begin, event.end],
            object=event.machine,
        )
    return manifest


def _targets(root: Path, events: list[Event]) -> Iterator[tuple[Event, Target]]:
    opened: dict[str, HoloAssistRecording] = {}
    for event in events:
        if event.recording not in opened:
            # One at a time, because the joints of one recording are hundreds of megabytes of text.
            opened = {event.recording: HoloAssistRecording(root / event.recording)}
        target = _find_target(opened[event.recording], event)
        if target is not None:
            yield event, target


def is_holoassist(content: Any) -> bool:
    """Check whether JSON is a list of recordings with their events."""
    return (
        isinstance(content, list)
        and bool(content)
        and isinstance(content[0], dict)
        and {'video_name', 'events'} <= content[0].keys()
    )


def _read_events(path: Path) -> Iterator[Event]:
    for entry in read_json(path):
        with naming(f'{entry.get("video_name")} in {path}'):
            for number, event in enumerate(entry['events']):
                if event['label'] == 'Fine grained action':
                    yield from _read_action(entry, number, event)


def _read_action(
    entry: Mapping[str, Any], number: int, event: Mapping[str, Any]
) -> Iterator[Event]:
    attributes = event['attributes']
    verb, noun = (str(attributes.get(name, _NONE)) for name in ('Verb', 'Noun'))
    # Incorrect actions are not useful, and unnamed ones cannot be matched with others.
    if attributes.get('Action Correctness') != 'Correct Action' or _NONE in (verb, noun):
        return
    adjective = str(attributes.get('Adjective', _NONE))
    element = noun if adjective == _NONE else f'{adjective} {noun}'
    times = float(event['start']), float(event['end'])
    if times[0] < times[1]:
        yield Event(
            str(entry['video_name']), number, str(entry['taskType']), verb, element, *times
        )


def _find_target(recording: HoloAssistRecording, event: Event) -> Target | None:
    point = recording.contact(recording.row((event.begin + event.end) / 2))
    if point is None:
        return None
    for before in np.arange(_STEP, min(_BEFORE, event.begin) + _STEP / 2, _STEP):
        row = recording.row(event.begin - before)
        pixel = recording.project(point[None], row)
        if recording.in_frame(pixel).all() and not recording.shows_hand(row):
            image = f'{event.recording}/Export_py/{recording.image(row)}'
            return Target(image, recording.size, pixel[0])
    return None
