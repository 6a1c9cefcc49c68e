# SPDX-License-Identifier: Apache-2.0
"""Two small sequences in the layout of HO-Cap."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

FIRST, SECOND = 'subject_1/20231025_165502', 'subject_2/20231022_190534'
# Serial numbers of cameras; YAML takes the first one for octal.
TILTED, TURNED = '037522251142', '046122250168'
# Rows of the rotation and the position in the space of the marker, then fx, fy, ppx and ppy.
CAMERAS = {
    TILTED: ([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]], [0.05, 0.25, -0.9], (90, 95, 33, 21)),
    TURNED: ([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]], [-0.1, 0.1, -1.1], (80, 85, 30, 25)),
}
# The marker in the space of the master camera.
TAG = [[0.6, 0, 0.8, 0.3], [0, 1, 0, -0.1], [-0.8, 0, 0.6, 0.2], [0, 0, 0, 1]]
DEPTH = {
    (FIRST, TILTED): 980,
    (FIRST, TURNED): 1157,
    (SECOND, TILTED): 1020,
    (SECOND, TURNED): 1203,
}
REST = np.array([0.4, 0.3, 0.1])
RIGHT_HAND, LEFT_HAND = 0, 1

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """The object G01_1 in a sequence, which moves by 11 mm in each frame after `begin`."""

    frames: int
    begin: int
    position: tuple[float, float, float]
    quaternion: tuple[float, float, float, float]
    direction: tuple[float, float, float]
    contact: tuple[float, float, float]
    hand: int
    # Its quaternion 10 frames after the begin, and how far it moves.
    turned: tuple[float, float, float, float] = (0.4, 0.2, 0.8, 0.4)
    travel: float = 9.0

    def pose(self, frame: int) -> Vector:
        """Quaternion and position."""
        away = min(0.011 * max(0, frame - self.begin), self.travel)
        quaternion = self.quaternion if frame < self.begin + 10 else self.turned
        return np.array([*quaternion, *(self.position + away * np.array(self.direction))])

    def grip(self, frame: int) -> Vector:
        """The point that the hand holds."""
        x, y, z, w, *position = self.pose(frame)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return np.asarray(rotation @ self.contact + position)

    @property
    def held(self) -> range:
        """Frames of which labels are needed: the object has moved by 33 mm in the first one."""
        return range(self.begin + 3, min(self.begin + 34, self.frames), 10)


MOTIONS = {
    FIRST: Motion(
        frames=106,
        begin=70,
        position=(0.1, 0.02, 0.05),
        quaternion=(0.2, 0.4, 0.4, 0.8),
        direction=(0.6, 0, -0.8),
        contact=(0.03, -0.02, 0.01),
        hand=RIGHT_HAND,
    ),
    SECOND: Motion(
        frames=46,
        begin=11,
        position=(-0.06, 0.05, 0.1),
        quaternion=(0.8, 0.2, 0.4, 0.4),
        direction=(0.8, -0.6, 0),
        contact=(-0.01, 0.03, 0.02),
        hand=LEFT_HAND,
    ),
}


def write_hocap(root: Path) -> Path:
    """Write sequences of one object, each with the images of its first frame.

    The first sequence has another object, which stays in its position.
    """
    for serial, (_, _, intrinsics) in CAMERAS.items():
        write_intrinsics(root, serial, intrinsics)
    transforms = [f'  tag_1: {rows(np.array(TAG))}']
    for serial, (rotation, position, _) in CAMERAS.items():
        pose = np.vstack([np.column_stack([rotation, position]), [0, 0, 0, 1]])
        transforms.append(f'  {serial}: {rows(TAG @ pose)}')
    extrinsics = root / 'calibration/extrinsics/extrinsics_20231014.yaml'
    extrinsics.parent.mkdir()
    extrinsics.write_text('\n'.join([f'rs_master: {TURNED}', 'extrinsics:', *transforms]))
    for name, motion in MOTIONS.items():
        for serial in CAMERAS:
            write_images(root, name, serial, 1, DEPTH[name, serial])
        write_motion(root, name, motion)
    return root


def rows(transform: Vector) -> list[float]:
    return [round(float(value), 9) for value in transform[:3].reshape(-1)]


def write_intrinsics(root: Path, serial: str, values: tuple[float, ...]) -> None:
    path = root / f'calibration/intrinsics/{serial}.yaml'
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = dict(zip(('fx', 'fy', 'ppx', 'ppy'), values, strict=True))
    path.write_text(f'serial: {serial}\ncolor: {colour}\n'.replace("'", ''))


def write_images(root: Path, name: str, serial: str, frames: int, depth: int) -> None:
    """Write the images of a camera, whose depths are millimetres."""
    folder = root / name / serial
    folder.mkdir(parents=True, exist_ok=True)
    colour, distance = io.BytesIO(), io.BytesIO()
    PIL.Image.new('RGB', (64, 48)).save(colour, 'JPEG')
    PIL.Image.fromarray(np.full((48, 64), depth, np.uint16)).save(distance, 'PNG')
    for frame in range(frames):
        (folder / f'color_{frame:06d}.jpg').write_bytes(colour.getvalue())
        (folder / f'depth_{frame:06d}.png').write_bytes(distance.getvalue())


def write_motion(
    root: Path, name: str, motion: Motion, grip: Callable[[int], Vector] | None = None
) -> None:
    """Write the poses of a sequence and the labels of the hand that holds the object.

    The first camera of the first sequence lacks that hand; the other one rests in that sequence.
    """
    folder = root / name
    named = 'extrinsics: extrinsics_20231014.yaml\n' if name == FIRST else ''
    objects = ['G01_3', 'G01_1'] if name == FIRST else ['G01_1']
    (folder / 'meta.yaml').write_text(
        f'subject_id: {folder.parent.name}\ntask_id: 1\nnum_frames: {motion.frames}\n'
        f'object_ids: [{", ".join(objects)}]\nmano_sides: [right]\n{named}'
        f'realsense:\n  width: 64\n  height: 48\n  serials: [{TILTED}, {TURNED}]\n'
    )
    moving = [motion.pose(frame) for frame in range(motion.frames)]
    resting = [[0.4, 0.4, 0.2, 0.8, 0, -0.1, 0.15]] * motion.frames
    poses = [resting, moving] if name == FIRST else [moving]
    np.save(folder / 'poses_o.npy', np.array(poses, np.float32))
    for frame in motion.held:
        for serial in CAMERAS:
            points: list[Vector | None] = [None, None]
            if (name, serial) != (FIRST, TILTED):
                points[motion.hand] = (grip or motion.grip)(frame)
            if name == FIRST:
                points[1 - motion.hand] = REST
            write_label(folder / serial / f'label_{frame:06d}.npz', serial, points)


def write_label(path: Path, serial: str, points: list[Vector | None]) -> None:
    """Write hands whose tips of thumb and index are 4 cm apart, and other joints elsewhere."""
    rotation, position, (fx, fy, cx, cy) = CAMERAS[serial]
    joints = np.full((2, 21, 3), -1.0)
    for hand, point in enumerate(points):
        if point is not None:
            joints[hand] = (point - position) @ np.array(rotation)
            joints[hand] += 0.3
            joints[hand, (4, 8)] -= 0.3
            joints[hand, (4, 8), 1] += (0.02, -0.02)
    np.savez(
        path,
        cam_K=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float32),
        hand_joints_3d=joints.astype(np.float32),
        hand_joints_2d=np.full((2, 21, 2), -1),
        seg_mask=np.zeros((48, 64), np.uint8),
    )
