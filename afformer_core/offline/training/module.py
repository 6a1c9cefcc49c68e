# SPDX-License-Identifier: Apache-2.0
"""The training of one model, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.evaluation.protocols import CoarseRowsProtocol, RowsProtocol
from afformer_core.offline.training.architecture import Architecture
from afformer_core.offline.training.datasets.batch import Batch
from afformer_core.offline.training.datasets.batched_data import AnnotatedData, GroundingData
from afformer_core.offline.training.exemplars import add_exemplars, make_exemplars
from afformer_core.offline.training.initial_weights import (
    backbone_ingredients,
    initial_model,
    read_actions_alike,
)
from afformer_core.offline.training.losses import GroundingLoss
from afformer_core.offline.training.model_training import (
    ModelTraining,
    Optimization,
    freeze_softmax_invariant_biases,
)
from afformer_core.offline.training.validation import Validation, gathered, weighted_means
from afformer_core.runtime.calibrations import DecoderCertainty
from afformer_core.runtime.matching.matching import Exemplars, Matching
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    ModelDescription,
    copy_matching,
    model_ingredients,
    read_description,
    read_matching_description,
    write_description,
)
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession
from afformer_core.runtime.shipped_model import model_folder
from afformer_core.runtime.weights import save_model

_LOSS = GroundingLoss()
_OPTIMIZATION = Optimization()
# Steps between checks of the loss, which remains NaN once it is NaN; each check makes the host
# wait for the GPU.
_STEPS_UNCHECKED = 10
# Logarithm of the odds of a point whose certainty is not known.
_NEVER_CERTAIN = -20.0


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
        inheritance: settings kept from the initial model; None if there is none.
    """

    model: Afformer
    metrics = ('kld', 'sim', 'auc_j', 'top_1')
    sign = -1

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
        folder = None if initial is None else model_folder(initial)
        configuration = architecture.configuration(tuple(action_names))
        if folder is not None and loss.actions == 'none' and not configuration.heatmap_per_action:
            kept = read_description(folder).configuration.action_names
            configuration = replace(configuration, action_names=kept)
        super().__init__(initial_model(configuration, backbone_weights, folder), optimization)
        self._most_exemplars = exemplars
        self._exemplars: Exemplars | None = None
        self.loss = loss
        self.inheritance = None if folder is None else Inheritance.of(folder, configuration)
        self.ingredients = (
            backbone_ingredients(configuration.backbone, backbone_weights)
            if folder is None
            else model_ingredients(folder)
        )
        optimization.freeze(self.model)
        freeze_softmax_invariant_biases(self.model)
        if self.loss.actions == 'none':
            self.model.predictor.actioner.requires_grad_(False)
        # At 28x28 if heatmaps are trained at a reduced size.
        protocol = RowsProtocol() if loss.heatmap_size is None else CoarseRowsProtocol()
        self._validation = Validation(configuration, protocol)

    def setup(self, stage: str) -> None:
        """Report the settings kept from an initial model, and check that data and model match.

        Raises:
            ValueError: the data has longer demonstrations than the model supports, or no annotated
                pairs for exemplars.
        """
        if self._most_exemplars and not isinstance(self._data, AnnotatedData):
            raise ValueError(
                f'exemplars is {self._most_exemplars}, and the data has no annotated pairs; '
                'expected 0'
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
            self.log(f'train/{name}', value, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Check the loss, and discard the scores of the last validation."""
        super().on_validation_epoch_start()
        self._validation.scores.clear()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Measure one sample."""
        heatmaps, actions = batch.predict(self.model)
        samples, scored = self._data.validation_samples, self.loss.actions != 'none'
        for index in sorted(set(batch.samples)):
            mine = [position for position, sample in enumerate(batch.samples) if sample == index]
            of_actions = actions[mine] if scored else None
            self._validation.add(index, samples[index], heatmaps[mine], of_actions)

    def on_validation_epoch_end(self) -> None:
        """Gather the measures of all processes; each sample counts once."""
        scores = gathered(self._validation.scores)
        for name, value in weighted_means(scores).items():
            self.log(f'validation/{name}', value, prog_bar=name == 'kld', rank_zero_only=True)

    def save(
        self, folder: Path, model: Afformer, training: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        """Write the model folder, with what the model inherits (see `ModelTraining.save`)."""
        if self.inheritance is None:
            save_model(folder, model, training, dtype)
            return
        initial = self.inheritance.initial
        training = {**training, 'initial': self.inheritance.to_json()}
        save_model(folder, model, training, dtype, initial.calibration, initial.zoom_stages)
        copy_matching(self.inheritance.folder, folder)
        data = self._data
        if (
            self._exemplars is None
            and self._most_exemplars
            and isinstance(data, AnnotatedData)
            and (settings := read_description(folder).matching) is not None
        ):
            # The exemplars depend only on the pairs, not on the trained weights.
            beside = folder / MATCHING_FOLDER
            matching = Matching(
                TorchMatchingSession.load(beside),
                read_matching_description(beside).configuration,
                settings,
            )
            self._exemplars = make_exemplars(matching, data.training_samples, self._most_exemplars)
        if self._exemplars is not None:
            add_exemplars(folder, self._exemplars)
        keep_calibrations(initial, folder)

    @property
    def _data(self) -> GroundingData:
        data: GroundingData = self.trainer.datamodule  # type: ignore[attr-defined]
        return data


@dataclass(frozen=True)
class Inheritance:
    """The initial model of a training. Its zoom stages are kept, its calibration is not valid.

    Attributes:
        folder: folder of the initial model.
        initial: its description.
        actions: the actions that the model `keeps`, those that it `drops`, and those with which it
            `begins anew`.
    """

    folder: Path
    initial: ModelDescription
    actions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, folder: Path, configuration: AfformerConfiguration) -> Inheritance:
        """Determine what a model inherits from the one in a folder.

        Raises:
            ModelFolderError: the folder does not describe a model.
        """
        initial = read_description(folder)
        before, after = initial.configuration.action_names, configuration.action_names
        alike = read_actions_alike(initial.configuration, configuration)
        kept = tuple(name for name in after if alike and name in before)
        dropped, new = (
            tuple(name for name in names if name not in kept) for names in (before, after)
        )
        return cls(folder, initial, {'keeps': kept, 'drops': dropped, 'begins anew': new})

    def __str__(self) -> str:
        """Describe the inheritance in one line."""
        said = [f'{verb} the actions {", ".join(n)}' for verb, n in self.actions.items() if n]
        if self.initial.zoom_stages:
            said.append(f'keeps the zoom stages ({len(self.initial.zoom_stages)})')
        if self.initial.calibration is not None:
            kept = 'keeps presence and certainty where the matching network decides'
            said.append(
                f'{"drops presence" if self.initial.matching is None else kept} (fit its '
                'calibrations again with afformer calibrate)'
            )
        return f'begins with {self.folder}: {"; ".join(said) or "keeps the weights"}'

    def to_json(self) -> Mapping[str, Any]:
        """Return plain JSON types, for the description of the training."""
        return {
            'folder': str(self.folder),
            'weights_sha256': self.initial.weights_sha256,
            **{verb.replace(' ', '_'): list(names) for verb, names in self.actions.items()},
        }


def keep_calibrations(initial: ModelDescription, folder: Path) -> None:
    """Write the calibrations of an initial model that do not depend on its decoder.

    Those are the calibrations of presence, unless it uses the confidence of the decoder, and of
    certainty where the matching network decides. Where the decoder decides, certainty is 0, and
    actions are unknown, until they are calibrated.

    Raises:
        ModelFolderError: the folder contains no valid model.
    """
    description, valid = read_description(folder), initial.valid_calibrations
    if description.matching is None or valid.certainty is None:
        return
    own = description.all_weights_sha256
    presence = valid.presence
    if presence is not None and presence.confidence == 0:
        description = replace(description, calibration=replace(presence, weights_sha256=own))
    certainty = replace(valid.certainty, action_threshold=1.0, weights_sha256=own)
    decoder = DecoderCertainty(
        slope=0.0,
        intercept=_NEVER_CERTAIN,
        auroc=0.5,
        pairs=certainty.pairs,
        annotations='not calibrated since training',
        weights_sha256=own,
    )
    write_description(folder, replace(description, certainty=certainty, decoder_certainty=decoder))
