# SPDX-License-Identifier: Apache-2.0
"""Command line of the training of contact heads."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser

from afformer_core.training.contact.module import ContactTraining
from afformer_core.training.contact.writer import ContactWriter
from afformer_core.training.datasets.batched_data import GroundingData
from afformer_core.training.training_cli import TrainingCli


class ContactTrainingCli(TrainingCli):
    """Command line of the training of a contact head (see `TrainingCli`)."""

    name = 'contact'
    trained = ContactTraining
    data = GroundingData
    data_is_chosen = True
    writer = ContactWriter

    def tie(self, parser: LightningArgumentParser) -> None:
        """Tie the input size (see `TrainingCli.tie`)."""
        parser.link_arguments('model.architecture.input_size', 'data.init_args.input_size')

    def images(self) -> Sequence[Callback]:
        """Return no callbacks (see `TrainingCli.images`)."""
        return ()
