# SPDX-License-Identifier: Apache-2.0
"""Groundings against annotations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afformer_core.evaluation.elements import contains
from afformer_core.evaluation.protocols import Row, RowsProtocol
from afformer_core.evaluation.scoring import measure
from afformer_core.replay.annotations import ImageAnnotation
from afformer_core.replay.record import ImageScores
from afformer_core.stream.results import StreamedGrounding


class AnnotationScorer:
    """Measures groundings as `afformer evaluate` does, at the size of its protocol.

    Args:
        seed: of the jitter in AUC-J.
    """

    def __init__(self, seed: int = 0) -> None:
        self._protocol = RowsProtocol()
        self._generator = np.random.default_rng(seed)

    def score(self, result: StreamedGrounding, annotation: ImageAnnotation) -> ImageScores:
        """A grounding against the truth of its image.

        The heatmap is measured of every image; the peak, its position and its normal only where
        the place was found. The distance in pixels is that to the middle of the points.
        """
        kld, sim, auc_judd = self._heatmap(result, annotation)
        pixels = millimetres = degrees = inside = None
        if result.found:
            peak, surface = result.grounding.peaks[0], result.surfaces[0]
            place = np.array([peak.u, peak.v])
            if len(annotation.points):
                pixels = float(np.linalg.norm(annotation.points.mean(axis=0) - place))
            if annotation.outline is not None:
                inside = contains(annotation.outline, (peak.u, peak.v))
            if surface.position is not None and annotation.position is not None:
                gap = np.linalg.norm(surface.position - annotation.position)
                millimetres = 1000 * float(gap)
            if surface.normal is not None and annotation.normal is not None:
                degrees = _angle(surface.normal, annotation.normal)
        return ImageScores(kld, sim, auc_judd, pixels, millimetres, degrees, inside)

    def _heatmap(
        self, result: StreamedGrounding, annotation: ImageAnnotation
    ) -> tuple[float | None, float | None, float | None]:
        if not len(annotation.points):
            return None, None, None
        heatmap = result.grounding.heatmap
        height, width = heatmap.shape
        truth = self._protocol.truths([Row(0, '', annotation.points, (width, height))])
        predicted = self._protocol.prediction(heatmap)[None]
        scores = measure(predicted, truth, self._generator)
        return float(scores.kld[0]), float(scores.sim[0]), float(scores.auc_judd[0])


def _angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Degrees between two vectors."""
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(float(np.clip(cosine, -1, 1))))
