# SPDX-License-Identifier: Apache-2.0
"""The prior of a dataset: mean heatmaps and the most frequent action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import HOW_TO_NAME
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.evaluation.baselines import ActionMeanMaps, CrossValidatedMeanMaps
from afformer_core.offline.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Predictor,
    ProtocolRow,
)


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
    protocol: EvaluationProtocol, training: AnnotatedDataset, dataset: AnnotatedDataset
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
    maps = ActionMeanMaps.fit(protocol, rows)
    return BaselinePrior(maps, "same action's mean map (prior annotations)", most_frequent(rows))


def prior_from_folds(protocol: EvaluationProtocol, rows: Sequence[ProtocolRow]) -> BaselinePrior:
    """Fit the prior to a dataset's own rows, in five folds by image or scene.

    A single image or scene has no mean maps.
    """
    several = len({row.group for row in rows}) > 1
    maps = CrossValidatedMeanMaps(protocol, rows) if several else None
    return BaselinePrior(maps, "same action's mean map (5 folds)", most_frequent(rows))


def most_frequent(rows: Sequence[ProtocolRow]) -> int:
    """Return the most frequent action of the rows."""
    return Counter(row.action for row in rows).most_common(1)[0][0]
