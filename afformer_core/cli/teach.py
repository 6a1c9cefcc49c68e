# SPDX-License-Identifier: Apache-2.0
"""`afformer teach`: a model that answers your own pairs with their marks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.path_options import INPUT_PATH, OUTPUT_FOLDER
from afformer_core.cli.options.session_options import add_session_options, open_grounder

_DESCRIPTION = """\
Write a copy of a model that answers your own pairs with their marks.

The marks become exemplars of the matching network. For a demonstration that
resembles one of the pairs, the model searches the image for positions that look
like its marks. Nothing is trained: a pair takes less than a second, and all other
answers, the actions, presence and certainty of the model stay as they are."""

_EXAMPLE = """\
examples:
  afformer teach my_pairs --output models/espresso
  afformer ground press.mp4 kitchen.jpg --model models/espresso"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'teach a model your own pairs'
    parser = add_command(subparsers, 'teach', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'pairs', type=INPUT_PATH, help='folder of your own pairs, or an annotation file'
    )
    parser.add_argument(
        '--output', type=OUTPUT_FOLDER, required=True, help='model folder to write; must not exist'
    )
    add_model(parser)
    add_session_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Teach the model, and print where it is."""
    from tqdm import tqdm

    from afformer_core.errors import ModelFolderError
    from afformer_core.offline.data.annotations import open_annotations
    from afformer_core.offline.training.exemplars import teach
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    samples = list(open_annotations(arguments.pairs, None, 'train'))
    model = model_folder(arguments.model or SHIPPED)
    matching = open_grounder(arguments.model, arguments).matching
    if matching is None:
        raise ModelFolderError(
            f'{model} has no matching network; expected one, such as the shipped model'
        )
    with tqdm(total=len(samples), desc='pairs', unit='pair') as bar:

        def report(done: int) -> None:
            bar.update(done - bar.n)

        count = teach(model, matching, samples, Path(arguments.output), report)
    print(f'wrote {arguments.output}, which knows the marks of {count} pairs')
    return 0
