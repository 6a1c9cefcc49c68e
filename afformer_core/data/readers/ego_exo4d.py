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

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from afformer_core.data.annotated_dataset import AnnotatedDataset, naming, read_json
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.run_length_mask import decode_mask, is_empty
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.media.frame_folder import FrameRange

EGO_EXO4D_ACTIONS: tuple[str, ...] = ('interact',)
# Its licence is a separate agreement, which every user must sign.
EGO_EXO4D_ORIGIN = Origin('Ego-Exo4D', 'Ego4D-license-agreement')
TAKES_FILE, ANNOTATION_FILE = 'split.json', 'annotation.json'

_SPLITS = ('train', 'val', 'test')
_WEARER = 'aria'
_HANDS = ('left hand', 'right hand')
# Frames of a take are numbered at 30 per second, and one per second exists.
_STEP = 30

Masks = Mapping[int, Mapping[str, Any]]
"""Encoded masks of an object in one camera, by the numbers of frames."""


class EgoExo4dDataset(AnnotatedDataset):
    """Objects that a wearer of glasses handles, each with images of the cameras around.

    The demonstration is the wearer's frames from the first to the last in which the object is
    segmented, and the target image is the first frame of another camera that shows the object;
    each other camera gives one sample. Masks are drawn at the size of the videos, of which the
    images are a half or a quarter. The dataset does not name actions, so all samples have the same
    one. Hands do not count as objects. Samples are in the order of the takes, then of their
    objects and cameras.

    Args:
        annotations: `split.json`.
        split: `train`, `val` or `test`.
        root: folder of the takes; None for the folder of the file.

    Attributes:
        left_out: number of objects and cameras without a sample, by reason.

    Raises:
        DatasetError: a file is missing or malformed, or no take of the split gives a sample.
    """

    def __init__(
        self, annotations: Path | str, split: str, root: Path | str | None = None
    ) -> None:
        path = Path(annotations)
        takes = read_json(path)
        if split not in _SPLITS:
            raise DatasetError(f'the split is {split!r}; expected one of {", ".join(_SPLITS)}')
        if not is_ego_exo4d(takes) or not isinstance(takes.get(split), list):
            raise DatasetError(f'{path} lists no takes of the split {split}; download it again')
        super().__init__(path, path.parent if root is None else Path(root), EGO_EXO4D_ACTIONS)
        self.left_out: Counter[str] = Counter()
        for take in takes[split]:
            self._samples += self._read_take(str(take))
        if not self._samples:
            raise DatasetError(
                f'the {len(takes[split])} takes of the split {split} in {path} give 0 samples; '
                f'expected at least 1. Of their objects: {dict(self.left_out)}'
            )

    def _read_take(self, take: str) -> Iterator[Sample]:
        path = self.root / take / ANNOTATION_FILE
        content = read_json(path)
        with naming(str(path)):
            for name, cameras in _mapping('masks', content['masks']).items():
                if name.rpartition('_')[0] not in _HANDS:
                    yield from self._read_object(take, name, cameras)

    def _read_object(
        self, take: str, name: str, cameras: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[Sample]:
        with naming(f'{name} in {self.root / take / ANNOTATION_FILE}'):
            masks = {
                camera: _sorted(_mapping(camera, each))
                for camera, each in _mapping(name, cameras).items()
            }
            wearers = [each for each in masks if each.startswith(_WEARER) and masks[each]]
            if len(wearers) != 1:
                self.left_out[f'masks of {len(wearers)} wearers'] += 1
                return
            shown = tuple(masks[wearers[0]])
            clip = FrameRange(self.root / take / wearers[0], shown[0], shown[-1], _STEP)
            for camera in sorted(masks):
                if camera.startswith(_WEARER):
                    continue
                if masks[camera]:
                    yield self._sample(take, name, clip, camera, masks[camera])
                else:
                    self.left_out['not seen by a camera'] += 1

    def _sample(self, take: str, name: str, clip: FrameRange, camera: str, masks: Masks) -> Sample:
        number, encoded = next(iter(masks.items()))
        pixels = decode_mask(encoded)
        size = (pixels.shape[1], pixels.shape[0])
        mask = PolygonMask.of_pixels(pixels)
        return Sample(
            sample_id=f'{take}/{name}/{camera}',
            video_path=clip.path,
            image_path=self.root / take / camera / f'{number}.jpg',
            image_size=size,
            actions=(0,),
            points=(mask.even_points(size),),
            object_id=f'{take}/{name}',
            masks=(mask,),
            origin=EGO_EXO4D_ORIGIN,
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
