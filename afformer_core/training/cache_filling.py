# SPDX-License-Identifier: Apache-2.0
"""Filling of the cache of a training in advance, by the processes of an engine."""

from __future__ import annotations

from collections.abc import Sequence

from afformer_core.parallel.engine import ParallelEngine
from afformer_core.training.command import parse_training, without_needless_warnings

# No trainer is needed; this machine may have none of the GPUs that the training will have.
_TRAINER = (
    '--trainer.accelerator=cpu',
    '--trainer.devices=1',
    '--trainer.num_nodes=1',
    '--trainer.strategy=auto',
    '--trainer.precision=32-true',
)
# Placeholder; nothing is written to it.
_OUTPUT = '--output=.'


def fill_cache(arguments: Sequence[str], engine: ParallelEngine) -> None:
    """Fill the cache of a training.

    Args:
        arguments: arguments of `afformer train`; an output folder is not needed.
        engine: engine that decodes videos and computes features.

    Raises:
        AfformerError: the input is wrong, the training has no cache, or media cannot be read.
    """
    with without_needless_warnings():
        training = parse_training((_OUTPUT, *arguments, *_TRAINER))
        training.datamodule.fill_cache(training.model, engine)
