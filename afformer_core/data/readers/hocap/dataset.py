# SPDX-License-Identifier: Apache-2.0
"""HO-Cap as demonstrations of picking an object up, and images of the object elsewhere.

hocap/
  calibration/extrinsics/extrinsics_20231014.yaml      of calibration.tar
  calibration/intrinsics/105322251564.yaml ...
  subject_1/20231025_165502/meta.yaml, poses_o.npy     of sequence_labels.tar
  subject_1/20231025_165502/105322251564/              a folder for each camera
    color_000000.jpg, depth_000000.png, label_000000.npz ...
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afformer_core.data.manifest.contents import Manifest, ManifestHeader
from afformer_core.data.readers.hocap.sequence import (
    META_FILE,
    HoCapSequence,
    Vectors,
)
from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameRange

HO_CAP_ACTIONS: tuple[str, ...] = ('pick up',)
CALIBRATION = 'calibration'

# Distance in metres at which an object has left its place.
_MOVED = 0.03
# Frames after that, at 30 per second, in which it is carried: it moves by the first distance, and
# the hand moves on it by the second one at most, which is less than that of a hand at rest.
_HELD = (0, 10, 20, 30)
_CARRIED, _SLIPPED = 0.05, 0.02
# Frames of the demonstration before it.
_BEFORE = 60


@dataclass(frozen=True)
class PickUp:
    """An object that a hand carries away.

    Attributes:
        sequence: the sequence.
        number: number of the object in the sequence.
        frame: first frame in which the object has left its place.
        contact: point between thumb and index finger in the space of the object, [3] metres.
    """

    sequence: HoCapSequence
    number: int
    frame: int
    contact: Vectors

    @property
    def last(self) -> int:
        """Last frame of the demonstration."""
        return self.frame + _HELD[-1]


@dataclass(frozen=True)
class View:
    """The first frame of a camera, and the pixels of the contacts in it, [K, 2] (x, y) or NaN."""

    sequence: HoCapSequence
    camera: str
    pixels: Vectors

    @property
    def image(self) -> str:
        """Path of the image."""
        return f'{self.sequence.name}/{self.camera}/color_000000.jpg'


def read_hocap(path: Path, root: Path | None = None) -> Manifest:
    """Read the first time that a hand picks each object up, with images of the object elsewhere.

    The contact is half-way between the tips of thumb and index finger of the hand that carries the
    object away, in the space of the object. The target image is the first frame of another
    sequence with the same object, or else of another camera, whose depth image shows the contact;
    the point is the contact at the pose of the object in that frame. Each camera with a view of
    the pick-up gives one sample; they use the target images in turn. The demonstration is 3 s
    long, 1 s of which the object is carried. The dataset names tasks by numbers alone, so all
    samples have the same action. Sequences without images are skipped. Samples are in the order of
    their names.

    Args:
        path: folder of `calibration`.
        root: folder of the subjects; None for `path`.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    root = path if root is None else root
    header = ManifestHeader(actions=HO_CAP_ACTIONS, source='HO-Cap', licence='CC-BY-4.0')
    manifest = Manifest(path, root, header)
    files = sorted(root.glob(f'subject_*/*/{META_FILE}'))
    if not files:
        raise DatasetError(
            f'{root} has no sequence such as subject_1/20231025_165502/{META_FILE}. Unpack '
            'sequence_labels.tar of HO-Cap there'
        )
    shown: defaultdict[str, list[tuple[HoCapSequence, int]]] = defaultdict(list)
    for file in files:
        sequence = HoCapSequence(path / CALIBRATION, file.parent)
        if not sequence.cameras:
            manifest.left_out['sequence without images'] += 1
        else:
            for number, name in enumerate(sequence.objects):
                shown[name].append((sequence, number))
    for same in shown.values():
        # Objects one at a time, so that a depth image is read once for all contacts of an object.
        picked = [
            found
            for sequence, number in same
            if (found := _pick_up(sequence, number, manifest)) is not None
        ]
        contacts = np.array([pick_up.contact for pick_up in picked]).reshape(-1, 3)
        views = [
            View(sequence, camera, sequence.project_visible(placed, camera))
            for sequence, number in same
            for placed in [sequence.from_object(number, 0, contacts)]
            for camera in sequence.cameras
        ]
        for number, pick_up in enumerate(picked):
            _add(manifest, pick_up, [(view, view.pixels[number]) for view in views])
    manifest.rows.sort(key=lambda entry: str(entry.row.id))
    return manifest


def is_hocap(path: Path) -> bool:
    """Check whether a folder contains the calibration of HO-Cap."""
    return (path / CALIBRATION / 'extrinsics').is_dir()


def _pick_up(sequence: HoCapSequence, number: int, manifest: Manifest) -> PickUp | None:
    """Find out when and where a hand picks an object up."""
    positions = sequence.positions[number]
    away = np.linalg.norm(positions - positions[0], axis=1) > _MOVED
    if not away.any():
        manifest.left_out['object that is not seen to leave its place'] += 1
        return None
    frame = int(away.argmax())
    held = [frame + after for after in _HELD]
    if held[-1] < sequence.frames:
        carried = np.linalg.norm(positions[held[-1]] - positions[frame])
        grips = np.array(
            [sequence.to_object(number, moment, sequence.grips(moment)) for moment in held]
        )
        contacts = grips.mean(0)
        slipped = np.linalg.norm(grips - contacts, axis=-1).max(0)
        # Comparisons with NaN, the slip of a hand that is not annotated, are false.
        hand = int(np.where(slipped <= _SLIPPED, slipped, np.inf).argmin())
        if carried > _CARRIED and slipped[hand] <= _SLIPPED:
            return PickUp(sequence, number, frame, contacts[hand])
    manifest.left_out['object that no hand carries'] += 1
    return None


def _add(manifest: Manifest, picked: PickUp, views: list[tuple[View, Vectors]]) -> None:
    sequence, name = picked.sequence, picked.sequence.objects[picked.number]
    first = max(0, picked.frame - _BEFORE)
    contacts = np.concatenate(
        [
            sequence.from_object(picked.number, frame, picked.contact[None])
            for frame in range(first, picked.last + 1)
        ]
    )
    usable = [(view, pixel) for view, pixel in views if not np.isnan(pixel).any()]
    elsewhere = [(view, pixel) for view, pixel in usable if view.sequence is not sequence]
    for turn, camera in enumerate(sequence.cameras):
        targets = elsewhere or [(view, pixel) for view, pixel in usable if view.camera != camera]
        pixels = sequence.project(contacts, camera)
        if np.isnan(pixels[picked.frame - first]).any():
            manifest.left_out['contact out of view'] += 1
            continue
        if not targets:
            manifest.left_out['no other image of the contact'] += 1
            continue
        view, pixel = targets[turn % len(targets)]
        shares = (pixels + 0.5) / sequence.size
        manifest.add(
            f'{name} in {sequence.folder}',
            {'action': HO_CAP_ACTIONS[0], 'points': [pixel.tolist()]},
            id=f'{sequence.name}/{camera}/{name}',
            clip=str(FrameRange(Path(sequence.name, camera, 'color_'), first, picked.last).path),
            target=view.image,
            target_size=list(view.sequence.size),
            object=name,
            contact_frames=[picked.frame - first, picked.last - first],
            contact_points=[None if np.isnan(share).any() else share.tolist() for share in shares],
        )
