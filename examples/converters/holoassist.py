# SPDX-License-Identifier: Apache-2.0
"""Conversion of HoloAssist to a manifest.

Arrange the files as docs/research/datasets.md describes, and run::

    python examples/converters/holoassist.py holoassist holoassist.jsonl
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from afformer_core.cli.convert import write_dataset
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader

# Seconds before an action that are searched for a frame without hands, and between two of them.
_BEFORE, _STEP = 8.0, 0.5
_TICKS_PER_SECOND = 10_000_000
# The poses of a hand's joints are followed by two flags for each.
_JOINTS, _THUMB_TIP, _INDEX_TIP = 26, 5, 10
# From x forward, y left, z up to a camera's x right, y down, z forward.
_AXES = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]], float)
# Minimum distance of a point in view, metres.
_NEAREST = 0.05

Vectors = NDArray[np.float64]


class _Recording:
    """The tracked headset, hands and gaze of a recording, parsed by the row as needed."""

    def __init__(self, folder: Path) -> None:
        self._lines = {
            name: (folder / f'{name}_sync.txt').read_text().splitlines()
            for name in ('Video/Pose', 'Hands/Left', 'Hands/Right', 'Eyes/Eyes')
        }
        if len(set(map(len, self._lines.values()))) != 1:
            raise ValueError(f'{folder} has files with different numbers of rows')
        start = int((folder / 'Video/VideoMp4Timing.txt').read_text().split()[0])
        ticks = np.array([int(line.split()[1]) for line in self._lines['Video/Pose']])
        self._seconds = (ticks - start) / _TICKS_PER_SECOND
        intrinsics = np.array((folder / 'Video/Intrinsics.txt').read_text().split(), float)
        self._camera = intrinsics[:9].reshape(3, 3)
        self.size = intrinsics[-2:].astype(int).tolist()

    def row(self, seconds: float) -> int:
        """Return the number of the frame next to a time of the video."""
        return int(np.abs(self._seconds - seconds).argmin())

    def contact(self, row: int) -> Vectors | None:
        """Find the point [3] between thumb and index finger of the hand nearest to the gaze."""
        origin, direction = self._numbers('Eyes/Eyes', row)[2:8].reshape(2, 3)
        tips = [
            joints[[_THUMB_TIP, _INDEX_TIP]].mean(0)
            for joints in self._hands(row)
            if not np.isnan(joints).any()
        ]
        if not (tips and np.linalg.norm(direction) > 0):
            return None
        away = [np.linalg.norm(np.cross(tip - origin, direction)) for tip in tips]
        return np.asarray(tips[int(np.argmin(away))])

    def shows_hand(self, row: int) -> bool:
        """Check whether a tracked joint of a hand lies in a frame."""
        return any(len(self.visible(joints, row)) for joints in self._hands(row))

    def visible(self, points: Vectors, row: int) -> Vectors:
        """Project points [K, 3] into a frame: pixels (x, y) [N, 2] of those that lie in it."""
        pose = self._numbers('Video/Pose', row)[2:18].reshape(4, 4)
        inside = (points - pose[:3, 3]) @ np.linalg.inv(pose[:3, :3]).T @ _AXES.T
        inside = inside[inside[:, 2] > _NEAREST]
        pixels = (inside / inside[:, 2:] @ self._camera.T)[:, :2]
        return np.asarray(pixels[((pixels >= 0) & (pixels <= np.array(self.size) - 1)).all(1)])

    def _hands(self, row: int) -> list[Vectors]:
        """Return the joints [26, 3] of the hands; untracked ones are NaN, or at the origin."""
        poses, flags = 16 * _JOINTS, 2 * _JOINTS
        hands = [
            self._numbers(name, row)[-poses - flags : -flags].reshape(-1, 4, 4)[:, :3, 3]
            for name in ('Hands/Left', 'Hands/Right')
        ]
        return [joints for joints in hands if joints.any()]

    def _numbers(self, name: str, row: int) -> Vectors:
        return np.array(self._lines[name][row].split(), float)


class _Event(NamedTuple):
    """A fine-grained action that was done correctly; its number is that in its recording."""

    recording: str
    number: int
    machine: str
    verb: str
    element: str
    begin: float
    end: float


def main(folder: str, output: str) -> None:
    """Pair correct actions with a frame of another recording in which the same one follows."""
    root = Path(folder)
    entries = json.loads((root / 'data-annotation-trainval-v1_1.json').read_text())
    events = [event for entry in entries for event in _events(entry)]
    actions = tuple(sorted({event.verb for event in events}))
    header = ManifestHeader(actions=actions, source='HoloAssist', licence='CDLA-Permissive-2.0')
    manifest = Manifest(root, root, header)
    targets = defaultdict(list)
    there = [event for event in events if (root / event.recording).is_dir()]
    if len(there) < len(events):
        manifest.left_out['recording not there'] = len(events) - len(there)
    for name, same in groupby(there, key=lambda event: event.recording):
        # One at a time, because the joints of one recording are hundreds of megabytes of text.
        recording = _Recording(root / name / 'Export_py')
        for event in same:
            if (found := _find_target(recording, event)) is not None:
                targets[event[2:5]].append((name, recording.size, *found))
    for event in there:
        others = [target for target in targets[event[2:5]] if target[0] != event.recording]
        if not others:
            manifest.left_out['no image in another recording'] += 1
            continue
        name, size, row, pixel = others[event.number % len(others)]
        manifest.add(
            f'event {event.number} of {event.recording}',
            {'action': event.verb, 'points': [pixel.tolist()]},
            id=f'{event.recording}/{event.number}',
            clip=f'{event.recording}/Export_py/Video_pitchshift.mp4',
            target=f'{name}/Export_py/Video/images_aligned/{row:06d}.png',
            target_size=size,
            clip_seconds=[event.begin, event.end],
            object=event.machine,
        )
    write_dataset(AnnotatedDataset(manifest), Path(output))


def _events(entry: dict[str, Any]) -> Iterator[_Event]:
    for number, event in enumerate(entry['events']):
        values = {**dict.fromkeys(('Verb', 'Adjective', 'Noun'), 'none'), **event['attributes']}
        element = f'{values["Adjective"]} {values["Noun"]}'.removeprefix('none ')
        # Incorrect actions are not useful, and unnamed ones cannot be matched with others.
        if (
            event['label'] == 'Fine grained action'
            and values.get('Action Correctness') == 'Correct Action'
            and 'none' not in (values['Verb'], values['Noun'])
            and event['start'] < event['end']
        ):
            machine, verb = entry['taskType'], values['Verb']
            times = float(event['start']), float(event['end'])
            yield _Event(entry['video_name'], number, machine, verb, element, *times)


def _find_target(recording: _Recording, event: _Event) -> tuple[int, Vectors] | None:
    """Find the last frame without hands before an action, and the pixel of the action in it."""
    point = recording.contact(recording.row((event.begin + event.end) / 2))
    if point is not None:
        for before in np.arange(_STEP, min(_BEFORE, event.begin) + _STEP / 2, _STEP):
            row = recording.row(event.begin - before)
            pixels = recording.visible(point[None], row)
            if len(pixels) and not recording.shows_hand(row):
                return row, pixels[0]
    return None


if __name__ == '__main__':
    main(*sys.argv[1:])
