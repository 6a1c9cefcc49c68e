# SPDX-License-Identifier: Apache-2.0
"""Cached features of many images in a folder, with a note of the backbone that computed them."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.errors import DatasetError
from afformer_core.files.atomic import folder_lock
from afformer_core.models.backbones.encoder import Encoder

_BACKBONE = 'backbone'
_KEY_FILE = 'key.json'
_TYPE = np.dtype(np.float16)
# Frames that pass through the backbone at once.
_FRAMES_AT_ONCE = 8
# Threads that compute on one GPU.
_THREADS_OF_A_GPU = 4

ReadStack = Callable[[Any], NDArray[np.uint8]]
Stages = tuple[NDArray[np.float16], ...]


@dataclass(frozen=True)
class ImageSet:
    """Stacks of images that pass through the backbone.

    Attributes:
        name: name of the set, and of its files.
        stacks: argument of `read` for each stack, at least one.
        read: thread-safe function that reads a stack as uint8 RGB [T, h, w, 3], with one T for
            all.
    """

    name: str
    stacks: Sequence[Any]
    read: ReadStack


def folder_of_part(cache_folder: Path, part: str, size: tuple[int, int]) -> Path:
    """Return the folder of the features of a part of the data at a size, (height, width)."""
    return cache_folder / f'{part}_{"x".join(map(str, size))}'


def open_features(
    folder: Path, sets: Sequence[ImageSet], encoder: Encoder, key: Mapping[str, Any]
) -> dict[str, Stages]:
    """Open a folder of features; compute them first if they are missing or do not match.

    They are the backbone's stages before the first trained one.

    Args:
        folder: folder of the features.
        sets: sets of images.
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        key: identity of the images, as JSON types; features with another key are not used.

    Returns:
        for each set by its name: one array for each stage, fine to coarse, float16 [stacks, T, C,
        h, w], memory-mapped from disk.

    Raises:
        AfformerError: an image cannot be read.
        DatasetError: the folder cannot be written, for example to a full disk; no features remain
            there.
        ValueError: the first stage of the backbone is trained.
    """
    backbone = encoder.backbone_with_fpn
    count = backbone.frozen_stages()
    if not count:
        raise ValueError(
            'the first stage of the backbone is trained; expected it frozen to cache features'
        )
    parameters = backbone.stage_parameters(count)
    magnitude = sum(float(parameter.detach().double().abs().sum()) for parameter in parameters)
    whole = {**key, _BACKBONE: magnitude}
    files = {
        image_set.name: [folder / f'{image_set.name}_{stage}.npy' for stage in backbone.stages]
        for image_set in sets
    }
    needed = [file for of_set in files.values() for file in of_set[:count]]
    if not _has_features(folder, needed, whole):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder_lock(folder.parent), _evaluating(encoder):
            # Another process may have computed them in the meantime.
            if not _has_features(folder, needed, whole):
                _compute_features(folder, sets, encoder, whole)
    return {
        name: tuple(np.load(file, mmap_mode='r') for file in of_set[:count])
        for name, of_set in files.items()
    }


@contextmanager
def _evaluating(encoder: Encoder) -> Iterator[None]:
    """Set the evaluation mode and one thread for each operation (see `_write_set`)."""
    modes = [(module, module.training) for module in encoder.modules()]
    threads = torch.get_num_threads()
    encoder.eval()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        for module, training in modes:
            module.training = training


def _has_features(folder: Path, needed: Sequence[Path], key: Mapping[str, Any]) -> bool:
    """Check whether a folder has files of features with a key."""
    path = folder / _KEY_FILE
    if not path.is_file() or not all(file.is_file() for file in needed):
        return False
    found = json.loads(path.read_text(encoding='utf-8'))
    # The tolerance accepts weights that were stored in half precision.
    same = math.isclose(found.pop(_BACKBONE, math.nan), key[_BACKBONE], rel_tol=1e-4)
    return same and {**found, _BACKBONE: key[_BACKBONE]} == key


def _compute_features(
    folder: Path, sets: Sequence[ImageSet], encoder: Encoder, key: Mapping[str, Any]
) -> None:
    """Compute the features of sets, and write their folder atomically."""
    aside = folder.with_name(f'.{folder.name}.partial')
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        for image_set in sets:
            _write_set(aside, image_set, encoder)
        (aside / _KEY_FILE).write_text(json.dumps(key), encoding='utf-8')
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
    except OSError as error:
        raise DatasetError(
            f'features cannot be written to the cache folder {folder.parent}: {error}. Free some '
            'space, or choose another folder'
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_set(folder: Path, image_set: ImageSet, encoder: Encoder) -> None:
    """Write the files of a set, one for each stage.

    Sums depend on the number of threads that share them. One thread therefore computes each stack,
    and several threads compute stacks at once.
    """
    names, count = encoder.backbone_with_fpn.stages, len(image_set.stacks)
    on_cpu = encoder.mean.device.type == 'cpu'
    threads = len(os.sched_getaffinity(0)) if on_cpu else _THREADS_OF_A_GPU
    files: list[IO[bytes]] = []
    with ExitStack() as opened, ThreadPoolExecutor(threads) as pool:
        compute = partial(_stages_of, encoder, image_set.read)
        computed = _in_order(pool, compute, image_set.stacks, 2 * threads)
        for stages in tqdm(computed, f'features of {image_set.name}', count, unit=''):
            if not files:
                for name, stage in zip(names, stages, strict=False):
                    path = folder / f'{image_set.name}_{name}.npy'
                    created = opened.enter_context(path.open('wb'))
                    shape = (count, *stage.shape)
                    header = {'descr': _TYPE.str, 'fortran_order': False, 'shape': shape}
                    np.lib.format.write_array_header_1_0(created, header)
                    files.append(created)
            for file, stage in zip(files, stages, strict=True):
                file.write(np.ascontiguousarray(stage).data)
        for file in files:
            file.flush()
            os.fsync(file.fileno())


def _in_order(
    pool: ThreadPoolExecutor, compute: Callable[[Any], Stages], stacks: Sequence[Any], ahead: int
) -> Iterator[Stages]:
    """Yield the features of stacks in order; some are computed in advance."""
    rest = iter(stacks)
    waiting = deque(pool.submit(compute, stack) for stack in islice(rest, ahead))
    while waiting:
        stages = waiting.popleft().result()
        waiting.extend(pool.submit(compute, stack) for stack in islice(rest, 1))
        yield stages


@torch.inference_mode()
def _stages_of(encoder: Encoder, read: ReadStack, stack: Any) -> Stages:
    """Compute the stages of a backbone before the first one that is trained, fine to coarse."""
    try:
        images = read(stack)
    except OSError as error:
        raise DatasetError(str(error)) from error
    backbone, device = encoder.backbone_with_fpn, encoder.mean.device
    count = backbone.frozen_stages()
    found = []
    # For a whole long clip, the first layers would need gigabytes.
    for frames in np.split(images, range(_FRAMES_AT_ONCE, len(images), _FRAMES_AT_ONCE)):
        normalised = encoder.normalise(torch.from_numpy(frames).to(device))
        stages = backbone.first_stages(normalised, count)
        found.append([stage.half().cpu().numpy() for stage in stages])
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))
