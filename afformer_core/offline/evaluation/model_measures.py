# SPDX-License-Identifier: Apache-2.0
"""All measures of one model on one dataset, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.offline.evaluation.baseline_prior import BaselinePrior
from afformer_core.offline.evaluation.baselines import center_bias, centred_gaussian, uniform
from afformer_core.offline.evaluation.pairs.comparison import (
    MODEL,
    Comparison,
    compare,
    compare_pooled,
)
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows, Pooling
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol, Predictor
from afformer_core.offline.evaluation.tables.abstention import Abstention, measure_abstention
from afformer_core.offline.evaluation.tables.accuracy import (
    CONSTANT_ACTION,
    measure_actions,
    measure_constant_action,
    measure_model_actions,
    measure_predictors,
)
from afformer_core.offline.evaluation.tables.counterfactual_tables import (
    DemonstrationUse,
    measure_demonstration_use,
)
from afformer_core.offline.evaluation.tables.estimates import PredictorMeasures, RowMeasures
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_ratio
from afformer_core.runtime.presence import PresenceCalibration

UNIFORM = 'uniform'
GAUSSIAN = 'centred_gaussian'
CENTER_BIAS = 'center_bias'
MEAN_MAP = 'action_mean_map'


@dataclass(frozen=True)
class ModelMeasures:
    """Every number of an evaluation; None if something is not measured.

    Attributes:
        pairs: number of pairs of demonstration and image.
        groups: number of scenes, or of images if the data has no scenes.
        milliseconds_median: median time of grounding an image.
        predictors: measures of the model and of the baselines, by name.
        kld_share_of_baseline: the model's KLD as a share of that of `MEAN_MAP`.
        demonstration_use: measures with negative demonstrations.
        abstention: measures of absent elements.
        by_action: measures of the model's rows of each action, by its name.
        pooling: counts of rows that pool the demonstrations of an image and an action, or None.
    """

    pairs: int
    groups: int
    milliseconds_median: float
    predictors: Mapping[str, PredictorMeasures]
    kld_share_of_baseline: Estimate | None
    demonstration_use: DemonstrationUse | None
    abstention: Abstention | None
    by_action: Mapping[str, RowMeasures]
    pooling: Pooling | None = None


def measure_model(
    results: Sequence[PairResult],
    protocol: EvaluationProtocol,
    prior: BaselinePrior,
    action_names: Sequence[str],
    calibration: PresenceCalibration | None = None,
    seed: int = 0,
    *,
    progress: bool = True,
    pooled: PooledRows | None = None,
) -> ModelMeasures:
    """Measure a model and the baseline predictors.

    Args:
        results: results of the model, at least one.
        protocol: protocol of the results.
        prior: prior of a baseline predictor.
        action_names: names of the actions of the dataset.
        calibration: calibration of the model, or None.
        seed: seed of jitter and bootstrap.
        progress: show a progress bar on stderr.
        pooled: the same results by a protocol that pools demonstrations, on which the heatmaps
            are then measured; the prior is also of that protocol.
    """
    baselines: dict[str, Predictor] = {
        UNIFORM: uniform(protocol.size),
        GAUSSIAN: centred_gaussian(protocol.size),
    }
    # It is zero at most pixels, where KLD is infinite without an epsilon.
    if protocol.epsilon:
        baselines[CENTER_BIAS] = center_bias(protocol)
    if prior.mean_maps is not None:
        baselines[MEAN_MAP] = prior.mean_maps
    if pooled is None:
        comparison = compare(results, protocol, baselines, seed, progress)
    else:
        comparison = compare_pooled(pooled, baselines, seed, progress)
    actions = {
        MODEL: measure_model_actions(results, action_names, seed),
        CONSTANT_ACTION: measure_constant_action(results, prior.constant_action, seed),
    }
    rows, scores = comparison.rows, comparison.scores[MODEL]
    return ModelMeasures(
        pairs=len(results),
        groups=len({row.group for row in rows}),
        milliseconds_median=float(np.median([result.milliseconds for result in results])),
        predictors=measure_predictors(comparison, actions, seed),
        kld_share_of_baseline=_share_of_baseline(comparison, seed),
        demonstration_use=measure_demonstration_use(results, protocol, seed),
        abstention=measure_abstention(results, calibration, seed),
        by_action=measure_actions(rows, scores, action_names, seed),
        pooling=None if pooled is None else pooled.pooling,
    )


def _share_of_baseline(comparison: Comparison, seed: int) -> Estimate | None:
    if MEAN_MAP not in comparison.scores:
        return None
    groups = [row.group for row in comparison.rows]
    own, baselines = comparison.scores[MODEL].kld, comparison.scores[MEAN_MAP].kld
    return bootstrap_ratio(own, baselines, groups, seed)
