# SPDX-License-Identifier: Apache-2.0
"""EPIC-Hotspot: clips of EPIC-KITCHENS, and objects with the points where they are touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_json
from afformer_core.media.frame_folder import FrameRange
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader, parse

EPIC_HOTSPOT = 'EPIC-Hotspot'

_SPLITS = ('train', 'test')
_FRAME_STEP = 10
_FRAMES = Path('frames_rgb_flow/rgb/train')


def read_epic_hotspot(path: Path, root: Path | None, split: str) -> Manifest:
    """Read the annotated images of a split, each with a clip of the same verb and noun.

    The annotations (`annotations.json` of interaction-hotspots) do not assign clips to images. The
    images of a verb and noun are assigned that class's clips of the same split in turn, so that
    every image is one sample and the clips are used evenly. Images without such a clip are
    excluded.

    A clip is every 10th frame of a video at 60 frames per second; its folder may contain all
    frames, or only those. An image is the crop of an object, named
    `VIDEO_FRAME_XMIN_YMIN_XMAX_YMAX`.

    Args:
        path: a JSON object with the lists `verbs` and `nouns` of names; `train_clips` and
            `test_clips` of `{v_id, start, stop, verb, noun}`, the first and last frame and indices
            from 0; `train_images` and `test_images` of `{image, verb, points, shape}`, where
            `image` begins with a file's name, points are (x, y) pixels and shape is (width,
            height). An image may have a `noun` too; without it the noun is looked up by the
            image's name in `inactive_images`, lists of `{v_id, f_id, box}` by the noun's name.
        root: folder of `images` and of `frames_rgb_flow/rgb/train`; None for the annotations'
            folder.
        split: `train` or `test`.

    Raises:
        DatasetError: the file is missing, malformed (the message names the entry), or OPRA's of
            the same release; or the split is unknown or empty.
    """
    if split not in _SPLITS:
        raise DatasetError(f'the split is {split!r}; expected one of {", ".join(_SPLITS)}')
    content = read_json(path)
    with naming(str(path)):
        verbs, nouns = (
            parse(key, tuple[str, ...], content.get(key)) for key in ('verbs', 'nouns')
        )
    header = ManifestHeader(
        actions=verbs, source=EPIC_HOTSPOT, licence='CC-BY-NC-4.0', points_outside=True
    )
    manifest = Manifest(path, path.parent if root is None else root, header)
    clips: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for number, entry in enumerate(_entries(content, f'{split}_clips', path)):
        with naming(f'entry {number} of {split}_clips in {path}'):
            kind = _index(entry['verb'], verbs, 'verb'), _index(entry['noun'], nouns, 'noun')
            clips[kind].append(_clip(entry))
    manifest.further_clips = tuple(clip for of_video in clips.values() for clip in of_video)
    crop_nouns = _read_crop_nouns(content, nouns, path)
    turns: Counter[tuple[int, int]] = Counter()
    for number, entry in enumerate(_entries(content, f'{split}_images', path)):
        position = f'entry {number} of {split}_images in {path}'
        with naming(position):
            name = _file_name(entry['image'])
            kind = _index(entry['verb'], verbs, 'verb'), _noun(entry, name, nouns, crop_nouns)
            if kind not in clips:
                manifest.left_out['images without a clip of their verb and noun'] += 1
                continue
            width, height = entry['shape']
            manifest.add(
                position,
                {'action': verbs[kind[0]], 'points': entry['points']},
                id=f'{split}/{number}',
                clip=clips[kind][turns[kind] % len(clips[kind])],
                target=f'images/{name}',
                target_size=[int(width), int(height)],
            )
            turns[kind] += 1
    return manifest


def _clip(entry: Mapping[str, Any]) -> str:
    video = str(entry['v_id'])
    folder = _FRAMES / video.split('_')[0] / video
    return str(FrameRange(folder, int(entry['start']), int(entry['stop']), _FRAME_STEP).path)


def _read_crop_nouns(
    content: Mapping[str, Any], nouns: Sequence[str], path: Path
) -> Mapping[str, int]:
    """Read the noun of each inactive image, by the name of its crop."""
    by_noun = content.get('inactive_images', {})
    if not isinstance(by_noun, dict):
        raise DatasetError(
            f'inactive_images in {path} is a {type(by_noun).__name__}; expected an object of '
            'lists by noun'
        )
    found: dict[str, int] = {}
    for noun, crops in by_noun.items():
        # An image with a noun that no clip can have cannot be paired.
        if noun not in nouns:
            continue
        with naming(f'inactive_images of {noun} in {path}'):
            for crop in crops:
                parts = (crop['v_id'], crop['f_id'], *(int(edge) for edge in crop['box']))
                found['_'.join(map(str, parts))] = nouns.index(noun)
    return found


def _noun(
    entry: Mapping[str, Any], name: str, nouns: Sequence[str], crop_nouns: Mapping[str, int]
) -> int:
    if 'noun' in entry:
        return _index(entry['noun'], nouns, 'noun')
    crop = PurePath(name).stem
    if crop not in crop_nouns:
        raise ValueError(
            f'the noun of {name} is neither given nor that of an inactive image. Add a `noun`'
        )
    return crop_nouns[crop]


def _entries(content: Mapping[str, Any], key: str, path: Path) -> Sequence[Any]:
    entries = content.get(key)
    if not isinstance(entries, list) or not entries:
        raise DatasetError(f'{path} contains no {key}; expected a list of at least one')
    return entries


def _index(value: Any, names: Sequence[str], what: str) -> int:
    # A bool is an int, and -1 would select the last name.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(names):
        raise ValueError(f'{what} is {value!r}; expected 0 to {len(names) - 1}')
    return value


def _file_name(image: Any) -> str:
    if not isinstance(image, list) or not image or not isinstance(image[0], str):
        raise ValueError(f'image is {image!r}; expected a list that begins with a file name')
    return image[0]
