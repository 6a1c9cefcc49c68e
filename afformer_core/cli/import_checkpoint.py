# SPDX-License-Identifier: Apache-2.0
"""`afformer import-checkpoint`: a checkpoint of the authors as a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_EXAMPLE = """example:
  afformer import-checkpoint afformer_r50_opra.ckpt models/afformer_r50
  afformer import-checkpoint afformer_r50_epic.ckpt models/epic --actions take,put,open,close
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'import-checkpoint',
        help='make a model folder of a checkpoint of the authors',
        description="Reads the authors' Lightning checkpoint of the ResNet-50 model, strictly: "
        'each of its tensors is used and each parameter is filled, or what does not match is '
        'listed and nothing is written. No code in the file is run.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('checkpoint', type=Path, help='the .ckpt file')
    parser.add_argument('output', type=Path, help='folder of the model')
    parser.add_argument(
        '--actions',
        help='names of the actions, separated by commas, in the order of the heads '
        "(default: OPRA's seven, where there are seven)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import, and say what it is."""
    from afformer_core.models.official_checkpoint import (
        import_official_r50,
        read_lightning_checkpoint,
    )
    from afformer_core.runtime.model_folder import file_sha256
    from afformer_core.runtime.weights import save_model

    content = read_lightning_checkpoint(arguments.checkpoint)
    names = _action_names(arguments.actions, content['state_dict'])
    model = import_official_r50(content['state_dict'], names)
    facts: dict[str, Any] = {
        'imported': arguments.checkpoint.name,
        'sha256': file_sha256(arguments.checkpoint),
    }
    for key in ('epoch', 'global_step', 'pytorch-lightning_version'):
        if isinstance(content.get(key), int | str):
            facts[key.replace('pytorch-lightning_version', 'lightning')] = content[key]
    save_model(arguments.output, model, facts)
    height, width = model.configuration.input_size
    print(
        f'wrote {arguments.output}: ResNet-50, {width}x{height}, '
        f'{model.configuration.maximum_frames} frames, actions {", ".join(names)}'
    )
    return 0


def _action_names(given: str | None, state: Any) -> tuple[str, ...]:
    from afformer_core.data.opra import OPRA_ACTIONS
    from afformer_core.models.official_checkpoint import CheckpointError, count_actions

    count = count_actions(state)
    names = OPRA_ACTIONS if given is None else tuple(name.strip() for name in given.split(','))
    if len(names) != count:
        raise CheckpointError(
            f'the checkpoint scores {count} actions, and {len(names)} are named; name them in '
            'their order with --actions'
        )
    return names
