# SPDX-License-Identifier: Apache-2.0
"""Settings that a trained model keeps from its initial model, and those that it drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.training.initial_weights import read_actions_alike
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.presence import PresenceCalibration


@dataclass(frozen=True)
class Inheritance:
    """The settings beside the weights of an initial model, which are not trained.

    Attributes:
        folder: folder of the initial model.
        weights_sha256: hash of its weights, in hexadecimal.
        zoom_stages: its zoom stages, which are kept.
        calibration: its calibration, which is kept but is valid only for the initial weights; None
            if it has none.
        keeps: description of the kept settings.
        drops: description of the dropped settings, each with the reason.
        begins_anew: parts that are trained from random weights.
    """

    folder: Path
    weights_sha256: str
    zoom_stages: tuple[ZoomStage, ...]
    calibration: PresenceCalibration | None
    keeps: tuple[str, ...]
    drops: tuple[str, ...]
    begins_anew: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path, configuration: AfformerConfiguration) -> Inheritance:
        """Determine the settings that a model inherits from the one in a folder.

        Raises:
            ModelFolderError: the folder does not describe a model.
        """
        initial = read_description(folder)
        before, after = initial.configuration.action_names, configuration.action_names
        alike = read_actions_alike(initial.configuration, configuration)
        common = [name for name in after if alike and name in before]
        keeps, drops = [], []
        if initial.zoom_stages:
            keeps.append(_counted(len(initial.zoom_stages), 'zoom stage'))
        if common:
            keeps.append(_actions(common))
        lost = [name for name in before if name not in after]
        if lost:
            drops.append(f'{_actions(lost)} (not named by the data: actions.txt can name them)')
        if before and after and not alike:
            drops.append(
                f'the action head (action_pooling is {configuration.action_pooling}, not '
                f'{initial.configuration.action_pooling})'
            )
        if initial.calibration is not None:
            drops.append(
                'presence (its calibration belongs to the weights before training: fit it again '
                'with afformer calibrate MODEL --annotations PAIRS)'
            )
        new = [name for name in after if name not in common]
        return cls(
            folder,
            initial.weights_sha256,
            initial.zoom_stages,
            initial.calibration,
            tuple(keeps),
            tuple(drops),
            (_actions(new),) if new else (),
        )

    def __str__(self) -> str:
        """Describe the inheritance in one line."""
        parts = {'keeps': self.keeps, 'drops': self.drops, 'begins anew': self.begins_anew}
        said = '; '.join(f'{verb} {", ".join(what)}' for verb, what in parts.items() if what)
        return f'begins with {self.folder}: {said or "keeps the weights"}'

    def to_json(self) -> Mapping[str, Any]:
        """Return plain JSON types, for the description of the training."""
        return {
            'folder': str(self.folder),
            'weights_sha256': self.weights_sha256,
            'keeps': list(self.keeps),
            'drops': list(self.drops),
            'begins_anew': list(self.begins_anew),
        }


def _actions(names: Sequence[str]) -> str:
    return f'the action{"s" if len(names) > 1 else ""} {", ".join(names)}'


def _counted(count: int, what: str) -> str:
    return f'{count} {what}{"s" if count > 1 else ""}'
