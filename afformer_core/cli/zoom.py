# SPDX-License-Identifier: Apache-2.0
"""`afformer zoom`: crops of a dataset around the peaks of a model, as training data."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.dataset_options import add_dataset_part
from afformer_core.cli.options.engine_options import add_processes, engine_of
from afformer_core.cli.options.path_options import INPUT_PATH, OUTPUT_FOLDER
from afformer_core.cli.options.session_options import add_backend
from afformer_core.files.paths import require_inputs_kept

_DESCRIPTION = """\
For a share of the objects, crop each demonstration around its contact and each
image around the peak of the model's first zoom stage. Write an annotation file
that lists these crops, and the other objects uncropped. Run the same command
again to continue after an interruption."""

_EXAMPLE = """example:
  afformer zoom models/sim --annotations simulated/train.json --output simulated_closer \\
      --processes 2
  afformer train -c config/train/simulated/tuned.yaml --model.initial models/sim \\
      --data.train.annotations simulated_closer/train.json
"""

_ZOOMS = ((1.5, 1.8),)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'crop a dataset to train the zoom stages of a model'
    parser = add_command(subparsers, 'zoom', run, help_text, _DESCRIPTION, _EXAMPLE)
    add_model(parser, 'model')
    parser.add_argument(
        '--annotations',
        type=INPUT_PATH,
        required=True,
        help='annotation file of a dataset, as for `afformer evaluate`',
    )
    add_dataset_part(parser, 'train')
    parser.add_argument(
        '--output', type=OUTPUT_FOLDER, required=True, help='folder for the new dataset'
    )
    parser.add_argument(
        '--zooms',
        type=float,
        nargs=2,
        metavar=('DEMONSTRATION', 'IMAGE'),
        action='append',
        help='magnification of demonstrations and images; if the option is repeated, objects use '
        'its values in turn (default: 1.5 1.8)',
    )
    parser.add_argument(
        '--share',
        type=float,
        default=0.5,
        help='share of the objects to crop, beginning with the first (default: 0.5)',
    )
    add_processes(parser)
    add_backend(parser)


def run(arguments: argparse.Namespace) -> int:
    """Crop the dataset, and print where the result is."""
    from tqdm import tqdm

    from afformer_core.offline.training.zoomed_dataset import ZoomSettings, write_zoomed_dataset
    from afformer_core.runtime.coarse_to_fine import ZoomStage
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    settings = ZoomSettings(
        model=model_folder(arguments.model or SHIPPED),
        annotations=arguments.annotations,
        root=arguments.root,
        split=arguments.split,
        stages=tuple(ZoomStage(*zooms) for zooms in arguments.zooms or _ZOOMS),
        share=arguments.share,
        backend=arguments.backend,
    )
    # The output would contain an annotation file of the same name, clips and images.
    dataset = settings.root or settings.annotations.parent
    require_inputs_kept([('--output', arguments.output)], [('the dataset', dataset)])
    engine = engine_of(arguments, arguments.processes)
    with tqdm(unit='object', desc='looking') as bar:
        for done in write_zoomed_dataset(arguments.output, settings, engine):
            bar.update(done - bar.n)
    print(f'wrote {arguments.output / settings.annotations.name}')
    return 0
