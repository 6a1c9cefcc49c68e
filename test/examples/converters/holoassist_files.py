# SPDX-License-Identifier: Apache-2.0
"""Two small recordings in the layout of HoloAssist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from afformer_core.media.video import write_video

FIRST, SECOND = 'z047-june-25-22-nespresso', 'R007-7July-nespresso'
# Ticks of 100 ns at the begin of the video, and rows each half second of 10 s.
BEGIN, ROWS = 132_000_000_000_000_000, 21
# Forward, left and up of the headset in metres, where 500 pixels are one metre at one metre.
BUTTON = (1.0, 0.1, -0.05)
BEHIND = (-1.0, 0.0, 0.0)
INTRINSICS = '500\t0\t448\t0\t500\t252\t0\t0\t1\t0\t0\t896\t504'


def event(begin: float, end: float, label: str = 'Fine grained action', **more: Any) -> Any:
    attributes = {
        'Action Correctness': 'Correct Action',
        'Verb': 'press',
        'Adjective': 'none',
        'Noun': 'button',
        **more,
    }
    return {'id': 1, 'label': label, 'start': begin, 'end': end, 'attributes': attributes}


def entry(name: str, *events: Any) -> Any:
    return {'video_name': name, 'taskType': 'nespresso', 'events': list(events)}


CONVERSATION = {'id': 7, 'label': 'Conversation', 'start': 1, 'end': 2, 'attributes': {}}
ANNOTATIONS = [
    entry(FIRST, CONVERSATION, event(6.0, 8.0), event(3.0, 4.0, Noun='lid', Verb='open')),
    entry(SECOND, event(6.0, 8.0)),
]


def hand(position: tuple[float, float, float] | None, version: int) -> str:
    """A row of joints that are all at a position; its tips of thumb and index are 2 cm apart."""
    joints = np.tile(np.eye(4), (26, 1, 1))
    if position is None:
        joints[:, :3, 3] = 0
    else:
        joints[:, :3, 3] = position
        joints[5, 0, 3] -= 0.01
        joints[10, 0, 3] += 0.01
    flags = [0.0] * (1 if version == 1 else 3)
    values = [*flags, *joints.reshape(-1), *[1.0] * 52]
    return '\t'.join(f'{value:g}' for value in values)


def write_recording(folder: Path, version: int = 1) -> None:
    """The right hand comes into view at 5.5 s; the left one is not tracked.

    From 5 s on the headset is at the origin, and before 20 cm to the left of it.
    """
    export = folder / 'Export_py'
    for name in ('Video/images_aligned', 'Hands', 'Eyes'):
        (export / name).mkdir(parents=True)
    write_video(export / 'Video_pitchshift.mp4', np.zeros((50, 48, 64, 3), np.uint8), 5.0)
    lines: dict[str, list[str]] = {'pose': [], 'left': [], 'right': [], 'eyes': []}
    for row in range(ROWS):
        seconds = row / 2
        times = f'{seconds}\t{BEGIN + row * 5_000_000}'
        pose = np.eye(4)
        pose[1, 3] = 0.0 if seconds > 5 else 0.2
        lines['pose'].append(times + '\t' + '\t'.join(f'{each:g}' for each in pose.reshape(-1)))
        right = BUTTON if seconds >= 5.5 else BEHIND
        lines['left'].append(f'{times}\t{hand(None, version)}')
        lines['right'].append(f'{times}\t{hand(right, version)}')
        lines['eyes'].append(f'{times}\t0\t0\t0\t1\t0.1\t-0.05\t1\t1')
        image = PIL.Image.new('RGB', (224, 126))
        image.save(export / f'Video/images_aligned/{row:06d}.png')
    for name, key in (
        ('Video/Pose_sync.txt', 'pose'),
        ('Hands/Left_sync.txt', 'left'),
        ('Hands/Right_sync.txt', 'right'),
        ('Eyes/Eyes_sync.txt', 'eyes'),
    ):
        (export / name).write_text('\n'.join(lines[key]) + '\n')
    (export / 'Video/VideoMp4Timing.txt').write_text(f'{BEGIN}\n{BEGIN + 100_000_000}\n')
    (export / 'Video/Intrinsics.txt').write_text(INTRINSICS)


def write_holoassist(root: Path) -> Path:
    """Write both recordings and their annotations."""
    write_recording(root / FIRST)
    write_recording(root / SECOND, version=2)
    return annotate(root, ANNOTATIONS)


def annotate(tree: Path, content: Any) -> Path:
    path = tree / 'data-annotation-trainval-v1_1.json'
    path.write_text(json.dumps(content))
    return path
