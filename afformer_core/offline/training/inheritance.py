# SPDX-License-Identifier: Apache-2.0
"""The inheritance of a trained model from its initial model, besides the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.training.initial_weights import read_actions_alike
from afformer_core.runtime.model_folder import ModelDescription, read_description


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
            said.append(
                'drops presence (its calibration belongs to the weights before training: fit it '
                'again with afformer calibrate MODEL --annotations PAIRS)'
            )
        return f'begins with {self.folder}: {"; ".join(said) or "keeps the weights"}'

    def to_json(self) -> Mapping[str, Any]:
        """Return plain JSON types, for the description of the training."""
        return {
            'folder': str(self.folder),
            'weights_sha256': self.initial.weights_sha256,
            **{verb.replace(' ', '_'): list(names) for verb, names in self.actions.items()},
        }
