# SPDX-License-Identifier: Apache-2.0
"""Backbone features of a whole dataset on disk, for training with a frozen backbone.

Each picture passes the backbone once, however many pairs and epochs it is part of.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from afformer_core.data.sample import Sample
from afformer_core.data.video import read_video
from afformer_core.demonstrations.media import read_image
from afformer_core.errors import DatasetError
from afformer_core.models.encoder import Encoder
from afformer_core.runtime.preprocessing import resize_to_input

_AHEAD = 8


@dataclass(frozen=True)
class FeatureCache:
    """Backbone stages of every picture of a dataset, float16, mapped from disk.

    Attributes:
        images: one array for each stage, [images, 1, C, h, w].
        videos: one array for each stage, [videos, T, C, h, w].
        image_rows: row of each image's path.
        video_rows: row of each video's path.
    """

    images: tuple[NDArray[np.float16], ...]
    videos: tuple[NDArray[np.float16], ...]
    image_rows: dict[str, int]
    video_rows: dict[str, int]


@dataclass(frozen=True)
class _Key:
    """What a cache was made from; another key means another cache."""

    images: list[str]
    videos: list[str]
    files: str
    size: list[int]
    frames: int
    backbone: float


def open_feature_cache(
    folder: Path, samples: Sequence[Sample], encoder: Encoder, size: tuple[int, int], frames: int
) -> FeatureCache:
    """Open the cache of a dataset; make it first where it is absent or of something else.

    Args:
        folder: where the cache is kept.
        samples: of the dataset.
        encoder: its backbone is run in evaluation mode.
        size: (height, width) pictures are resized to.
        frames: frames taken of each video, uniformly; every video must have as many.

    Raises:
        DatasetError: a video is too short.
        ImageError: an image cannot be read.
        VideoError: a video cannot be read.
    """
    key = _Key(
        sorted({str(sample.image_path) for sample in samples}),
        sorted({sample.demonstration for sample in samples}),
        _state_of_files(samples),
        list(size),
        frames,
        _magnitude(encoder.backbone_with_fpn.body),
    )
    if not _is_of(folder, key):
        _make(folder, key, encoder.eval(), {sample.demonstration: sample for sample in samples})
    stages = range(len(encoder.backbone_with_fpn.stages))
    return FeatureCache(
        tuple(np.load(folder / f'images_{stage}.npy', mmap_mode='r') for stage in stages),
        tuple(np.load(folder / f'videos_{stage}.npy', mmap_mode='r') for stage in stages),
        {path: row for row, path in enumerate(key.images)},
        {path: row for row, path in enumerate(key.videos)},
    )


def _state_of_files(samples: Sequence[Sample]) -> str:
    """Changes when a file is replaced by another one of its name."""
    paths = {path for sample in samples for path in (sample.image_path, sample.video_path)}
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.exists()):
        state = path.stat()
        digest.update(f'{path} {state.st_size} {state.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def _magnitude(body: nn.Module) -> float:
    return sum(float(p.detach().double().abs().sum()) for p in body.parameters())


def _is_of(folder: Path, key: _Key) -> bool:
    path = folder / 'key.json'
    if not path.is_file():
        return False
    fields = json.loads(path.read_text(encoding='utf-8'))
    if set(fields) != set(asdict(key)):
        return False
    found = _Key(**fields)
    # Weights that were stored in half precision are still the same backbone.
    same_backbone = math.isclose(found.backbone, key.backbone, rel_tol=1e-4)
    return same_backbone and replace(found, backbone=key.backbone) == key


def _make(folder: Path, key: _Key, encoder: Encoder, shown: Mapping[str, Sample]) -> None:
    """Make the cache; `shown` has a sample of each demonstration."""
    aside = folder.with_name(f'.{folder.name}.partial')
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    size = (key.size[0], key.size[1])
    _encode(aside, 'images', encoder, key.images, lambda path: _read_image(path, size))
    _encode(aside, 'videos', encoder, key.videos, partial(_read_clip, shown, size, key.frames))
    (aside / 'key.json').write_text(json.dumps(asdict(key)), encoding='utf-8')
    shutil.rmtree(folder, ignore_errors=True)
    aside.replace(folder)


def _encode(
    folder: Path,
    name: str,
    encoder: Encoder,
    paths: list[str],
    read: Callable[[str], NDArray[np.uint8]],
) -> None:
    """Encode the pictures, uint8 [T, h, w, 3], that `read` finds at each path."""
    arrays: list[NDArray[np.float16]] = []
    stacks = tqdm(_read_ahead(read, paths), f'backbone features of {name}', len(paths), unit='')
    for row, stack in enumerate(stacks):
        stages = _stages(encoder, stack)
        if not arrays:
            arrays = [
                open_memmap(
                    folder / f'{name}_{number}.npy',
                    mode='w+',
                    dtype=np.float16,
                    shape=(len(paths), *stage.shape),
                )
                for number, stage in enumerate(stages)
            ]
        for array, stage in zip(arrays, stages, strict=True):
            array[row] = stage
    for array in arrays:
        array.flush()  # type: ignore[attr-defined]


def _read_ahead(
    read: Callable[[str], NDArray[np.uint8]], paths: list[str]
) -> Iterator[NDArray[np.uint8]]:
    """Read in another thread, a few paths ahead of whoever iterates."""
    rest = iter(paths)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = deque(pool.submit(read, path) for path in islice(rest, _AHEAD))
        while waiting:
            stack = waiting.popleft().result()
            waiting.extend(pool.submit(read, path) for path in islice(rest, 1))
            yield stack


@torch.inference_mode()
def _stages(encoder: Encoder, stack: NDArray[np.uint8]) -> list[NDArray[np.float16]]:
    stages = encoder.backbone_with_fpn.backbone(encoder.normalise(torch.from_numpy(stack)))
    return [stage.half().numpy() for stage in stages]


def _read_image(path: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    return resize_to_input(read_image(Path(path)), size)[None]


def _read_clip(
    shown: Mapping[str, Sample], size: tuple[int, int], frames: int, demonstration: str
) -> NDArray[np.uint8]:
    sample = shown[demonstration]
    video = read_video(sample.video_path, frames, sample.clip)
    if len(video) != frames:
        raise DatasetError(
            f'{demonstration} has {len(video)} frames; training takes {frames} of each video'
        )
    return np.stack([resize_to_input(frame, size) for frame in video])
