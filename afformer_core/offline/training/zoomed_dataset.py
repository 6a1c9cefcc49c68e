# SPDX-License-Identifier: Apache-2.0
"""Crops of a dataset around a model's peaks, as a training dataset.

- `SPLIT.json`: the unchanged pairs of the other objects, followed by the cropped ones, in OPRA's
  form
- `actions.json`: the names of the actions 1, 2, ...
- `clips/SPLIT/00000/0.mp4`: the first demonstration of object 0, around its point of contact
- `images/SPLIT/00000/0_1.jpg`: the second image of that demonstration, around the peak
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.images import read_image, write_jpeg
from afformer_core.media.video import encode_video, read_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.parallel.resumable_dataset import Production, write_json
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.coarse_to_fine import CropWindow, ZoomStage, crop_window

_SHOWN = 'demonstration'
# High quality, because camera images do not have the losses of this encoding.
_CLIP_QUALITY, _IMAGE_QUALITY = 10, 95
_RATE = 4.0
# Minimum share of the target in the crop.
_LEAST_INSIDE = 0.5


@dataclass(frozen=True, kw_only=True)
class ZoomSettings:
    """The settings of a dataset of crops.

    Attributes:
        model: folder of the model whose peaks determine the crops.
        annotations: annotation file of the dataset.
        root: see `open_annotations`.
        split: split of EPIC-Hotspot.
        stages: zoom stages, at least one, assigned to the objects in turn.
        share: share of the objects to crop, beginning with the first; above 0, at most 1.
        backend: see `ArrayGrounder.load`.

    Raises:
        ValueError: the share is out of its range, or there is no zoom stage.
    """

    model: Path
    annotations: Path
    root: Path | None
    split: str
    stages: tuple[ZoomStage, ...]
    share: float = 0.5
    backend: str = 'auto'

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f'share is {self.share}; expected above 0 and at most 1')
        if not self.stages:
            raise ValueError('the number of zoom stages is 0; expected at least 1')


def write_zoomed_dataset(
    folder: Path, settings: ZoomSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Crop some objects of a dataset, unless they are already cropped; yield the finished number.

    The other objects are not cropped, so that the model learns both from the same number of pairs
    as before. The demonstration is cropped around the peak in its first frame, each image around
    its own peak. Pairs whose target lies mostly outside are excluded.

    Args:
        folder: folder of the new dataset; its annotation file has the name of the original one.
        settings: the settings.
        engine: engine that crops the objects.

    Raises:
        DatasetError: the dataset is empty; or see `Production.run`.
        ModelFolderError: the folder does not contain a valid model.
    """
    count, name = _zoomed_count(settings), settings.annotations.stem
    ArrayGrounder.load(settings.model, settings.backend)
    description = {key: str(value) for key, value in asdict(settings).items()}
    return Production(
        folder,
        name,
        description,
        count,
        partial(_make, settings),
        partial(_merge, settings, folder),
    ).run(engine)


def _zoomed_count(settings: ZoomSettings) -> int:
    return max(1, round(settings.share * len(_groups(settings))))


def _merge(settings: ZoomSettings, goal: Path, folder: Path, entries: list[Any]) -> None:
    names = open_annotations(settings.annotations, settings.root, settings.split).action_names
    others = [sample for group in _groups(settings)[_zoomed_count(settings) :] for sample in group]
    zoomed = [entry for made in entries for entry in made]
    write_json(folder / 'actions.json', list(names))
    write_json(
        folder / f'{settings.annotations.stem}.json',
        [_as_it_is(other_sample, goal) for other_sample in others] + zoomed,
    )


def _as_it_is(sample: Sample, goal: Path) -> dict[str, Any]:
    entry = _entry(sample, sample.points, sample.image_size)
    image, video = (
        os.path.relpath(path.absolute(), goal.absolute())
        for path in (sample.image_path, sample.video_path)
    )
    return {'image_path': image, 'video_path': video, **entry}


def _make(settings: ZoomSettings, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the crops of an object; return their entries."""
    grounder, name = _grounder(settings), settings.annotations.stem
    stage = settings.stages[index % len(settings.stages)]
    demonstrations: dict[str, list[Sample]] = defaultdict(list)
    for sample in _groups(settings)[index]:
        demonstrations[sample.demonstration].append(sample)
    entries = []
    for number, samples in enumerate(demonstrations.values()):
        clip = f'clips/{name}/{index:05d}/{number}.mp4'
        frames = read_video(
            samples[0].video_path, grounder.configuration.maximum_frames, samples[0].clip
        )
        grounder.set_demonstration(frames, _SHOWN)
        window = _crop_window(grounder, frames[0], stage.demonstration_zoom)
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        # Videos cannot have an odd number of rows or columns.
        height, width = (side - side % 2 for side in window.crop(frames[0]).shape[:2])
        cut = (np.ascontiguousarray(window.crop(frame)[:height, :width]) for frame in frames)
        encode_video(folder / clip, cut, _RATE, _CLIP_QUALITY)
        for target, sample in enumerate(samples):
            image = f'images/{name}/{index:05d}/{number}_{target}.jpg'
            entry = _zoomed(grounder, sample, stage.image_zoom, folder / image)
            if entry is not None:
                entries.append({'image_path': image, 'video_path': clip, **entry})
    return entries


def _zoomed(
    grounder: ArrayGrounder, sample: Sample, zoom: float, path: Path
) -> dict[str, Any] | None:
    """Write the crop of a sample's image; return None if the target lies outside."""
    image = read_image(sample.image_path)
    window = _crop_window(grounder, image, zoom)
    width, height = sample.image_size
    rows, columns = window.of_image((height, width))
    part_width, part_height = columns.stop - columns.start, rows.stop - rows.start
    points = [of_action - (columns.start, rows.start) for of_action in sample.points]
    inside = [
        ((of_action >= -0.5) & (of_action < np.array((part_width, part_height)) - 0.5)).all(axis=1)
        for of_action in points
    ]
    if np.concatenate(inside).mean() < _LEAST_INSIDE:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_jpeg(path, window.crop(image), _IMAGE_QUALITY)
    return _entry(sample, points, (part_width, part_height))


def _entry(
    sample: Sample, points: Sequence[NDArray[np.float64]], size: tuple[int, int]
) -> dict[str, Any]:
    return {
        'width': size[0],
        'height': size[1],
        'actions': [action + 1 for action in sample.actions],
        'heatmaps': [np.round(of_action, 2).tolist() for of_action in points],
        'contact': sample.contact,
        'source': sample.origin.source,
        'licence': sample.origin.licence,
    }


def _crop_window(grounder: ArrayGrounder, image: NDArray[np.uint8], zoom: float) -> CropWindow:
    """Return the crop window around the demonstration's peak in an image, without zoom stages."""
    return crop_window(grounder.output(image, _SHOWN), grounder.configuration, zoom)


@lru_cache(maxsize=1)
def _grounder(settings: ZoomSettings) -> ArrayGrounder:
    return ArrayGrounder.load(settings.model, settings.backend, threads=1, maximum_stages=1)


@lru_cache(maxsize=1)
def _groups(settings: ZoomSettings) -> list[list[Sample]]:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in open_annotations(settings.annotations, settings.root, settings.split):
        groups[sample.group].append(sample)
    return list(groups.values())
