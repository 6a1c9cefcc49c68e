# SPDX-License-Identifier: Apache-2.0
"""Command line of the training of contact heads."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch import Callback

from afformer_core.training.callbacks.model_writer import ModelWriter
from afformer_core.training.contact.module import ContactTraining
from afformer_core.training.training_cli import GroundingTrainingCli


class ContactWriter(ModelWriter):
    """A writer of the model whose contact head finds the most contacts (see `ModelWriter`)."""

    measure = 'contact'
    sign = 1
    metrics = ('contact',)


class ContactTrainingCli(GroundingTrainingCli):
    """Command line of the training of a contact head (see `TrainingCli`)."""

    name = 'contact'
    trained = ContactTraining
    counted = 'demonstrations'
    writer = ContactWriter

    def images(self) -> Sequence[Callback]:
        """Return no callbacks (see `TrainingCli.images`)."""
        return ()
