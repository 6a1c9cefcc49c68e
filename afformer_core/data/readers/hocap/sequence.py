# SPDX-License-Identifier: Apache-2.0
"""Sequences of HO-Cap: their cameras, the poses of objects, and the joints of hands."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import yaml
from numpy.typing import NDArray

from afformer_core.data.annotation_files import naming, read_text
from afformer_core.errors import DatasetError

META_FILE = 'meta.yaml'

# Of a hand's 21 joints, and the coordinates of joints that are not annotated.
_THUMB_TIP, _INDEX_TIP, _MISSING = 4, 8, -1
# Minimum distance of a point in view, and maximum one of a point to the surface before or behind
# it: a contact lies between two fingers, inside of the object. Metres.
_NEAREST, _SURFACE = 0.05, 0.05
# Poses that are not known have no unit quaternion.
_UNIT = 0.01

Vectors = NDArray[np.float64]


class HoCapSequence:
    """The annotations of a sequence, and the calibration of its cameras.

    Positions are in metres in the space of a marker on the table, `tag_1`, if not said otherwise.
    Annotations of frames are read on demand.

    Args:
        calibration: folder of `extrinsics` and `intrinsics`.
        folder: folder of the sequence, in that of its subject.

    Attributes:
        name: its path, `subject_1/20231025_165502`.
        frames: number of frames.
        objects: names of the objects.
        cameras: serial numbers of the cameras whose folders exist.
        size: (width, height) of the images.
        positions: of the objects, [objects, frames, 3]; NaN where not tracked.

    Raises:
        DatasetError: a file is missing or malformed.
    """

    def __init__(self, calibration: Path, folder: Path) -> None:
        self.folder = folder
        self.name = f'{folder.parent.name}/{folder.name}'
        meta = _read_yaml(folder / META_FILE)
        with naming(str(folder / META_FILE)):
            self.frames = int(meta['num_frames'])
            self.objects = tuple(str(name) for name in meta['object_ids'])
            device = meta['realsense']
            self.size = int(device['width']), int(device['height'])
            serials = tuple(str(serial) for serial in device['serials'])
            extrinsics = meta.get('extrinsics')
        self.cameras = tuple(serial for serial in serials if (folder / serial).is_dir())
        self.positions, self._rotations = self._read_poses()
        self._camera_poses = self._read_camera_poses(
            _extrinsics(calibration / 'extrinsics', extrinsics)
        )
        self._intrinsics = {
            serial: _read_intrinsics(calibration / 'intrinsics' / f'{serial}.yaml')
            for serial in self.cameras
        }

    def from_object(self, number: int, frame: int, points: Vectors) -> Vectors:
        """Transform points [K, 3] from the space of an object in a frame; NaN if not tracked."""
        return np.asarray(
            points @ self._rotations[number, frame].T + self.positions[number, frame]
        )

    def to_object(self, number: int, frame: int, points: Vectors) -> Vectors:
        """Transform points [K, 3] to the space of an object in a frame; NaN if not tracked."""
        return np.asarray(
            (points - self.positions[number, frame]) @ self._rotations[number, frame]
        )

    def grips(self, frame: int) -> Vectors:
        """Return the points between the tips of thumb and index finger of both hands.

        Returns:
            points [2, 3] of the right and of the left hand; NaN for one that is not annotated.

        Raises:
            DatasetError: no camera has the labels of the frame, or they are malformed.
        """
        grips = np.full((2, 3), np.nan)
        labels = [
            (camera, path)
            for camera in self.cameras
            if (path := self.folder / camera / f'label_{frame:06d}.npz').is_file()
        ]
        if not labels:
            raise DatasetError(
                f'{self.folder} has no label_{frame:06d}.npz of any camera. Unpack the labels of '
                'HO-Cap there'
            )
        for camera, path in labels:
            tips = _read_joints(path)[:, (_THUMB_TIP, _INDEX_TIP)]
            tips = np.where((tips == _MISSING).all(-1, keepdims=True), np.nan, tips)
            pose = self._camera_poses[camera]
            grip = tips.mean(1) @ pose[:3, :3].T + pose[:3, 3]
            grips = np.where(np.isnan(grips), grip, grips)
            if not np.isnan(grips).any():
                break
        return grips

    def project(self, points: Vectors, camera: str) -> Vectors:
        """Project points [K, 3] into a camera: [K, 2] (x, y) pixels, NaN if out of view."""
        inside = self._inside(points, camera)
        depth = np.where(inside[:, 2:] > _NEAREST, inside[:, 2:], np.nan)
        pixels = (inside / depth @ self._intrinsics[camera].T)[:, :2]
        shown = ((pixels >= 0) & (pixels <= np.array(self.size) - 1)).all(1, keepdims=True)
        return np.where(shown, pixels, np.nan)

    def project_visible(self, points: Vectors, camera: str) -> Vectors:
        """Project points [K, 3] into the first frame of a camera.

        Returns:
            (x, y) pixels [K, 2]; NaN if a point is out of view, or if the depth image shows no
            surface within 5 cm of it.

        Raises:
            DatasetError: the depth image is missing or damaged.
        """
        pixels = self.project(points, camera)
        shown = ~np.isnan(pixels).any(1)
        if shown.any():
            depth = _read_depth(self.folder / camera / 'depth_000000.png', self.size)
            columns, rows = np.rint(pixels[shown]).astype(int).T
            away = depth[rows, columns] - self._inside(points[shown], camera)[:, 2]
            pixels[shown] = np.where(np.abs(away)[:, None] <= _SURFACE, pixels[shown], np.nan)
        return pixels

    def _inside(self, points: Vectors, camera: str) -> Vectors:
        """Transform points [K, 3] to the space of a camera: x right, y down, z forward."""
        pose = self._camera_poses[camera]
        return np.asarray((points - pose[:3, 3]) @ np.linalg.inv(pose[:3, :3]).T)

    def _read_poses(self) -> tuple[Vectors, Vectors]:
        """Read positions [objects, frames, 3] and rotations [objects, frames, 3, 3]."""
        path = self.folder / 'poses_o.npy'
        poses = _read_array(path)
        expected = len(self.objects), self.frames, 7
        if poses.shape != expected:
            raise DatasetError(
                f'the shape of {path} is {poses.shape}; expected {expected}, for each object and '
                'frame a quaternion x, y, z, w and a position'
            )
        length = np.linalg.norm(poses[..., :4], axis=-1, keepdims=True)
        poses = np.where(np.abs(length - 1) < _UNIT, poses, np.nan)
        return poses[..., 4:], _rotations(poses[..., :4] / length)

    def _read_camera_poses(self, path: Path) -> dict[str, Vectors]:
        """Read the poses of the cameras, transforms [4, 4] from their spaces."""
        content = _read_yaml(path)
        with naming(str(path)):
            # All transforms lead to the space of one camera, the master.
            transforms = content['extrinsics']
            from_master = np.linalg.inv(_transform(transforms['tag_1']))
            return {
                serial: from_master @ _transform(transforms[serial]) for serial in self.cameras
            }


def _rotations(quaternions: Vectors) -> Vectors:
    """Return the rotations [..., 3, 3] of unit quaternions (x, y, z, w) [..., 4]."""
    vector, real = quaternions[..., None, :3], quaternions[..., None, 3:]
    axes = np.eye(3)
    across = np.cross(vector, axes)
    return np.asarray(np.swapaxes(axes + 2 * (real * across + np.cross(vector, across)), -1, -2))


def _transform(rows: Any) -> Vectors:
    """Return a transform [4, 4] of 12 numbers, the rows of a rotation and a translation."""
    values = np.array([float(value) for value in rows])
    if values.shape != (12,):
        raise ValueError(f'a transform has {len(values)} numbers; expected 12')
    return np.vstack([values.reshape(3, 4), [0, 0, 0, 1]])


def _extrinsics(folder: Path, name: Any) -> Path:
    """Return the file of extrinsics that a sequence names, or else the only one."""
    if name:
        return folder / str(name)
    files = sorted(folder.glob('*.yaml'))
    if len(files) != 1:
        raise DatasetError(
            f'{folder} contains {len(files)} files; expected one such as '
            'extrinsics_20231014.yaml. Unpack calibration.tar of HO-Cap again'
        )
    return files[0]


def _read_intrinsics(path: Path) -> Vectors:
    """Read the matrix [3, 3] of a colour camera."""
    content = _read_yaml(path)
    with naming(str(path)):
        colour = content['color']
        fx, fy, cx, cy = (float(colour[name]) for name in ('fx', 'fy', 'ppx', 'ppy'))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def _read_yaml(path: Path) -> Any:
    """Read YAML without interpreting values, since serial numbers may look like octal ones."""
    try:
        return yaml.load(read_text(path), Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        reason = ' '.join(str(error).split())
        raise DatasetError(f'{path} is not YAML: {reason}. Unpack it again') from error


def _read_joints(path: Path) -> Vectors:
    """Read the joints of the right and left hand in the space of a camera, [2, 21, 3] metres."""
    joints = _read_array(path, 'hand_joints_3d')
    if joints.shape != (2, 21, 3):
        raise DatasetError(
            f'the shape of hand_joints_3d in {path} is {joints.shape}; expected (2, 21, 3)'
        )
    return joints


def _read_array(path: Path, member: str | None = None) -> Vectors:
    """Read an array of a file, or of a member of an archive, as float64."""
    try:
        with naming(str(path)):
            content = np.load(path)
            if member is None:
                return np.asarray(content, np.float64)
            with content:
                return np.asarray(content[member], np.float64)
    except FileNotFoundError as error:
        raise DatasetError(f'{path} does not exist; expected annotations of HO-Cap') from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f'{path} cannot be read: {error}. Unpack it again') from error


def _read_depth(path: Path, size: tuple[int, int]) -> Vectors:
    """Read a depth image, [height, width] metres; 0 where unknown."""
    try:
        with PIL.Image.open(path) as image:
            depth = np.asarray(image, np.float64) / 1000
    except FileNotFoundError as error:
        raise DatasetError(f'{path} does not exist; expected a depth image') from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(f'{path} cannot be read: {error}. Unpack it again') from error
    if depth.shape != size[::-1]:
        raise DatasetError(
            f'the shape of {path} is {depth.shape}; expected {size[::-1]} as {META_FILE} names'
        )
    return depth
