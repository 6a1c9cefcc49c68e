# SPDX-License-Identifier: Apache-2.0
"""Computation of all features of a folder, by the processes of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from afformer_core.data.cache_room import CachePart, require_room
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.read_ahead import read_ahead
from afformer_core.parallel.unreadable_media import UnreadableMedia
from afformer_core.training.datasets.feature_computation import (
    FeaturePart,
    ImageSet,
    computation,
    stages_of,
)
from afformer_core.training.datasets.feature_rows import FeatureRows, RowSet, feature_file

# Maximum number of stacks of a part, and of bytes of its features.
_PART_STACKS, _PART_BYTES = 64, 32_000_000
_PARTS_AHEAD = 2
# Minimum number of parts of a process, so that no process waits long for the last one.
_PARTS_OF_A_PROCESS = 4


def compute_features(
    folder: Path,
    sets: Sequence[ImageSet],
    encoder: Encoder,
    key: Mapping[str, Any],
    is_same: Callable[[dict[str, Any]], bool],
    engine: ParallelEngine,
) -> None:
    """Compute the features of sets, and write their folder atomically.

    Args:
        folder: folder of the features.
        sets: sets of images.
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        key: content of the folder's key.
        is_same: function that compares the key of an interrupted run with this one.
        engine: engine that computes features.

    Raises:
        AfformerError: the first stack of a set cannot be read.
        DatasetError: there is not enough space, the folder cannot be written, a process was
            killed, or images cannot be read.
    """
    planned = [_PlannedSet.of(image_set, encoder) for image_set in sets]
    rows = FeatureRows(folder, [planned_set.rows for planned_set in planned], key, is_same)
    needed = [
        CachePart(planned_set.described, rows.lacking(planned_set.rows)) for planned_set in planned
    ]
    require_room(folder.parent, needed)
    total = sum(planned_set.rows.count for planned_set in planned)
    missing = sum(len(rows.missing(image_set.name)) for image_set in sets)
    engine = engine.sized(missing, on_gpu=torch.cuda.is_available())
    step = -(-missing // (_PARTS_OF_A_PROCESS * (engine.processes or 1)))
    parts = chain.from_iterable(
        planned_set.parts(rows.missing(planned_set.rows.name), step) for planned_set in planned
    )
    unreadable = UnreadableMedia(total, 'images and videos')
    bar = tqdm(total=total, initial=total - missing, desc='backbone features', unit='')
    with rows, bar:
        opened = computation(engine, encoder, sets)
        for result in engine.map(opened, read_ahead(parts, _PARTS_AHEAD)):
            computed = result.get()
            for reason in computed.unreadable:
                unreadable.add(reason)
            rows.write(result.part.name, computed.rows, computed.stages)
            bar.update(len(result.part.rows))
        unreadable.require_none()
        rows.complete()


@dataclass(frozen=True)
class _PlannedSet:
    """A set with the shapes of its features, known from its first image.

    Attributes:
        images: the set.
        rows: its files.
        described: description of the computed features.
    """

    images: ImageSet
    rows: RowSet
    described: str

    @classmethod
    def of(cls, images: ImageSet, encoder: Encoder) -> _PlannedSet:
        stack = images.read(images.stacks[0])
        frames, height, width = stack.shape[:3]
        names = encoder.backbone_with_fpn.stages
        shapes = {
            feature_file(images.name, name): (frames, *stage.shape[1:])
            for name, stage in zip(names, stages_of(encoder, stack[:1]), strict=False)
        }
        count = len(images.stacks)
        each = f' of {frames} frames' if frames > 1 else ''
        described = f'features of {count:,} {images.name}{each} at {width}x{height}'
        return cls(images, RowSet(images.name, count, shapes), described)

    def parts(self, missing: Sequence[int], most: int) -> Iterator[FeaturePart]:
        """Yield the missing rows as parts with a maximum number of stacks."""
        fitting = min(most, _PART_STACKS, _PART_BYTES // self.rows.row_bytes)
        step = max(1, fitting)
        for start in range(0, len(missing), step):
            chosen = tuple(missing[start : start + step])
            stacks = tuple(self.images.stacks[row] for row in chosen)
            yield FeaturePart(self.images.name, chosen, stacks)
