# SPDX-License-Identifier: Apache-2.0
"""Predictions with one peak where a test wants it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from afformer_core.outputs.results import CameraFrame, SpatialView
from afformer_core.runtime.grounding import Prediction
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.settings import StreamSettings

SIZE = 64


@pytest.fixture
def predict() -> Callable[..., Prediction]:
    """A prediction of 64 x 64 with a blob of 4 pixels at (column, row), on a grey image.

    The blob looks otherwise by so many radians as it is turned.
    """

    def make(
        column: float,
        row: float,
        feature_similarity: float = 0.9,
        spread: float = 1.5,
        grey: int = 100,
        turn: float = 0.0,
    ) -> Prediction:
        rows, columns = np.mgrid[:SIZE, :SIZE]
        blob = np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * spread**2))
        probabilities = (blob / blob.sum()).astype(np.float32)
        descriptor = np.array([np.cos(turn), np.sin(turn)], np.float32)
        image = np.full((SIZE, SIZE, 3), grey, np.uint8)
        return Prediction(
            image,
            probabilities,
            {'press': 0.75, 'hold': 0.25},
            feature_similarity,
            descriptor,
            0.01,
        )

    return make


NO_DEPTH = SpatialView(None, None, 'no depth is received')
MILLISECOND = 1_000_000


class Camera:
    """Feeds a stream with images of 640 x 480."""

    def __init__(self, **settings):
        self.stream = GroundingStream()
        self.settings = StreamSettings(**settings)

    def see(
        self,
        milliseconds,
        prediction,
        demonstration='press',
        view=NO_DEPTH,
        size=(480, 640),
        frame_id='camera',
    ):
        image = np.zeros((*size, 3), np.uint8)
        frame = CameraFrame(image, milliseconds * MILLISECOND, frame_id)
        return self.stream.ground(frame, prediction, demonstration, view, self.settings)
