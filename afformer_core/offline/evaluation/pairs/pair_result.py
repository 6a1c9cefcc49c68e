# SPDX-License-Identifier: Apache-2.0
"""The result of a model on one pair of a demonstration and an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import Point
from afformer_core.offline.evaluation.metrics.scoring import RowScores
from afformer_core.offline.evaluation.pairs.pairs import Pair
from afformer_core.offline.evaluation.protocols.protocols import Heatmaps, ProtocolRow
from afformer_core.runtime.presence import PresenceFeatures


@dataclass(frozen=True)
class PairResult:
    """The result of a model for one pair.

    Attributes:
        pair: the pair.
        rows: its rows in the protocol.
        scores: measures of those rows.
        peak: best peak for a robot, from the best action of the model; (x, y) in pixels of the
            annotation.
        is_right: whether that peak is inside the demonstrated element or, if the elements are not
            known, in an annotated region.
        action_scores: action scores by name.
        milliseconds: milliseconds of grounding, without reading the image.
        hard_negative_kld: KLD of the rows with the negative demonstration, or None without one.
        hard_negative_peak: best peak with the negative demonstration, like `peak`, or None.
        presence_features: features for the presence of the demonstrated element.
        negative_presence_features: features for the presence with a demonstration of another scene
            (or image), or None without one.
        heatmaps: [N, h, w] of its rows, as the protocol compares them; None if they are not
            kept.
    """

    pair: Pair
    rows: tuple[ProtocolRow, ...]
    scores: RowScores
    peak: Point
    is_right: bool
    action_scores: Mapping[str, float]
    milliseconds: float
    hard_negative_kld: NDArray[np.float64] | None
    hard_negative_peak: Point | None
    presence_features: PresenceFeatures
    negative_presence_features: PresenceFeatures | None
    heatmaps: Heatmaps | None = None
