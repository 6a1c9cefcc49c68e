# SPDX-License-Identifier: Apache-2.0
"""Command line of the training of hand detectors."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser

from afformer_core.training.hands.data import HandData
from afformer_core.training.hands.module import HandTraining
from afformer_core.training.hands.writer import DetectorWriter
from afformer_core.training.training_cli import TrainingCli


class HandTrainingCli(TrainingCli):
    """Command line of the training of a hand detector (see `TrainingCli`)."""

    name = 'hands'
    trained = HandTraining
    data = HandData
    data_is_chosen = False
    writer = DetectorWriter

    def tie(self, parser: LightningArgumentParser) -> None:
        """Tie the interval (see `TrainingCli.tie`)."""
        parser.link_arguments('model.interval', 'data.interval')

    def images(self) -> Sequence[Callback]:
        """Return no callbacks (see `TrainingCli.images`)."""
        return ()
