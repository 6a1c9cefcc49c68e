# SPDX-License-Identifier: Apache-2.0
"""Baselines: predictors that ignore both the video and the image, and the prior of a dataset."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import HOW_TO_NAME
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.evaluation.protocols import (
    Heatmaps,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)

Sum = NDArray[np.float64]
Key = TypeVar('Key', bound=Hashable)

_CHUNK = 64
_SIGMA = 0.3
_CROP = 224


def uniform(size: tuple[int, int]) -> Predictor:
    """Return a heatmap with the same probability at every pixel of (height, width)."""
    return _fixed(np.full(size, 1 / (size[0] * size[1]), np.float32))


def centred_gaussian(size: tuple[int, int]) -> Predictor:
    """Return a Gaussian in the middle of (height, width), whose sigma is 0.3 of each side."""
    profiles = []
    for length in size:
        offsets = (np.arange(length) - (length - 1) / 2) / (_SIGMA * length)
        profiles.append(np.exp(-0.5 * offsets**2))
    return _fixed(_normalised(np.outer(*profiles)))


def center_bias(protocol: RowsProtocol) -> Predictor:
    """Return the heatmap of "Center Bias" in the paper's Table 2, as defined in earlier work.

    It is a Gaussian with a full width at half maximum of a quarter of the side, truncated to the
    central half. Its centre is the last pixel before the centre of the image.
    """
    offsets = np.arange(_CROP) - (_CROP // 2 - 1)
    profile = np.exp(-4 * math.log(2) * (offsets / (_CROP // 4)) ** 2)
    profile[: _CROP // 4] = profile[_CROP - _CROP // 4 :] = 0
    return _fixed(protocol.prediction(_normalised(np.outer(profile, profile))))


def _fixed(heatmap: Heatmaps) -> Predictor:
    return lambda index, row: heatmap


def mean_maps(protocol: RowsProtocol, rows: Sequence[ProtocolRow]) -> Predictor:
    """Return the mean ground truth of the same action, or of all rows for an unseen action.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError(
            'there is no row to average; expected at least one annotation for a mean map'
        )
    sums = _sums_by_key(protocol, rows, [row.action for row in rows])
    maps = {action: _normalised(total) for action, total in sums.items()}
    overall = _mean(sums.values())
    return lambda index, row: maps.get(row.action, overall)


def cross_validated_mean_maps(
    protocol: RowsProtocol, rows: Sequence[ProtocolRow], folds: int = 5
) -> Predictor:
    """Return the mean ground truth of the same action in the other folds, or else of all actions.

    Groups are sorted by name and assigned to the folds in turn, so that no image or scene serves
    as its own prior.

    Args:
        protocol: protocol that computes the ground truths.
        rows: rows to predict.
        folds: folds, at least 2.

    Raises:
        ValueError: there are fewer than two groups or fewer than two folds.
    """
    groups = sorted({row.group for row in rows})
    if folds < 2 or len(groups) < 2:
        raise ValueError(
            f'got {len(groups)} images and {folds} folds; cross-validation needs two of each'
        )
    fold_of = {group: index % folds for index, group in enumerate(groups)}
    keys = [(fold_of[row.group], row.action) for row in rows]
    sums = _sums_by_key(protocol, rows, keys)
    maps: dict[tuple[int, int | None], Heatmaps] = {}
    for fold in set(fold_of.values()):
        others = {key: total for key, total in sums.items() if key[0] != fold}
        maps[fold, None] = _mean(others.values())
        for action in {action for _, action in others}:
            maps[fold, action] = _mean(total for key, total in others.items() if key[1] == action)

    def predict(index: int, row: ProtocolRow) -> Heatmaps:
        fold = fold_of[row.group]
        return maps.get((fold, row.action), maps[fold, None])

    return predict


@dataclass(frozen=True)
class BaselinePrior:
    """Prior knowledge of a dataset for baselines.

    Attributes:
        mean_maps: predictor of the mean ground truth of the same action; None without other
            images.
        label: label of its row in a table.
        constant_action: the most frequent action, 0-based.
    """

    mean_maps: Predictor | None
    label: str
    constant_action: int


def prior_from_training(
    protocol: RowsProtocol, training: AnnotatedDataset, dataset: AnnotatedDataset
) -> BaselinePrior:
    """Fit the prior to another annotation file, usually that of the training set.

    Raises:
        DatasetError: the actions of both differ.
    """
    if training.action_names != dataset.action_names:
        raise DatasetError(
            f'the prior annotations name the actions {list(training.action_names)}, the dataset '
            f'{list(dataset.action_names)}; give annotations with the same actions ({HOW_TO_NAME})'
        )
    rows = protocol.rows(training)
    maps = mean_maps(protocol, rows)
    return BaselinePrior(maps, "same action's mean map (prior annotations)", most_frequent(rows))


def prior_from_folds(protocol: RowsProtocol, rows: Sequence[ProtocolRow]) -> BaselinePrior:
    """Fit the prior to a dataset's own rows, in five folds by image or scene.

    A single image or scene has no mean maps.
    """
    several = len({row.group for row in rows}) > 1
    maps = cross_validated_mean_maps(protocol, rows) if several else None
    return BaselinePrior(maps, "same action's mean map (5 folds)", most_frequent(rows))


def most_frequent(rows: Sequence[ProtocolRow]) -> int:
    """Return the most frequent action of the rows."""
    return Counter(row.action for row in rows).most_common(1)[0][0]


def _sums_by_key(
    protocol: RowsProtocol, rows: Sequence[ProtocolRow], keys: Sequence[Key]
) -> dict[Key, Sum]:
    sums: dict[Key, Sum] = {}
    for start in range(0, len(rows), _CHUNK):
        targets = protocol.targets(rows[start : start + _CHUNK])
        for target, key in zip(targets, keys[start : start + _CHUNK], strict=True):
            if key in sums:
                sums[key] += target
            else:
                sums[key] = target.astype(np.float64)
    return sums


def _normalised(heatmap: Sum) -> Heatmaps:
    return np.asarray(heatmap / heatmap.sum(), np.float32)


def _mean(totals: Iterable[Sum]) -> Heatmaps:
    return _normalised(np.sum(list(totals), axis=0))
