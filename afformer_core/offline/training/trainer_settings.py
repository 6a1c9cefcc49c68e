# SPDX-License-Identifier: Apache-2.0
"""Checks of the trainer's options that conflict with our steps, batches or checkpoints."""

from __future__ import annotations

from typing import Any

from afformer_core.errors import AfformerError

# Values that have no effect.
_HONOURED: dict[str, tuple[Any, ...]] = {
    'check_val_every_n_epoch': (None, 1),
    'enable_checkpointing': (None, True),
    'fast_dev_run': (None, False, 0),
    'limit_train_batches': (None, 1.0),
    'max_epochs': (None, -1),
    'min_epochs': (None,),
    'overfit_batches': (None, 0.0),
    'use_distributed_sampler': (None, True),
    'default_root_dir': (None,),
}
_INSTEAD = {
    'check_val_every_n_epoch': 'val_check_interval, in steps',
    'fast_dev_run': 'max_steps and another output folder',
    'limit_train_batches': 'data.train.share',
    'max_epochs': 'max_steps',
    'min_epochs': 'max_steps',
    'overfit_batches': 'data.train.share',
    'default_root_dir': 'output',
}


def require_honoured(settings: Any) -> None:
    """Check that no option is given that would have no effect.

    Args:
        settings: settings of Lightning's trainer, by name.

    Raises:
        AfformerError: an option has no effect here, or the number of steps is missing.
    """
    for name, values in _HONOURED.items():
        if (given := settings.get(name)) not in values:
            instead = f'. Give {_INSTEAD[name]}' if name in _INSTEAD else ''
            raise AfformerError(
                f'trainer.{name} is {given!r}, which has no effect, because training counts steps '
                f'and resumes exactly{instead}'
            )
    if settings.get('max_steps', -1) < 1:
        raise AfformerError(
            f'trainer.max_steps is {settings.get("max_steps")}; expected at least 1 for the '
            'schedule'
        )
