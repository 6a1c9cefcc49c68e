# SPDX-License-Identifier: Apache-2.0
"""Cached features of many images in a folder, with a note of the backbone that computed them."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.data.cache_room import CachePart, require_room
from afformer_core.errors import DatasetError
from afformer_core.files.folder_lock import folder_lock
from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder

_AHEAD = 8
_KEY_FILE = 'key.json'
_BACKBONE = 'backbone'


@dataclass(frozen=True)
class ImageSet:
    """Stacks of images that pass the backbone.

    Attributes:
        name: name of the set, and of its files.
        stacks: names of the stacks.
        read: function from a name to uint8 RGB [T, h, w, 3], with one T for all.
    """

    name: str
    stacks: Sequence[str]
    read: Callable[[str], NDArray[np.uint8]]


def folder_of_part(cache_folder: Path, part: str, size: tuple[int, int]) -> Path:
    """Return the folder of the features of a part of the data at a size, (height, width)."""
    return cache_folder / f'{part}_{"x".join(map(str, size))}'


def open_features(
    folder: Path, sets: Sequence[ImageSet], encoder: Encoder, key: Mapping[str, Any]
) -> dict[str, tuple[NDArray[np.float16], ...]]:
    """Open a folder of features; compute them first where they are missing or of something else.

    They are the backbone's stages before the first one that is trained. If the folder has fewer
    stages, because more of the backbone was trained before, those are used, and training computes
    the others.

    Args:
        folder: folder of the features.
        sets: sets of images.
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        key: identity of the images, as JSON types; another key means other features.

    Returns:
        for each set by its name: one array for each stage, fine to coarse, float16 [stacks, T, C,
        h, w], memory-mapped from disk.

    Raises:
        AfformerError: as `read` of a set.
        DatasetError: the folder cannot be written, for example to a full disk; no features are
            left there.
        ValueError: the first stage of the backbone is trained.
    """
    backbone = encoder.backbone_with_fpn
    if not backbone.frozen_stages():
        raise ValueError(
            'the first stage of the backbone is trained; expected it frozen to cache features'
        )
    count = _kept_stages(folder, sets, backbone, key)
    if not count:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder_lock(folder.parent), _all_cores():
            # Another process may have computed them meanwhile.
            count = _kept_stages(folder, sets, backbone, key)
            if not count:
                count = backbone.frozen_stages()
                whole = {**key, _BACKBONE: _magnitude(backbone, count)}
                _make(folder, sets, encoder.eval(), whole)
    return {
        one.name: tuple(
            np.load(_file(folder, one, stage), mmap_mode='r') for stage in backbone.stages[:count]
        )
        for one in sets
    }


def _file(folder: Path, image_set: ImageSet, stage: str) -> Path:
    return folder / f'{image_set.name}_{stage}.npy'


@contextmanager
def _all_cores() -> Iterator[None]:
    """Compute on every core, whatever training does: its other processes wait meanwhile."""
    threads = torch.get_num_threads()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _magnitude(backbone: BackboneWithPyramid, count: int) -> float:
    parameters = backbone.stage_parameters(count)
    return sum(float(each.detach().double().abs().sum()) for each in parameters)


def _kept_stages(
    folder: Path, sets: Sequence[ImageSet], backbone: BackboneWithPyramid, key: Mapping[str, Any]
) -> int:
    """Count the usable stages of these images in a folder; 0 where they must be computed."""
    path = folder / _KEY_FILE
    if not path.is_file():
        return 0
    found = json.loads(path.read_text(encoding='utf-8'))
    magnitude = found.pop(_BACKBONE, None)
    if magnitude is None or found != key:
        return 0
    kept = takewhile(
        lambda stage: all(_file(folder, one, stage).is_file() for one in sets), backbone.stages
    )
    count = len(tuple(kept))
    # The tolerance accepts weights that were stored in half precision.
    same = math.isclose(magnitude, _magnitude(backbone, count), rel_tol=1e-4)
    return count if same and count <= backbone.frozen_stages() else 0


def _make(
    folder: Path, sets: Sequence[ImageSet], encoder: Encoder, key: Mapping[str, Any]
) -> None:
    aside = folder.with_name(f'.{folder.name}.partial')
    shutil.rmtree(aside, ignore_errors=True)
    require_room(folder.parent, [_expected(one, encoder) for one in sets if one.stacks])
    try:
        with _told(folder):
            aside.mkdir(parents=True)
        for one in sets:
            _encode(aside, one, encoder)
        with _told(folder):
            (aside / _KEY_FILE).write_text(json.dumps(key), encoding='utf-8')
            shutil.rmtree(folder, ignore_errors=True)
            aside.replace(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _expected(image_set: ImageSet, encoder: Encoder) -> CachePart:
    """Estimate the size of a set's features from those of its first image."""
    stack = image_set.read(image_set.stacks[0])
    frames, height, width = stack.shape[:3]
    size = sum(stage.nbytes for stage in _stages(encoder, stack[:1]))
    count = len(image_set.stacks)
    each = f' of {frames} frames' if frames > 1 else ''
    what = f'features of {count:,} {image_set.name}{each} at {width}x{height}'
    return CachePart(what, count * frames * size)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Convert an error of writing to one that says what to do."""
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f'features cannot be written to the cache folder {folder.parent}: {error}. Make room '
            'there, or name another folder'
        ) from error


def _encode(folder: Path, image_set: ImageSet, encoder: Encoder) -> None:
    text, count = f'backbone features of {image_set.name}', len(image_set.stacks)
    files: list[io.FileIO] = []
    names = encoder.backbone_with_fpn.stages
    with ExitStack() as opened:
        for stack in tqdm(_read_ahead(image_set), text, count, unit=''):
            stages = _stages(encoder, stack)
            with _told(folder):
                if not files:
                    files = [
                        opened.enter_context(_begun(_file(folder, image_set, name), count, stage))
                        for name, stage in zip(names, stages, strict=False)
                    ]
                for file, stage in zip(files, stages, strict=True):
                    _write(file, stage)


def _begun(path: Path, count: int, first: NDArray[np.float16]) -> io.FileIO:
    """Open a `.npy` file of so many arrays like the first one, and write its header.

    The arrays are written one after another: with a memory-mapped file a full disk would end the
    process. If the system can reserve room, a lack of it is noticed at once.
    """
    # Unbuffered, since a buffer would be written when the file is closed, and fail once more.
    file = io.FileIO(path, 'w')
    try:
        shape = (count, *first.shape)
        description = {'descr': first.dtype.str, 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(file, description)
        if hasattr(os, 'posix_fallocate'):
            os.posix_fallocate(file.fileno(), 0, file.tell() + count * first.nbytes)
    except BaseException:
        file.close()
        raise
    return file


def _write(file: io.FileIO, array: NDArray[np.float16]) -> None:
    rest = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    while rest:
        # On a nearly full disk a first part may be written, and the next call fails.
        rest = rest[file.write(rest) :]


def _read_ahead(image_set: ImageSet) -> Iterator[NDArray[np.uint8]]:
    """Read in another thread, a few stacks ahead of the consumer."""
    rest = iter(image_set.stacks)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = deque(pool.submit(image_set.read, name) for name in islice(rest, _AHEAD))
        while waiting:
            stack = waiting.popleft().result()
            waiting.extend(pool.submit(image_set.read, name) for name in islice(rest, 1))
            yield stack


@torch.inference_mode()
def _stages(encoder: Encoder, stack: NDArray[np.uint8]) -> list[NDArray[np.float16]]:
    on_device = torch.from_numpy(stack).to(encoder.mean.device)
    backbone, images = encoder.backbone_with_fpn, encoder.normalise(on_device)
    stages = backbone.first_stages(images, backbone.frozen_stages())
    return [stage.half().cpu().numpy() for stage in stages]
