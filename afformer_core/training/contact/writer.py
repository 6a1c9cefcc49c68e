# SPDX-License-Identifier: Apache-2.0
"""Writer of the matching network whose contact head finds most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import LightningModule
from torch import nn

from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.runtime.weights import save_matching_network
from afformer_core.training.callbacks.model_writer import BestWriter
from afformer_core.training.contact.module import ContactTraining


class ContactWriter(BestWriter):
    """A writer of `model.json` and the weights of a matching network."""

    measure = 'contact'
    sign = 1
    metrics = ('contact',)

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        """Write the folder of the matching network (see `BestWriter.write`)."""
        assert isinstance(model, MatchingNetwork)
        assert isinstance(trained, ContactTraining)
        if trained.initial is not None:
            training = {**training, 'initial': trained.initial}
        save_matching_network(self.folder, model, training, self.dtype)
