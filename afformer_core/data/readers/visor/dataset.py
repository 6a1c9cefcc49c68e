# SPDX-License-Identifier: Apache-2.0
"""VISOR's sparse annotations as demonstrations and target images.

GroundTruth-SparseAnnotations/
  annotations/train/P01_01.json                          one file per video; also `val`
  rgb_frames/train/P01/P01_01/P01_01_frame_0000000140.jpg    unpacked from P01_01.zip
  frames_to_timestamps.json                              of VISOR-FrameExtraction
  epic-kitchens-100-annotations/EPIC_100_train.csv ...   the repository of that name
  videos/P01_01.MP4                                      of EPIC-KITCHENS-100; also, as its
                                                         scripts leave them, P01/videos
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from afformer_core.data.annotation_files import read_json
from afformer_core.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.data.polygon_mask import PolygonMask, union
from afformer_core.data.readers.visor.frames import VisorFrame, read_frames
from afformer_core.data.readers.visor.narrations import (
    NarratedAction,
    read_narrations,
    read_verbs,
)
from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image_size

TIMES_FILE = 'frames_to_timestamps.json'
NARRATIONS_FOLDER = 'epic-kitchens-100-annotations'

_VIDEO_FILE = re.compile(r'P\d\d_\d{2,3}\.json')
# Sizes of the videos and of the masks, if a frame is missing.
_SIZE = (1920, 1080)


def read_visor(path: Path, root: Path | None = None) -> Manifest:
    """Read narrated actions on an object that a hand touches, and the object at another time.

    An action of EPIC-KITCHENS-100 is a sample if an annotated frame within its times shows a hand,
    or a glove on a hand, in contact with an object of its nouns. The demonstration is the part of
    the video of the action. The target image is the annotated frame of the same video next to it
    in time, outside the action, in which the object is segmented with all its instances and no
    hand is in contact with it; the right region is the object's mask in that frame. If an action
    has several objects, each is a sample. Samples are in the order of the files' names, then of
    the narrations.

    Args:
        path: `annotations/train`, `annotations/val`, or a file in them.
        root: folder of `rgb_frames`, `videos` and the other files; None for the folder of
            `annotations`.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    # The folder may be given by one of its files.
    files = [Path(os.path.abspath(file)) for file in _video_files(path)]
    root = files[0].parents[2] if root is None else root
    header = ManifestHeader(
        actions=read_verbs(root / NARRATIONS_FOLDER),
        source='EPIC-KITCHENS VISOR',
        licence='CC-BY-NC-4.0',
    )
    manifest = Manifest(path, root, header)
    narrations = read_narrations(root / NARRATIONS_FOLDER)
    times = read_json(root / TIMES_FILE)
    if not isinstance(times, dict) or not isinstance(times.get('timestamps'), dict):
        raise DatasetError(f'{root / TIMES_FILE} contains no timestamps; download the file again')
    for file in files:
        video, frames = read_frames(file, times['timestamps'])
        for action in narrations.get(video, ()):
            _add_action(manifest, file, frames, action)
    return manifest


def _add_action(
    manifest: Manifest, file: Path, frames: Sequence[VisorFrame], action: NarratedAction
) -> None:
    during = [frame for frame in frames if action.begin <= frame.seconds <= action.end]
    held = sorted(
        {
            entity.name
            for frame in during
            for entity in frame.entities
            if entity.name in frame.in_contact and entity.noun in action.nouns
        }
    )
    if not held:
        reason = 'no frame of its noun in contact' if during else 'no frame'
        manifest.left_out[reason] += 1
    for name in held:
        found = _target(frames, action, name)
        if found is None:
            manifest.left_out['no frame of the object without a hand'] += 1
            continue
        target, mask = found
        participant = file.stem.split('_')[0]
        image = f'rgb_frames/{file.parent.name}/{participant}/{file.stem}/{target.file}'
        path = manifest.root / image
        manifest.add(
            f'{action.narration_id} of {file}',
            {'action': _verb(action, manifest.header.actions), **region(mask)},
            id=f'{action.narration_id}/{name}',
            clip=_video(manifest.root, participant, file.stem),
            target=image,
            target_size=list(read_image_size(path) if path.is_file() else _SIZE),
            clip_seconds=[action.begin, action.end],
            object=f'{file.stem}/{name}',
        )


def _verb(action: NarratedAction, verbs: Sequence[str]) -> str:
    if not 0 <= action.verb < len(verbs):
        raise DatasetError(
            f'the verb of {action.narration_id} is {action.verb}; expected 0 to {len(verbs) - 1}'
        )
    return verbs[action.verb]


def _video(root: Path, participant: str, video: str) -> str:
    flat, nested = f'videos/{video}.MP4', f'{participant}/videos/{video}.MP4'
    return nested if (root / nested).is_file() and not (root / flat).is_file() else flat


def is_visor(path: Path) -> bool:
    """Check whether a folder contains annotations of VISOR, by the names of its files."""
    return path.is_dir() and any(_VIDEO_FILE.fullmatch(file.name) for file in path.iterdir())


def _video_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.glob('*.json') if _VIDEO_FILE.fullmatch(file.name))
    if not files:
        raise DatasetError(f'{path} contains no file such as P01_01.json; expected those of VISOR')
    return files


def _target(
    frames: Sequence[VisorFrame], action: NarratedAction, name: str
) -> tuple[VisorFrame, PolygonMask] | None:
    """Find the frame nearest to an action that shows an object without a hand, and its mask."""
    found = [
        (max(action.begin - frame.seconds, frame.seconds - action.end), frame, mask)
        for frame in frames
        if name not in frame.in_contact and (mask := _mask_of(frame, name)) is not None
    ]
    outside = [outlying for outlying in found if outlying[0] > 0]
    if not outside:
        return None
    _, frame, mask = min(outside, key=lambda outlying: (outlying[0], outlying[1].file))
    return frame, mask


def _mask_of(frame: VisorFrame, name: str) -> PolygonMask | None:
    """Return the mask of all instances of an object; None if one of them may be missing."""
    named = [entity for entity in frame.entities if entity.name == name]
    if not all(entity.complete for entity in named):
        return None
    masks = [entity.mask for entity in named if entity.mask is not None]
    return union(masks) if masks else None
