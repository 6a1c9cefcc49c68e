# SPDX-License-Identifier: Apache-2.0
"""Samples of any dataset as a folder of pairs with points, media included."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from afformer_core.data.readers.folder_pairs import (
    ACTIONS_FILES,
    DEMONSTRATIONS,
    IMAGES,
    LICENCE_FILE,
)
from afformer_core.data.readers.point_table import POINTS_FILE, PointRow, point_table_text
from afformer_core.data.sample import Sample
from afformer_core.data.verification import points_outside
from afformer_core.errors import DatasetError
from afformer_core.licences import UNKNOWN
from afformer_core.media.frame_folder import frame_paths


def convert_to_folder(
    samples: Sequence[Sample], action_names: Sequence[str], folder: Path
) -> None:
    """Write samples as a folder with the layout of `folder_pairs`, atomically.

    Demonstrations and images are copied. Each object has its own folder; samples without a known
    object form one object at the top level.

    Args:
        samples: samples of any dataset, at least one.
        action_names: names of the actions, by the samples' indices.
        folder: the folder, which must not exist.

    Raises:
        DatasetError: the layout cannot represent a sample, because it is a part of a video, or has
            a mask or a point outside its image, or because licences differ; or a file is missing.
    """
    _require_fitting(samples)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f'.{folder.name}.', dir=folder.parent))
    try:
        writer = _Writer(aside, action_names)
        for sample in tqdm(samples, 'samples', unit=''):
            writer.add(sample)
        writer.finish(samples[0].origin.licence)
        os.chmod(aside, 0o755)
        os.rename(aside, folder)
    except BaseException:
        shutil.rmtree(aside)
        raise


def _require_fitting(samples: Sequence[Sample]) -> None:
    advice = 'Convert to a manifest instead, such as pairs.jsonl'
    for sample in samples:
        if sample.clip is not None:
            raise DatasetError(
                f'the demonstration of {sample.sample_id} is a part of {sample.video_path}, which '
                f'a folder of pairs cannot hold. {advice}'
            )
        if sample.masks:
            raise DatasetError(
                f'{sample.sample_id} has masks, which a folder of pairs cannot hold. {advice}'
            )
    if outside := points_outside(samples):
        raise DatasetError(
            f'{outside} points lie outside of their image, which a folder of pairs cannot hold. '
            f'{advice}'
        )
    if len(licences := sorted({sample.origin.licence for sample in samples})) > 1:
        raise DatasetError(
            f'the licences are {", ".join(licences)}; a folder of pairs contains one. {advice}'
        )


class _Names:
    """Unique names of files or folders for keys."""

    def __init__(self) -> None:
        self._by_key: dict[str, str] = {}

    def name(self, key: str, *proposed: str) -> str:
        """Return the name of a key: the first proposal that is not the name of another key."""
        if key not in self._by_key:
            used = set(self._by_key.values())
            tidy = [re.sub(r'[^\w.-]', '_', each).lstrip('.') or '_' for each in proposed]
            stem, suffix = os.path.splitext(tidy[-1])
            numbered = (f'{stem}_{number}{suffix}' for number in range(2, len(used) + 3))
            self._by_key[key] = next(each for each in (*tidy, *numbered) if each not in used)
        return self._by_key[key]


class _Writer:
    """A folder of pairs to which samples are added."""

    def __init__(self, folder: Path, action_names: Sequence[str]) -> None:
        self._folder = folder
        self._action_names = action_names
        self._objects = _Names()
        self._media: defaultdict[str, tuple[_Names, _Names]] = defaultdict(
            lambda: (_Names(), _Names())
        )
        self._rows: defaultdict[str, list[PointRow]] = defaultdict(list)

    def add(self, sample: Sample) -> None:
        known = sample.object_id not in (None, '.')
        name = self._objects.name(str(sample.object_id), str(sample.object_id)) if known else '.'
        demonstrations, images = self._media[name]
        clip, image = sample.video_path, sample.image_path
        demonstration, target = (
            names.name(str(path), path.name, f'{path.parent.name}_{path.name}')
            for names, path in ((demonstrations, clip), (images, image))
        )
        _copy_clip(clip, self._folder / name / DEMONSTRATIONS / demonstration)
        _copy_file(image, self._folder / name / IMAGES / target)
        for action, points in zip(sample.actions, sample.points, strict=True):
            self._rows[name] += [
                PointRow(0, demonstration, target, self._action_names[action], float(x), float(y))
                for x, y in points
            ]

    def finish(self, licence: str) -> None:
        for name, rows in self._rows.items():
            (self._folder / name / POINTS_FILE).write_text(point_table_text(rows), 'utf-8')
        names = ''.join(f'{name}\n' for name in self._action_names)
        (self._folder / ACTIONS_FILES[0]).write_text(names, 'utf-8')
        if licence != UNKNOWN:
            (self._folder / LICENCE_FILE).write_text(f'{licence}\n', 'utf-8')


def _copy_clip(clip: Path, target: Path) -> None:
    if target.exists():
        return
    paths = frame_paths(clip)
    if paths is None:
        _copy_file(clip, target)
        return
    for path in paths:
        _copy_file(path, target / path.name)


def _copy_file(source: Path, target: Path) -> None:
    if target.exists():
        return
    if not source.is_file():
        raise DatasetError(f'{source} does not exist; expected a file to copy')
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
