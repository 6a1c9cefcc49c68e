# SPDX-License-Identifier: Apache-2.0
"""Computation of the features of stacks of images, in any process."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.hands.open_detector import device_of
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.parallel.engine import OpenTask, ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS
from afformer_core.parallel.worker_process import process_number

# Frames that pass through the backbone at once on a CPU, and on a GPU, for which several threads
# read.
_FRAMES_AT_ONCE = 8
_FRAMES_OF_A_GPU = 32
_READERS_OF_A_GPU = 4

ReadStack = Callable[[Any], NDArray[np.uint8]]


@dataclass(frozen=True)
class ImageSet:
    """Stacks of images that pass through the backbone.

    Attributes:
        name: name of the set, and of its files.
        stacks: argument of `read` for each stack, at least one; it is sent to other processes.
        read: function that reads a stack as uint8 RGB [T, h, w, 3], with one T for all; other
            processes must be able to import it.
    """

    name: str
    stacks: Sequence[Any]
    read: ReadStack


@dataclass(frozen=True)
class FeaturePart:
    """Some stacks of images of a set.

    Attributes:
        name: name of the set.
        rows: numbers of the stacks in the set.
        stacks: arguments of the function that reads them.
    """

    name: str
    rows: tuple[int, ...]
    stacks: tuple[Any, ...]


@dataclass(frozen=True)
class ComputedPart:
    """The features of a part.

    Attributes:
        rows: numbers of the stacks that could be read.
        stages: stages of each readable stack, fine to coarse, each float16 [T, C, h, w].
        unreadable: reason why each of the others cannot be read.
    """

    rows: tuple[int, ...]
    stages: tuple[tuple[NDArray[np.float16], ...], ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Computation:
    """The computation of the features of parts, one after another.

    Sums depend on the number of threads that share them. One thread therefore computes each stack,
    and several threads compute stacks at once.

    Attributes:
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        read: functions that read a stack, by the name of its set.
        threads: number of threads, at least 1.
        batch: number of frames that are computed together, from as many stacks as needed, while
            the threads read the next ones; None for one stack in each thread.
    """

    encoder: Encoder
    read: Mapping[str, ReadStack]
    threads: int
    batch: int | None = None

    def __call__(self, part: FeaturePart) -> ComputedPart:
        """Compute the features of a part."""
        with ThreadPoolExecutor(self.threads) as pool:
            if self.batch is None:
                compute = partial(_compute, self.encoder, self.read[part.name])
                stages = list(pool.map(compute, part.stacks))
            else:
                read = partial(_read, self.read[part.name])
                images = _in_order(pool, read, part.stacks, 2 * self.threads)
                stages = list(_in_batches(self.encoder, images, self.batch))
        found = list(zip(part.rows, stages, strict=True))
        computed = [(row, item) for row, item in found if not isinstance(item, str)]
        return ComputedPart(
            tuple(row for row, _ in computed),
            tuple(stages for _, stages in computed),
            tuple(item for _, item in found if isinstance(item, str)),
        )


def computation(
    engine: ParallelEngine, encoder: Encoder, sets: Sequence[ImageSet]
) -> OpenTask[FeaturePart, ComputedPart]:
    """Return the task of an engine of a known number of processes.

    The caller's process computes on the encoder's device, and each other process on a GPU, if it
    has one.
    """
    read = {image_set.name: image_set.read for image_set in sets}
    if engine == ONE_PROCESS:
        cores = len(os.sched_getaffinity(0))
        return partial(_on_device, encoder, read, cores)
    assert engine.processes is not None
    # Bytes, because tensors would be passed to processes of this machine in shared memory, of
    # which a container has little.
    packed = pickle.dumps(deepcopy(encoder).cpu())
    return partial(_open, packed, read, engine.processes)


def _open(packed: bytes, read: Mapping[str, ReadStack], processes: int) -> Computation:
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    encoder: Encoder = pickle.loads(packed).to(own_device())
    return _on_device(encoder, read, cores // processes)


def _on_device(encoder: Encoder, read: Mapping[str, ReadStack], cores: int) -> Computation:
    if encoder.mean.device.type == 'cpu':
        return Computation(encoder, read, max(1, cores))
    return Computation(encoder, read, _READERS_OF_A_GPU, _FRAMES_OF_A_GPU)


def own_device() -> str:
    """Return PyTorch's name of the device on which this process computes features."""
    return device_of(process_number(), torch.cuda.device_count())


@torch.inference_mode()
def stages_of(
    encoder: Encoder, stack: NDArray[np.uint8], at_once: int = _FRAMES_AT_ONCE
) -> tuple[NDArray[np.float16], ...]:
    """Compute the stages of a backbone before the first one that is trained.

    Args:
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        stack: uint8 RGB [T, h, w, 3].
        at_once: number of frames that pass through the backbone at once.

    Returns:
        one array for each stage, fine to coarse, [T, C, h, w].
    """
    backbone, device = encoder.backbone_with_fpn, encoder.mean.device
    count = backbone.frozen_stages()
    found = []
    # For a whole long clip, the first layers would need gigabytes.
    for frames in np.split(stack, range(at_once, len(stack), at_once)):
        images = encoder.normalise(torch.from_numpy(frames).to(device))
        stages = backbone.first_stages(images, count)
        found.append([stage.half().cpu().numpy() for stage in stages])
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def _compute(
    encoder: Encoder, read: ReadStack, stack: Any
) -> tuple[NDArray[np.float16], ...] | str:
    """Compute the features of a stack, or return why it cannot be read."""
    images = _read(read, stack)
    return images if isinstance(images, str) else stages_of(encoder, images)


def _read(read: ReadStack, stack: Any) -> NDArray[np.uint8] | str:
    try:
        return read(stack)
    except (AfformerError, OSError) as error:
        return str(error)


def _in_order(
    pool: ThreadPoolExecutor,
    read: Callable[[Any], NDArray[np.uint8] | str],
    stacks: Sequence[Any],
    most: int,
) -> Iterator[NDArray[np.uint8] | str]:
    """Yield the stacks that the threads of a pool read, at most `ahead` of them in advance."""
    rest = iter(stacks)
    waiting = deque(pool.submit(read, stack) for stack in islice(rest, most))
    while waiting:
        images = waiting.popleft().result()
        waiting.extend(pool.submit(read, stack) for stack in islice(rest, 1))
        yield images


def _in_batches(
    encoder: Encoder, stacks: Iterable[NDArray[np.uint8] | str], batch: int
) -> Iterator[tuple[NDArray[np.float16], ...] | str]:
    """Compute stacks together in batches of frames; pass unreadable stacks on."""
    together: list[NDArray[np.uint8] | str] = []
    frames = 0

    def computed() -> Iterator[tuple[NDArray[np.float16], ...] | str]:
        images = [item for item in together if not isinstance(item, str)]
        ends = np.cumsum([len(stack) for stack in images])[:-1]
        stages = stages_of(encoder, np.concatenate(images), batch) if images else ()
        of_stacks = iter(list(zip(*(np.split(stage, ends) for stage in stages), strict=True)))
        for item in together:
            yield item if isinstance(item, str) else tuple(next(of_stacks))

    for stack in stacks:
        together.append(stack)
        frames += 0 if isinstance(stack, str) else len(stack)
        if frames >= batch:
            yield from computed()
            together.clear()
            frames = 0
    yield from computed()
