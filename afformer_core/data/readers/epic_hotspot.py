# SPDX-License-Identifier: Apache-2.0
"""EPIC-Hotspot: clips of EPIC-KITCHENS, and objects with the points where they are touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset, naming, read_json
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.media.frame_folder import FrameRange

EPIC_HOTSPOT_ORIGIN = Origin('EPIC-Hotspot', 'CC-BY-NC-4.0')
_SPLITS = ('train', 'test')
_FRAME_STEP = 10


class EpicHotspotDataset(AnnotatedDataset):
    """The annotated images of a split, each with a clip of the same verb and noun.

    The annotations (`annotations.json` of interaction-hotspots) do not assign clips to images. The
    images of a verb and noun are assigned that class's clips of the same split in turn, so that
    every image is one sample and the clips are used evenly. Images without such a clip are
    excluded, and listed in `unpaired`.

    A clip is every 10th frame of a video at 60 frames per second; its folder may contain all
    frames, or only those. An image is the crop of an object, named
    `VIDEO_FRAME_XMIN_YMIN_XMAX_YMAX`.

    Args:
        annotations: a JSON object with the lists `verbs` and `nouns` of names; `train_clips` and
            `test_clips` of `{v_id, start, stop, verb, noun}`, the first and last frame and indices
            from 0; `train_images` and `test_images` of `{image, verb, points, shape}`, where
            `image` begins with a file's name, points are (x, y) pixels and shape is (width,
            height). An image may have a `noun` too; without it the noun is looked up by the
            image's name in `inactive_images`, lists of `{v_id, f_id, box}` by the noun's name.
        split: `train` or `test`.
        root: folder of `images`; None for the annotations' folder.
        frames: folder of the videos' frames, such as `P01/P01_17/frame_0000000301.jpg`; None for
            `frames_rgb_flow/rgb/train` below the root.
        match_noun: False to pair by verb alone, for annotations without the nouns of images.

    Attributes:
        noun_names: names of the nouns, by index.
        unpaired: file names of the split's images that have no clip.

    Raises:
        DatasetError: the file is missing, malformed (the message names the entry), or OPRA's of
            the same release; or the split is unknown, empty, or has no pair.
    """

    def __init__(
        self,
        annotations: Path | str,
        split: str,
        root: Path | str | None = None,
        frames: Path | str | None = None,
        match_noun: bool = True,
    ) -> None:
        path = Path(annotations)
        if split not in _SPLITS:
            raise DatasetError(f'the split is {split!r}; expected one of {", ".join(_SPLITS)}')
        content = read_json(path)
        if not isinstance(content, dict):
            raise DatasetError(f'{path} contains a {type(content).__name__}; expected an object')
        verbs = _names(content, 'verbs', path)
        super().__init__(path, path.parent if root is None else Path(root), verbs)
        self.noun_names = _names(content, 'nouns', path)
        self._frames = self.root / 'frames_rgb_flow/rgb/train' if frames is None else Path(frames)
        self._match_noun = match_noun
        self._crop_nouns = self._read_crop_nouns(content)
        clips = self._read_clips(content, f'{split}_clips')
        self._clip_paths = tuple(clip.path for each in clips.values() for clip in each)
        self.unpaired = self._pair(_entries(content, f'{split}_images', path), split, clips)

    @property
    def clip_paths(self) -> tuple[Path, ...]:
        """Paths of all clips of the split, including those without an image."""
        return self._clip_paths

    def _read_clips(
        self, content: Mapping[str, Any], key: str
    ) -> Mapping[tuple[int, int | None], Sequence[FrameRange]]:
        """Read the clips of each verb and noun, in the order of the file."""
        clips: defaultdict[tuple[int, int | None], list[FrameRange]] = defaultdict(list)
        for number, entry in enumerate(_entries(content, key, self.annotations)):
            with naming(f'entry {number} of {key} in {self.annotations}'):
                video = str(entry['v_id'])
                folder = self._frames / video.split('_')[0] / video
                verb = _index(entry['verb'], self.action_names, 'verb')
                noun = _index(entry['noun'], self.noun_names, 'noun')
                clip = FrameRange(folder, int(entry['start']), int(entry['stop']), _FRAME_STEP)
                clips[verb, noun if self._match_noun else None].append(clip)
        return clips

    def _read_crop_nouns(self, content: Mapping[str, Any]) -> Mapping[str, int]:
        """Read the noun of each inactive image, by the name of its crop."""
        by_noun = content.get('inactive_images', {})
        if not isinstance(by_noun, dict):
            raise DatasetError(
                f'inactive_images in {self.annotations} is a {type(by_noun).__name__}; '
                'expected an object of lists by noun'
            )
        nouns: dict[str, int] = {}
        for noun, crops in by_noun.items():
            # An image with a noun that no clip can have cannot be paired.
            if noun not in self.noun_names:
                continue
            with naming(f'inactive_images of {noun} in {self.annotations}'):
                for crop in crops:
                    parts = (crop['v_id'], crop['f_id'], *(int(edge) for edge in crop['box']))
                    nouns['_'.join(map(str, parts))] = self.noun_names.index(noun)
        return nouns

    def _pair(
        self,
        entries: Sequence[Any],
        split: str,
        clips: Mapping[tuple[int, int | None], Sequence[FrameRange]],
    ) -> tuple[str, ...]:
        """Fill the samples; return the names of images without a clip."""
        turns: Counter[tuple[int, int | None]] = Counter()
        unpaired = []
        for number, entry in enumerate(entries):
            with naming(f'entry {number} of {split}_images in {self.annotations}'):
                name = _file_name(entry['image'])
                verb = _index(entry['verb'], self.action_names, 'verb')
                kind = verb, self._noun(entry, name) if self._match_noun else None
                candidates = clips.get(kind, ())
                if not candidates:
                    unpaired.append(name)
                    continue
                width, height = entry['shape']
                self._samples.append(
                    Sample(
                        sample_id=f'{split}/{number}',
                        video_path=candidates[turns[kind] % len(candidates)].path,
                        image_path=self.root / 'images' / name,
                        image_size=(int(width), int(height)),
                        actions=(verb,),
                        points=(np.asarray(entry['points'], np.float64),),
                        origin=EPIC_HOTSPOT_ORIGIN,
                    )
                )
                turns[kind] += 1
        if not self._samples:
            raise DatasetError(
                f'none of the {len(unpaired)} images of {split}_images in {self.annotations} has '
                f'a clip of its verb and noun in {split}_clips. Check that both are of one release'
            )
        return tuple(unpaired)

    def _noun(self, entry: Mapping[str, Any], name: str) -> int:
        if 'noun' in entry:
            return _index(entry['noun'], self.noun_names, 'noun')
        crop = PurePath(name).stem
        if crop not in self._crop_nouns:
            raise ValueError(
                f'the noun of {name} is neither given nor that of an inactive image. Add a '
                '`noun`, or pair by verb alone (match_noun=False)'
            )
        return self._crop_nouns[crop]


def _names(content: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    names = _entries(content, key, path)
    if not all(isinstance(name, str) for name in names):
        raise DatasetError(f'{key} in {path} has values that are not text; expected names')
    return tuple(names)


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
