# SPDX-License-Identifier: Apache-2.0
"""One recording of HoloAssist: poses of the headset's camera, joints of hands, and gaze."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.annotation_files import naming, read_text
from afformer_core.errors import DatasetError

VIDEO_FILE = 'Video_pitchshift.mp4'

_TICKS_PER_SECOND = 10_000_000
_JOINTS = 26
# Joints are 4x4 poses, followed by two flags for each.
_POSES, _FLAGS = 16 * _JOINTS, 2 * _JOINTS
_THUMB_TIP, _INDEX_TIP = 5, 10
# From x forward, y left, z up to a camera's x right, y down, z forward.
_AXES = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]], float)
# Minimum distance of a point in view, metres.
_NEAREST = 0.05

Vectors = NDArray[np.float64]


class HoloAssistRecording:
    """The files of `Export_py` in the folder of a recording.

    Rows of `Video/Pose_sync.txt` are frames, whose times apply to all other files ending in
    `_sync.txt`. They are parsed on demand, because a line of joints has about 470 numbers.

    Args:
        folder: folder of the recording.

    Attributes:
        size: (width, height) of the frames.

    Raises:
        DatasetError: a file is missing or malformed, or two files have different numbers of rows.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / 'Export_py'
        self._read: dict[str, list[str]] = {}
        timing = self.folder / 'Video/VideoMp4Timing.txt'
        with naming(str(timing)):
            start = int(read_text(timing).split()[0])
        poses = self._rows('Video/Pose_sync.txt', 18)
        ticks = np.array([int(row.split('\t')[1]) for row in self._lines('Video/Pose_sync.txt')])
        self._seconds = (ticks - start) / _TICKS_PER_SECOND
        self._poses = poses[:, 2:].reshape(-1, 4, 4)
        self._intrinsics, self.size = self._read_intrinsics()
        for name in ('Hands/Left_sync.txt', 'Hands/Right_sync.txt', 'Eyes/Eyes_sync.txt'):
            if len(self._lines(name)) != len(self._poses):
                raise DatasetError(
                    f'{self.folder / name} has {len(self._lines(name))} rows; expected '
                    f'{len(self._poses)} as Pose_sync.txt'
                )

    def row(self, seconds: float) -> int:
        """Return the number of the frame next to a time of the video."""
        return int(np.abs(self._seconds - seconds).argmin())

    def image(self, row: int) -> str:
        """Return the path of a frame in the folder, as PyHoloAssist writes it."""
        return f'Video/images_aligned/{row:06d}.png'

    def contact(self, row: int) -> Vectors | None:
        """Find the point between thumb and index finger of the hand nearest to the gaze.

        Returns:
            point in the recording's space, [3] in metres; None if no hand or gaze is tracked.
        """
        gaze = self._gaze(row)
        tips = [
            joints[[_THUMB_TIP, _INDEX_TIP]].mean(0)
            for joints in self._hands(row)
            if not np.isnan(joints).any()
        ]
        if gaze is None or not tips:
            return None
        origin, direction = gaze
        away = [np.linalg.norm(np.cross(tip - origin, direction)) for tip in tips]
        return np.asarray(tips[int(np.argmin(away))])

    def shows_hand(self, row: int) -> bool:
        """Check whether a tracked joint of a hand lies in a frame."""
        joints = np.concatenate(self._hands(row))
        return bool(self.in_frame(self.project(joints[~np.isnan(joints).any(1)], row)).any())

    def project(self, points: Vectors, row: int) -> Vectors:
        """Project points [K, 3] of the recording's space into a frame: [K, 2] (x, y) pixels.

        Points behind the camera are NaN.
        """
        pose = self._poses[row]
        inside = (points - pose[:3, 3]) @ np.linalg.inv(pose[:3, :3]).T @ _AXES.T
        depth = np.where(inside[:, 2:] > _NEAREST, inside[:, 2:], np.nan)
        return np.asarray((inside / depth @ self._intrinsics.T)[:, :2])

    def in_frame(self, pixels: Vectors) -> NDArray[np.bool_]:
        """Check which pixels [K, 2] lie in a frame; bool [K]."""
        return np.asarray(((pixels >= 0) & (pixels <= np.array(self.size) - 1)).all(1))

    def _hands(self, row: int) -> tuple[Vectors, Vectors]:
        left, right = (
            self._numbers(f'Hands/{side}_sync.txt', row)[-_POSES - _FLAGS : -_FLAGS]
            for side in ('Left', 'Right')
        )
        return _positions(left), _positions(right)

    def _gaze(self, row: int) -> tuple[Vectors, Vectors] | None:
        values = self._numbers('Eyes/Eyes_sync.txt', row)[2:8]
        length = np.linalg.norm(values[3:])
        if len(values) < 6 or not length > 0:
            return None
        return values[:3], values[3:] / length

    def _numbers(self, name: str, row: int) -> Vectors:
        line = self._lines(name)[row]
        with naming(f'line {row + 1} of {self.folder / name}'):
            values = np.array([float(number) for number in line.split('\t') if number.strip()])
            least = _POSES + _FLAGS + 2 if name.startswith('Hands') else 8
            if len(values) < least:
                raise ValueError(f'it has {len(values)} numbers; expected at least {least}')
        return values

    def _rows(self, name: str, count: int) -> Vectors:
        rows = [self._numbers(name, row)[:count] for row in range(len(self._lines(name)))]
        if not rows or min(map(len, rows)) < count:
            raise DatasetError(f'{self.folder / name} has rows with fewer than {count} numbers')
        return np.stack(rows)

    def _read_intrinsics(self) -> tuple[Vectors, tuple[int, int]]:
        path = self.folder / 'Video/Intrinsics.txt'
        with naming(str(path)):
            values = [float(number) for number in read_text(path).split()]
            if len(values) < 11:
                raise ValueError(f'it has {len(values)} numbers; expected at least 11')
        return np.array(values[:9]).reshape(3, 3), (int(values[-2]), int(values[-1]))

    def _lines(self, name: str) -> list[str]:
        if name not in self._read:
            text = read_text(self.folder / name)
            self._read[name] = [line for line in text.split('\n') if line.strip()]
        return self._read[name]


def _positions(joints: Vectors) -> Vectors:
    """Return the positions [26, 3] in poses [26 * 16]; NaN where a hand is not tracked."""
    positions = joints.reshape(_JOINTS, 4, 4)[:, :3, 3]
    # Untracked joints are NaN, or at the origin.
    return np.where(positions.any(), positions, np.nan)
