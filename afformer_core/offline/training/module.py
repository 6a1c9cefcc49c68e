# SPDX-License-Identifier: Apache-2.0
"""The training of one model, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from afformer_core.licences import Ingredient
from afformer_core.models.afformer import Afformer
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.coarse_protocol import CoarseRowsProtocol
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol, RowsProtocol
from afformer_core.offline.training.architecture import Architecture
from afformer_core.offline.training.constants import freeze_softmax_invariant_biases
from afformer_core.offline.training.datasets.annotated_data import AnnotatedData
from afformer_core.offline.training.datasets.batch import Batch
from afformer_core.offline.training.datasets.batched_data import GroundingData
from afformer_core.offline.training.inheritance import Inheritance
from afformer_core.offline.training.initial_weights import backbone_ingredients, initial_model
from afformer_core.offline.training.losses import GroundingLoss
from afformer_core.offline.training.model_training import ModelTraining
from afformer_core.offline.training.optimization import Optimization
from afformer_core.offline.training.validation import Validation, gathered
from afformer_core.runtime.model_folder import model_ingredients
from afformer_core.runtime.shipped_model import model_folder

_LOSS = GroundingLoss()
_OPTIMIZATION = Optimization()
# Steps between checks of the loss, which remains NaN once it is NaN; each check makes the host
# wait for the GPU.
_STEPS_UNCHECKED = 10


class GroundingTraining(ModelTraining):
    """The training of an Afformer.

    Args:
        architecture: architecture of the model.
        action_names: names of the actions, which come from the data and are not set.
        loss: loss of heatmaps and actions.
        optimization: the optimizer and its rates.
        backbone_weights: initial weights of the backbone: `imagenet` for the EfficientNet-Lite0
            whose weights a package carries, `coco` for torchvision's detector with a ResNet-50,
            which is downloaded, a file of detectron2 for ViTDet, `pretrained` for a model of timm,
            whose weights timm fetches from its hub, or a file of them, or `random`.
        initial: initial model folder instead, or `shipped`; it may have another input size, other
            actions, or none, as after pretraining.
        exemplars: maximum number of pairs whose marks become exemplars of the initial model's
            matching network; 0: none.

    Attributes:
        exemplars: see the arguments.
        inheritance: settings kept from the initial model; None if there is none.
        ingredients: ingredients of the initial weights; empty for random ones.
    """

    model: Afformer

    def __init__(
        self,
        architecture: Architecture,
        action_names: tuple[str, ...] = (),
        loss: GroundingLoss = _LOSS,
        optimization: Optimization = _OPTIMIZATION,
        backbone_weights: str = 'random',
        initial: Path | None = None,
        exemplars: int = 0,
    ) -> None:
        if exemplars < 0:
            raise ValueError(f'exemplars is {exemplars}; expected at least 0')
        configuration = architecture.configuration(tuple(action_names))
        folder = None if initial is None else model_folder(initial)
        super().__init__(initial_model(configuration, backbone_weights, folder), optimization)
        self.exemplars = exemplars
        self.loss = loss
        self.inheritance = None if folder is None else Inheritance.of(folder, configuration)
        self.ingredients: tuple[Ingredient, ...] = (
            backbone_ingredients(configuration.backbone, backbone_weights)
            if folder is None
            else model_ingredients(folder)
        )
        optimization.freeze(self.model)
        freeze_softmax_invariant_biases(self.model)
        if self.loss.actions == 'none':
            self.model.predictor.actioner.requires_grad_(False)
        self._validation = Validation(configuration, _validation_protocol(loss))

    def setup(self, stage: str) -> None:
        """Report the settings kept from an initial model, and check that data and model match.

        Raises:
            ValueError: the data has longer demonstrations than the model supports, or no annotated
                pairs for exemplars.
        """
        if self.exemplars and not isinstance(self._data, AnnotatedData):
            raise ValueError(
                f'exemplars is {self.exemplars}, and the data has no annotated pairs; expected 0'
            )
        self._data.require_frames_within(self.model.configuration.maximum_frames)
        if self.inheritance is not None:
            self.print(self.inheritance)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of a batch."""
        memory = batch.memorize(self.model)
        heatmaps, actions = batch.ground(self.model, memory)
        targets = batch.supervision.targets((heatmaps.shape[-2], heatmaps.shape[-1]))
        loss, parts = self.loss(heatmaps, actions, targets)
        self.note_loss(loss, _STEPS_UNCHECKED)
        for name, value in parts.items():
            self.log(f'train/{name}', value, logger=False)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Check the loss, and discard the scores of the last validation."""
        super().on_validation_epoch_start()
        self._validation.scores.clear()

    def validation_step(self, batch: Batch, batch_index: int) -> dict[str, Any]:
        """Measure one sample; return its `heatmaps` [H, W] by index, for images."""
        heatmaps, actions = batch.predict(self.model)
        samples = self._data.validation_samples
        predicted = {}
        for index in sorted(set(batch.samples)):
            mine = [position for position, sample in enumerate(batch.samples) if sample == index]
            predicted[index] = self._validation.add(
                index, samples[index], heatmaps[mine], actions[mine]
            )
        return {'heatmaps': predicted}

    def on_validation_epoch_end(self) -> None:
        """Gather the measures of all processes; each sample counts once."""
        parts = gathered(self._validation.scores)
        for name, value in self._validation.means(parts).items():
            self.log(f'validation/{name}', value, prog_bar=name == 'kld', rank_zero_only=True)

    @property
    def training_samples(self) -> Sequence[Sample]:
        """The training pairs; empty if the data has no annotated ones."""
        data = self._data
        return data.training_samples if isinstance(data, AnnotatedData) else ()

    @property
    def _data(self) -> GroundingData:
        data: GroundingData = self.trainer.datamodule  # type: ignore[attr-defined]
        return data


def _validation_protocol(loss: GroundingLoss) -> EvaluationProtocol:
    """Return the protocol at 28x28 if heatmaps are trained at a reduced size, else at 256x256."""
    return RowsProtocol() if loss.heatmap_size is None else CoarseRowsProtocol()
