# SPDX-License-Identifier: Apache-2.0
"""The experiments that train grounding models."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser

from afformer_core.training.data_module import GroundingData
from afformer_core.training.experiment import Experiment
from afformer_core.training.heatmap_pictures import HeatmapPictures
from afformer_core.training.model_writer import ModelWriter
from afformer_core.training.module import GroundingTraining


class GroundingExperiment(Experiment):
    """See `Experiment`."""

    name = 'grounding'
    trained = GroundingTraining
    data = GroundingData
    data_is_chosen = True
    counted = 'pairs'
    writer = ModelWriter

    def tie(self, parser: LightningArgumentParser) -> None:
        """See `Experiment.tie`."""
        parser.link_arguments('model.architecture.input_size', 'data.init_args.input_size')
        parser.link_arguments('data.action_names', 'model.action_names', apply_on='instantiate')

    def pictures(self) -> Sequence[Callback]:
        """See `Experiment.pictures`."""
        return [HeatmapPictures()]
