# SPDX-License-Identifier: Apache-2.0
"""Writer of the best hand detector of a training as a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import LightningModule
from torch import nn
from torchvision.models.detection import FasterRCNN

from afformer_core.hands.detector_folder import save_hand_detector
from afformer_core.hands.motion_detector import MotionHandDetector
from afformer_core.training.callbacks.model_writer import BestWriter
from afformer_core.training.hands.module import HandTraining


class DetectorWriter(BestWriter):
    """A writer of `detector.json` and the weights."""

    # The average over eleven recalls jumps when the highest recall passes one of them.
    measure = 'hand_interaction_area'
    sign = 1
    metrics = ('hand', 'hand_interaction', 'hand_interaction_area', 'interaction')

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder of the detector (see `BestWriter.write`)."""
        assert isinstance(model, FasterRCNN | MotionHandDetector)
        assert isinstance(trained, HandTraining)
        score = round(trained.interaction_score, 4)
        save_hand_detector(
            self.folder,
            model,
            trained.architecture,
            training,
            score,
            trained.interval,
            self.dtype,
        )
