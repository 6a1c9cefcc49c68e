# SPDX-License-Identifier: Apache-2.0
"""All measures of a model on a dataset, by the names of `docs/reference/evaluation_json.md`.

`results` are those of a model, at least one, by `protocol`; `seed` is that of the jitter and the
bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import Point, contains, inner_points
from afformer_core.offline.data.heatmaps import pad_points, target_heatmaps
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.baselines import (
    BaselinePrior,
    center_bias,
    centred_gaussian,
    uniform,
)
from afformer_core.offline.evaluation.metrics import (
    MEASURES,
    Estimates,
    RowScores,
    concatenate,
    estimate,
    in_region,
    score,
)
from afformer_core.offline.evaluation.pairs.actions import constant_hits, hit_actions
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows
from afformer_core.offline.evaluation.protocols import (
    ButtonsProtocol,
    Heatmaps,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)
from afformer_core.offline.reports.bootstrap import bootstrap_area, bootstrap_mean, bootstrap_ratio
from afformer_core.runtime.calibrations import PresenceCalibration, PresenceFeatures
from afformer_core.stream.settings import StreamSettings

MODEL = 'model'
SINGLE_DEMONSTRATION = 'single_demonstration'
UNIFORM = 'uniform'
GAUSSIAN = 'centred_gaussian'
CENTER_BIAS = 'center_bias'
MEAN_MAP = 'action_mean_map'
EVERY_ELEMENT = 'every_element'
RANDOM_ELEMENT = 'random_element'
CONSTANT_ACTION = 'constant_action'

_OF_PREDICTORS = (
    'rows',
    *MEASURES,
    'top_1',
    'balanced_accuracy',
    'which_button',
    'which_button_above_chance',
)
# Size in which a map of points is drawn before it is resampled to a coarse protocol's size.
_FINE = (256, 256)


def measure_model(
    results: Sequence[PairResult],
    protocol: RowsProtocol,
    prior: BaselinePrior,
    action_names: Sequence[str],
    calibration: PresenceCalibration | None = None,
    seed: int = 0,
    *,
    pooled: PooledRows | None = None,
) -> dict[str, Any]:
    """Measure a model and the baseline predictors.

    Args:
        prior: prior of a baseline predictor.
        action_names: names of the actions of the dataset.
        calibration: calibration of the model, or None.
        pooled: the same results by a protocol that pools demonstrations, on which the heatmaps
            are then measured; the prior is also of that protocol.
    """
    if pooled is None:
        rows = tuple(row for result in results for row in result.rows)
        scores = {MODEL: concatenate([result.scores for result in results])}
    else:
        rows = pooled.rows
        scores = {MODEL: pooled.scores, SINGLE_DEMONSTRATION: pooled.single_scores}
    knows_elements = pooled is None and all(row.scene is not None for row in rows)
    baselines = _baselines(protocol, prior, knows_elements)
    compared = protocol if pooled is None else pooled.protocol
    scores |= score(compared, rows, baselines, seed)
    actions = {
        MODEL: hit_actions(results, action_names).measure(seed),
        CONSTANT_ACTION: constant_hits(results, prior.constant_action).measure(seed),
    }
    by_action = np.array([row.action for row in rows])
    share = None
    if MEAN_MAP in scores:
        groups = [row.group for row in rows]
        share = bootstrap_ratio(scores[MODEL]['kld'], scores[MEAN_MAP]['kld'], groups, seed)
    return {
        'pairs': len(results),
        'groups': len({row.group for row in rows}),
        'milliseconds_median': float(np.median([result.milliseconds for result in results])),
        'predictors': measure_predictors(
            rows, scores, actions, seed, of_buttons=isinstance(compared, ButtonsProtocol)
        ),
        'kld_share_of_baseline': share,
        'demonstration_use': measure_demonstration_use(results, protocol, seed),
        'abstention': measure_abstention(results, calibration, seed),
        'by_action': {
            action_names[action]: estimate(scores[MODEL], rows, seed, by_action == action)
            for action in sorted(set(by_action.tolist()))
        },
        'pooling': None if pooled is None else pooled.pooling,
    }


def _baselines(
    protocol: RowsProtocol, prior: BaselinePrior, knows_elements: bool
) -> dict[str, Predictor]:
    baselines: dict[str, Predictor] = {
        UNIFORM: uniform(protocol.size),
        GAUSSIAN: centred_gaussian(protocol.size),
    }
    # It is zero at most pixels, where KLD is infinite without an epsilon.
    if protocol.epsilon:
        baselines[CENTER_BIAS] = center_bias(protocol)
    if prior.mean_maps is not None:
        baselines[MEAN_MAP] = prior.mean_maps
    if knows_elements:
        baselines[EVERY_ELEMENT] = _every_element(protocol)
    return baselines


def _every_element(protocol: RowsProtocol) -> Predictor:
    size = _FINE if protocol.at_model_size else protocol.size

    def predict(index: int, row: ProtocolRow) -> Heatmaps:
        assert row.scene is not None
        scale = np.divide((size[1], size[0]), row.image_size)
        points: NDArray[np.float64] = np.concatenate(
            [inner_points(polygon) * scale for polygon in row.scene.polygons]
        )
        heatmap: Heatmaps = target_heatmaps(pad_points([points]), size)[0].numpy()
        return protocol.prediction(heatmap) if protocol.at_model_size else heatmap

    return predict


def measure_predictors(
    rows: Sequence[ProtocolRow],
    scores: Mapping[str, RowScores],
    actions: Mapping[str, Estimates],
    seed: int = 0,
    *,
    of_buttons: bool = False,
) -> dict[str, Estimates]:
    """Measure every predictor by name, and chance.

    Args:
        rows: rows on which all predictors were scored, at least one.
        scores: scores of the rows, by the name of the predictor.
        actions: measures of the predictors that score actions, by name; `CONSTANT_ACTION` may be
            among them.
        of_buttons: whether the choice of buttons is also measured. The chosen button is the one
            whose box contains the best peak, or else is nearest to it, because a robot presses at
            one point. The box with the most probability would be a biased choice: for an
            uninformative heatmap it is the largest box. A heatmap without a peak counts as a
            guess.

    Returns:
        measures of the scored predictors, of `CONSTANT_ACTION` if given, and of `RANDOM_ELEMENT`
        if the elements are known.
    """
    groups = [row.group for row in rows]
    measured: dict[str, Estimates] = {}
    nothing = {**dict.fromkeys(_OF_PREDICTORS), 'rows': len(rows)}
    for name, own in scores.items():
        if len(own['kld']) != len(rows):
            raise ValueError(
                f'{name} was measured on {len(own["kld"])} rows; there are {len(rows)}'
            )
        buttons = {}
        if of_buttons:
            right = right_buttons(own, rows)
            buttons = {
                'which_button': bootstrap_mean(right, groups, seed),
                'which_button_above_chance': bootstrap_mean(right - guesses(rows), groups, seed),
            }
        measured[name] = {
            **nothing,
            **estimate(own, rows, seed),
            **actions.get(name, {}),
            **buttons,
        }
    if CONSTANT_ACTION in actions:
        measured[CONSTANT_ACTION] = {**nothing, **actions[CONSTANT_ACTION]}
    if all(row.scene is not None for row in rows):
        chance = float(guesses(rows).mean())
        measured[RANDOM_ELEMENT] = {
            **nothing,
            'peak_inside': chance,
            'nearest': chance,
            'which_button': chance if of_buttons else None,
        }
    return measured


def right_buttons(scores: RowScores, rows: Sequence[ProtocolRow]) -> NDArray[np.float64]:
    """Score rows with known elements: 1 if the right button is chosen, a guess if flat; [N]."""
    nearest = scores['nearest']
    return np.where(np.isnan(nearest), guesses(rows), nearest)


def guesses(rows: Sequence[ProtocolRow]) -> NDArray[np.float64]:
    """Compute how often a random element of rows with known elements is right, [N]."""
    return np.array([1 / len(row.scene.polygons) for row in rows if row.scene])


def measure_demonstration_use(
    results: Sequence[PairResult], protocol: RowsProtocol, seed: int = 0
) -> Estimates | None:
    """Measure how groundings change with a negative demonstration; None if no pair has one."""
    swaps = [result for result in results if result.pair.hard_negative is not None]
    if not swaps:
        return None
    own = np.concatenate([result.scores['kld'] for result in swaps])
    other = np.concatenate(
        [result.hard_negative_kld for result in swaps if result.hard_negative_kld is not None]
    )
    groups = [row.group for result in swaps for row in result.rows]

    def pointing(kld: NDArray[np.float64], peaks: Sequence[Point | None]) -> Estimates:
        regions = _regions(swaps, peaks, protocol)
        samples = [result.pair.sample.group for result in swaps]
        return {
            'kld': bootstrap_mean(kld, groups, seed),
            'peak_in_own_region': bootstrap_mean(regions[:, 0], samples, seed),
            'peak_in_other_region': bootstrap_mean(regions[:, 1], samples, seed),
        }

    return {
        'pairs': len(swaps),
        'of_elements': all(result.pair.sample.scene is not None for result in swaps),
        'own': pointing(own, [result.peak for result in swaps]),
        'hard_negative': pointing(other, [result.hard_negative_peak for result in swaps]),
        'kld_rise': bootstrap_mean(other - own, groups, seed),
    }


def _regions(
    swaps: Sequence[PairResult], peaks: Sequence[Point | None], protocol: RowsProtocol
) -> NDArray[np.float64]:
    """Check whether peaks are in the own and in the other region, [N, 2]; NaN without a peak."""
    rows = []
    for result, peak in zip(swaps, peaks, strict=True):
        sample, other = result.pair.sample, result.pair.hard_negative
        if peak is None or other is None:
            rows.append((np.nan, np.nan))
        else:
            rows.append(
                (_shows(sample, sample, peak, protocol), _shows(sample, other, peak, protocol))
            )
    return np.array(rows, np.float64)


def _shows(sample: Sample, shown: Sample, peak: Point, protocol: RowsProtocol) -> bool:
    """Check whether a peak is where the demonstration of another sample was annotated."""
    if sample.scene is not None and shown.scene is not None:
        return contains(sample.scene.polygons[shown.scene.element], peak)
    rows = protocol.rows([shown])
    # Both belong to one image, whose annotations may have two sizes.
    position = (np.array([peak]) + 0.5) * np.divide(shown.image_size, sample.image_size) - 0.5
    return any(
        in_region(*target_and_row, position)[0]
        for target_and_row in zip(protocol.targets(rows), rows, strict=True)
    )


def measure_abstention(
    results: Sequence[PairResult], calibration: PresenceCalibration | None = None, seed: int = 0
) -> Estimates | None:
    """Measure how often elements in view and absent ones are found, by the stream's default rule.

    Returns:
        None if no pair has a demonstration of another scene (or image).
    """
    pairs = [result for result in results if result.negative_presence_features is not None]
    if not pairs:
        return None
    negative = [
        result.negative_presence_features
        for result in pairs
        if result.negative_presence_features is not None
    ]
    own = [result.presence_features for result in pairs]
    groups = [result.rows[0].group for result in pairs]
    right = [number for number, result in enumerate(pairs) if result.is_right]

    def found(features: Sequence[PresenceFeatures], groups: Sequence[str]) -> Estimates:
        settings = StreamSettings()
        shown = [settings.is_present(known, calibration) for known in features]
        return {
            'pairs': len(features),
            'found': bootstrap_mean(shown, groups, seed),
            'median_confidence': _median([known.confidence for known in features]),
            'median_feature_similarity': _median([known.feature_similarity for known in features]),
        }

    shown, absent = _presence_scores(own, calibration), _presence_scores(negative, calibration)
    return {
        'of_scenes': all(result.pair.sample.scene is not None for result in pairs),
        'own_right': found([own[n] for n in right], [groups[n] for n in right]),
        'own': found(own, groups),
        'negative': found(negative, groups),
        'auroc': {name: bootstrap_area(shown[name], absent[name], groups, seed) for name in shown},
    }


def _presence_scores(
    features: Sequence[PresenceFeatures], calibration: PresenceCalibration | None
) -> Mapping[str, list[float]]:
    """Compute the scores that may separate own from other demonstrations, by name."""
    if calibration is None:
        return {
            name: [getattr(known, name) for known in features]
            for name in ('confidence', 'feature_similarity')
        }
    return {'presence': [calibration.presence(known) for known in features]}


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
