# SPDX-License-Identifier: Apache-2.0
"""Conversion of HO-Cap to a manifest.

Arrange the files as docs/research/datasets.md describes, and run::

    python examples/converters/hocap.py hocap hocap.jsonl
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import yaml
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from afformer_core.cli.convert import write_dataset
from afformer_core.media.frame_folder import FrameRange
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader

# The dataset names tasks by numbers alone.
_ACTION = 'pick up'
# Distance in metres at which an object has left its place.
_MOVED = 0.03
# Frames after that, at 30 per second, in which it is carried: it moves by the first distance, and
# the hand moves on it by the second one at most, which is less than that of a hand at rest.
_HELD = (0, 10, 20, 30)
_CARRIED, _SLIPPED = 0.05, 0.02
# Frames of the demonstration before it.
_BEFORE = 60
# Of a hand's 21 joints, and the coordinates of joints that are not annotated.
_THUMB_TIP, _INDEX_TIP, _MISSING = 4, 8, -1
# Minimum distance of a point in view, and maximum one of a point to the surface before or behind
# it: a contact lies between two fingers, inside of the object. Metres.
_NEAREST, _SURFACE = 0.05, 0.05

Vectors = NDArray[np.float64]


class _Sequence:
    """A sequence; positions are metres in the space of a marker on the table, NaN if unknown."""

    def __init__(self, root: Path, folder: Path) -> None:
        meta = _read_yaml(folder / 'meta.yaml')
        device = meta['realsense']
        self.folder, self.name = folder, folder.relative_to(root).as_posix()
        self.objects: list[str] = meta['object_ids']
        self.size = [int(device['width']), int(device['height'])]
        self.cameras = [serial for serial in device['serials'] if (folder / serial).is_dir()]
        # A quaternion x, y, z, w and a position for each object and frame.
        poses = np.load(folder / 'poses_o.npy').astype(float)
        known = abs(np.linalg.norm(poses[..., :4], axis=-1, keepdims=True) - 1) < 0.01
        self.positions = np.where(known, poses[..., 4:], np.nan)
        self._quaternions = np.where(known, poses[..., :4], (0, 0, 0, 1))
        (file,) = root.glob(f'calibration/extrinsics/{meta.get("extrinsics") or "*.yaml"}')
        transforms = _read_yaml(file)['extrinsics']
        # All transforms lead to the space of one camera, the master.
        from_master = np.linalg.inv(_matrix(transforms['tag_1']))
        self._poses, self._intrinsics = {}, {}
        for serial in self.cameras:
            self._poses[serial] = from_master @ _matrix(transforms[serial])
            colour = _read_yaml(root / f'calibration/intrinsics/{serial}.yaml')['color']
            fx, fy, cx, cy = (float(colour[name]) for name in ('fx', 'fy', 'ppx', 'ppy'))
            self._intrinsics[serial] = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])

    def from_object(self, number: int, frame: int, points: Vectors) -> Vectors:
        """Transform points [K, 3] from the space of an object in a frame."""
        rotation = Rotation.from_quat(self._quaternions[number, frame])
        return np.asarray(rotation.apply(points) + self.positions[number, frame])

    def grips(self, number: int, frame: int) -> Vectors:
        """Return the points [2, 3] between the fingertips of both hands, in an object's space."""
        paths = [self.folder / camera / f'label_{frame:06d}.npz' for camera in self.cameras]
        if not any(path.is_file() for path in paths):
            raise FileNotFoundError(f'{self.folder} has no label_{frame:06d}.npz of any camera')
        grips = np.full((2, 3), np.nan)
        for path in filter(Path.is_file, paths):
            tips = np.load(path)['hand_joints_3d'][:, (_THUMB_TIP, _INDEX_TIP)].astype(float)
            tips[(tips == _MISSING).all(-1)] = np.nan
            pose = self._poses[path.parent.name]
            grip = tips.mean(1) @ pose[:3, :3].T + pose[:3, 3]
            grips = np.where(np.isnan(grips), grip, grips)
        rotation = Rotation.from_quat(self._quaternions[number, frame])
        return np.asarray(rotation.inv().apply(grips - self.positions[number, frame]))

    def project(self, points: Vectors, camera: str, *, visible: bool = False) -> Vectors:
        """Project points [K, 3] into a camera: pixels (x, y) [K, 2], NaN if not in view.

        A visible point has a surface near it in the depth image of the first frame.
        """
        pose = self._poses[camera]
        inside = (points - pose[:3, 3]) @ np.linalg.inv(pose[:3, :3]).T
        depth = np.where(inside[:, 2:] > _NEAREST, inside[:, 2:], np.nan)
        pixels = (inside / depth @ self._intrinsics[camera].T)[:, :2]
        shown = ((pixels >= 0) & (pixels <= np.array(self.size) - 1)).all(1)
        if visible and shown.any():
            image = np.asarray(PIL.Image.open(self.folder / camera / 'depth_000000.png')) / 1000
            columns, rows = np.rint(pixels[shown]).astype(int).T
            shown[shown] = abs(image[rows, columns] - inside[shown, 2]) <= _SURFACE
        return np.where(shown[:, None], pixels, np.nan)


def main(folder: str, output: str) -> None:
    """Pair the first time that a hand picks an object up with images of the object elsewhere."""
    root = Path(folder)
    header = ManifestHeader(actions=(_ACTION,), source='HO-Cap', licence='CC-BY-4.0')
    manifest = Manifest(root, root, header)
    same: defaultdict[str, list[tuple[_Sequence, int]]] = defaultdict(list)
    for file in sorted(root.glob('subject_*/*/meta.yaml')):
        sequence = _Sequence(root, file.parent)
        # Subjects without images are not there.
        for number, name in enumerate(sequence.objects if sequence.cameras else ()):
            same[name].append((sequence, number))
    for shown in same.values():
        for sequence, number in shown:
            _add(manifest, sequence, number, shown)
    manifest.rows.sort(key=lambda entry: str(entry.row.id))
    write_dataset(AnnotatedDataset(manifest), Path(output))


def _add(
    manifest: Manifest, sequence: _Sequence, number: int, shown: list[tuple[_Sequence, int]]
) -> None:
    picked = _pick_up(sequence, number)
    if picked is None:
        manifest.left_out['object that no hand carries'] += 1
        return
    frame, contact = picked
    first, last = max(0, frame - _BEFORE), frame + _HELD[-1]
    views = [
        (other, camera, pixel)
        for other, its_number in shown
        for camera in other.cameras
        for placed in [other.from_object(its_number, 0, contact[None])]
        for pixel in other.project(placed, camera, visible=True)
        if not np.isnan(pixel).any()
    ]
    moments = range(first, last + 1)
    contacts = [sequence.from_object(number, moment, contact[None]) for moment in moments]
    elsewhere = [view for view in views if view[0] is not sequence]
    for turn, camera in enumerate(sequence.cameras):
        targets = elsewhere or [view for view in views if view[1] != camera]
        shares = (sequence.project(np.concatenate(contacts), camera) + 0.5) / sequence.size
        if not targets or np.isnan(shares[frame - first]).any():
            manifest.left_out['no view of the contact, or no other image of it'] += 1
            continue
        other, its_camera, pixel = targets[turn % len(targets)]
        manifest.add(
            f'{sequence.objects[number]} in {sequence.name}',
            {'action': _ACTION, 'points': [pixel.tolist()]},
            id=f'{sequence.name}/{camera}/{sequence.objects[number]}',
            clip=str(FrameRange(Path(sequence.name, camera, 'color_'), first, last).path),
            target=f'{other.name}/{its_camera}/color_000000.jpg',
            target_size=other.size,
            object=sequence.objects[number],
            contact_frames=[frame - first, last - first],
            contact_points=[None if np.isnan(share).any() else share.tolist() for share in shares],
        )


def _pick_up(sequence: _Sequence, number: int) -> tuple[int, Vectors] | None:
    """Find when a hand picks an object up, and the point [3] of the object that it holds."""
    positions = sequence.positions[number]
    away = np.linalg.norm(positions - positions[0], axis=1) > _MOVED
    held = [int(away.argmax()) + after for after in _HELD]
    if not away.any() or held[-1] >= len(positions):
        return None
    grips = np.array([sequence.grips(number, moment) for moment in held])
    contacts = grips.mean(0)
    slipped = np.linalg.norm(grips - contacts, axis=-1).max(0)
    # Comparisons with NaN, the slip of a hand that is not annotated, are false.
    hand = int(np.where(slipped <= _SLIPPED, slipped, np.inf).argmin())
    carried = np.linalg.norm(positions[held[-1]] - positions[held[0]]) > _CARRIED
    return (held[0], contacts[hand]) if carried and slipped[hand] <= _SLIPPED else None


def _matrix(values: Any) -> Vectors:
    """Return a transform [4, 4] of 12 numbers, the rows of a rotation and a translation."""
    return np.vstack([np.array(values, float).reshape(3, 4), [0, 0, 0, 1]])


def _read_yaml(path: Path) -> Any:
    """Read YAML without interpreting values, since serial numbers may look like octal ones."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


if __name__ == '__main__':
    main(*sys.argv[1:])
