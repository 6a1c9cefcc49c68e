# SPDX-License-Identifier: Apache-2.0
"""Ego-Exo4D correspondences: an object in the view of the wearer and in that of a camera.

correspondence/                    output of `process_data.py` of EGO4D/ego-exo4d-relation
split.json                       {"train": [take, ...], "val": [...], "test": [...]}
44d647ce-72d2-.../               a folder for each take
annotation.json                {"masks": {object: {camera: {frame: mask}}}, ...}
aria01_214-1/0.jpg, 30.jpg     the wearer's frames, one a second
cam04/0.jpg, 30.jpg            those of the cameras around
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afformer_core.data.annotation_files import naming, read_json
from afformer_core.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.readers.run_length_mask import decode_mask, is_empty
from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameRange

EGO_EXO4D_ACTIONS: tuple[str, ...] = ('interact',)
TAKES_FILE, ANNOTATION_FILE = 'split.json', 'annotation.json'

_SPLITS = ('train', 'val', 'test')
_WEARER = 'aria'
_HANDS = ('left hand', 'right hand')
# Frames of a take are numbered at 30 per second, and one per second exists.
_STEP = 30

Masks = Mapping[int, Mapping[str, Any]]
"""Encoded masks of an object in one camera, by the numbers of frames."""


def read_ego_exo4d(path: Path, root: Path | None, split: str) -> Manifest:
    """Read objects that a wearer of glasses handles, each with images of the cameras around.

    The demonstration is the wearer's frames from the first to the last in which the object is
    segmented, and the target image is the first frame of another camera that shows the object;
    each other camera gives one sample. Masks are drawn at the size of the videos, of which the
    images are a half or a quarter. The dataset does not name actions, so all samples have the same
    one. Hands do not count as objects. Samples are in the order of the takes, then of their
    objects and cameras.

    Args:
        path: `split.json`.
        root: folder of the takes; None for the folder of the file.
        split: `train`, `val` or `test`.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    takes = read_json(path)
    if split not in _SPLITS:
        raise DatasetError(f'the split is {split!r}; expected one of {", ".join(_SPLITS)}')
    if not is_ego_exo4d(takes) or not isinstance(takes.get(split), list):
        raise DatasetError(f'{path} lists no takes of the split {split}; download it again')
    # Its licence is a separate agreement, which every user must sign.
    header = ManifestHeader(
        actions=EGO_EXO4D_ACTIONS, source='Ego-Exo4D', licence='Ego4D-license-agreement'
    )
    manifest = Manifest(path, path.parent if root is None else root, header)
    for take in takes[split]:
        file = manifest.root / str(take) / ANNOTATION_FILE
        content = read_json(file)
        with naming(str(file)):
            for name, cameras in _mapping('masks', content['masks']).items():
                if name.rpartition('_')[0] not in _HANDS:
                    _add_object(manifest, str(take), name, cameras)
    return manifest


def _add_object(
    manifest: Manifest, take: str, name: str, cameras: Mapping[str, Mapping[str, Any]]
) -> None:
    position = f'{name} in {manifest.root / take / ANNOTATION_FILE}'
    with naming(position):
        masks = {
            camera: _sorted(_mapping(camera, objects))
            for camera, objects in _mapping(name, cameras).items()
        }
        wearers = [
            camera_name
            for camera_name in masks
            if camera_name.startswith(_WEARER) and masks[camera_name]
        ]
        if len(wearers) != 1:
            manifest.left_out[f'masks of {len(wearers)} wearers'] += 1
            return
        shown = tuple(masks[wearers[0]])
        clip = FrameRange(Path(take, wearers[0]), shown[0], shown[-1], _STEP)
        for camera in sorted(masks):
            if camera.startswith(_WEARER):
                continue
            if not masks[camera]:
                manifest.left_out['not seen by a camera'] += 1
                continue
            number, encoded = next(iter(masks[camera].items()))
            pixels = decode_mask(encoded)
            manifest.add(
                position,
                {'action': EGO_EXO4D_ACTIONS[0], **region(PolygonMask.of_pixels(pixels))},
                id=f'{take}/{name}/{camera}',
                clip=str(clip.path),
                target=f'{take}/{camera}/{number}.jpg',
                target_size=list(pixels.shape[::-1]),
                object=f'{take}/{name}',
            )


def is_ego_exo4d(content: Any) -> bool:
    """Check whether JSON is a list of takes by splits."""
    return isinstance(content, dict) and bool(content) and set(content) <= set(_SPLITS)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f'{name} is a {type(value).__name__}; expected an object')
    return value


def _sorted(masks: Mapping[str, Any]) -> Masks:
    """Return the masks in the order of their frames.

    An unreadable mask is null, and the mask of an object out of view is empty.
    """
    return {
        int(frame): masks[frame]
        for frame in sorted(masks, key=int)
        if masks[frame] and not is_empty(masks[frame])
    }
