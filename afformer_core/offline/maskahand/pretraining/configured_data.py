# SPDX-License-Identifier: Apache-2.0
"""The data of a pretraining of config/train, without its weights and its validation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.training.command import parse_training, without_needless_warnings

# Initial weights, annotations of the validation and GPUs need not exist.
_NOT_NEEDED = (
    '--output=.',
    '--trainer.accelerator=cpu',
    '--trainer.devices=1',
    '--trainer.precision=32-true',
    '--model.initial=null',
    '--model.backbone_weights=random',
    '--data.init_args.validation=null',
)


def configured_data(configurations: Sequence[Path], seed: int | None = None) -> MaskAHandData:
    """Build the data of YAML files of `afformer train`, without the validation.

    Args:
        configurations: files, of which later ones override earlier ones; at least one.
        seed: seed that replaces the data's own; None: the data's own.

    Raises:
        AfformerError: a file cannot be read, or the files do not describe a pre-training.
        DatasetError: the index cannot be read.
        ValueError: an option is out of range.
    """
    given = [*(f'--config={path}' for path in configurations), *_NOT_NEEDED]
    if seed is not None:
        given.append(f'--data.init_args.seed={seed}')
    with without_needless_warnings():
        data = parse_training(given).datamodule
    if not isinstance(data, MaskAHandData):
        names = ', '.join(map(str, configurations))
        raise AfformerError(
            f'the data of {names} is {type(data).__name__}; expected MaskAHandData. Give a '
            'configuration of pre-training such as config/train/maskahand/simulated.yaml'
        )
    return data
