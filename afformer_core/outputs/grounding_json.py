# SPDX-License-Identifier: Apache-2.0
"""A grounding of one image as plain JSON types."""

from __future__ import annotations

from typing import Any

from afformer_core.runtime import Grounding
from afformer_core.runtime.presence import PresenceCalibration


def grounding_json(
    grounding: Grounding,
    calibration: PresenceCalibration | None,
    milliseconds: float,
    backend: str,
) -> dict[str, Any]:
    """Convert a grounding to plain JSON types, as `afformer ground` prints it.

    Args:
        grounding: the grounding; peaks are in pixels of its image.
        calibration: calibration of the model; None where there is none.
        milliseconds: time that it took.
        backend: name of the backend that computed it.
    """
    return {
        'action': grounding.action,
        'action_threshold': grounding.action_threshold,
        'actions': dict(grounding.action_scores),
        'peaks': [{'u': peak.u, 'v': peak.v, 'score': peak.score} for peak in grounding.peaks],
        'confidence': grounding.confidence,
        'feature_similarity': grounding.feature_similarity,
        'presence': grounding.presence,
        'presence_threshold': calibration.threshold if calibration else None,
        'certainty': grounding.certainty,
        'certainty_threshold': grounding.certainty_threshold,
        'milliseconds': milliseconds,
        'backend': backend,
    }
