# SPDX-License-Identifier: Apache-2.0
"""`afformer import-checkpoint`: conversion of the authors' checkpoints to model folders."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any
from zipfile import is_zipfile

from afformer_core.cli.options.command import add_command
from afformer_core.cli.options.path_options import INPUT_FILE, OUTPUT_FOLDER
from afformer_core.errors import AfformerError

_DESCRIPTION = """\
Convert a checkpoint of the authors to a model folder. The command recognizes the
Lightning checkpoints of the ResNet-50 model and of the ViTDet-B model, and the
hand detector. If a tensor is unused or a parameter has no tensor, it lists the
mismatches and writes nothing. It runs no code from the file."""

_EXAMPLE = """examples:
  afformer import-checkpoint afformer_r50_opra.ckpt models/afformer_r50
  afformer import-checkpoint afformer_vitdet_b_v1.ckpt models/afformer_vitdet_b
  afformer import-checkpoint afformer_r50_epic.ckpt models/epic --actions take,put,open,close
  afformer import-checkpoint hircnn_r50fpnv2_849.pth models/hands
"""

_TITLES = {'resnet50': 'ResNet-50', 'vitdet_b': 'ViTDet-B'}


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = "convert one of the authors' checkpoints to a model folder"
    parser = add_command(subparsers, 'import-checkpoint', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument('checkpoint', type=INPUT_FILE, help='.ckpt or .pth file')
    parser.add_argument('output', type=OUTPUT_FOLDER, help='model folder to write')
    parser.add_argument(
        '--actions',
        help='names of the actions in the order of the heads, separated by commas (default: the '
        'seven actions of OPRA, for a checkpoint with seven)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Import the checkpoint, and print a description of it."""
    with arguments.checkpoint.open('rb') as file:
        # pickles, of torch 1.5 and before, or archives
        if file.read(1) != b'\x80' and not is_zipfile(file):
            raise AfformerError(f'{arguments.checkpoint} is not a checkpoint. Copy it again')
    from afformer_core.files.atomic import file_sha256
    from afformer_core.files.provenance import provenance
    from afformer_core.hands.faster_rcnn import is_hand_detector
    from afformer_core.models.pretrained.checkpoint_file import read_checkpoint

    content = read_checkpoint(arguments.checkpoint)
    facts: dict[str, Any] = {
        'imported': arguments.checkpoint.name,
        'sha256': file_sha256(arguments.checkpoint),
        'provenance': provenance(),
    }
    for key in ('epoch', 'global_step', 'pytorch-lightning_version'):
        if isinstance(content.get(key), int | str):
            facts[key.replace('pytorch-lightning_version', 'lightning')] = content[key]
    importing = _import_detector if is_hand_detector(content['state_dict']) else _import_model
    print(f'wrote {arguments.output}: {importing(arguments, content["state_dict"], facts)}')
    return 0


def _import_model(
    arguments: argparse.Namespace, state: Mapping[str, Any], facts: Mapping[str, Any]
) -> str:
    """Write the folder of a grounding model, and describe it."""
    from afformer_core.models.pretrained.official_checkpoint import import_official
    from afformer_core.runtime.weights import save_model

    names = _action_names(arguments.actions, state)
    model = import_official(state, names)
    save_model(arguments.output, model, facts)
    configuration = model.configuration
    height, width = configuration.input_size
    return (
        f'{_TITLES[configuration.backbone]}, {width}x{height}, '
        f'{configuration.maximum_frames} frames, actions {", ".join(names)}'
    )


def _import_detector(
    arguments: argparse.Namespace, state: Mapping[str, Any], facts: Mapping[str, Any]
) -> str:
    """Write the folder of a hand detector, and describe it."""
    from afformer_core.hands.detector_folder import save_hand_detector
    from afformer_core.hands.faster_rcnn import OFFICIAL_ARCHITECTURE, import_hand_detector
    from afformer_core.hands.hand import CLASSES

    if arguments.actions is not None:
        raise AfformerError(
            f'{arguments.checkpoint} is a hand detector, which scores no actions. Leave out '
            '--actions'
        )
    detector = import_hand_detector(state)
    save_hand_detector(arguments.output, detector, OFFICIAL_ARCHITECTURE, facts)
    return f'hand detector, classes {", ".join(CLASSES)}'


def _action_names(given: str | None, state: Mapping[str, Any]) -> tuple[str, ...]:
    from afformer_core.actions import OPRA_ACTIONS
    from afformer_core.models.pretrained.official_checkpoint import count_actions

    count = count_actions(state)
    names = OPRA_ACTIONS if given is None else tuple(name.strip() for name in given.split(','))
    if len(names) != count:
        raise AfformerError(
            f'the checkpoint scores {count} actions, but {len(names)} names are given. Give one '
            'name for each action, in order, with --actions'
        )
    return names
