# SPDX-License-Identifier: Apache-2.0
"""`afformer browse`: an HTML page that shows a dataset."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.media_options import add_folder_rate
from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, OUTPUT_PAGE

if TYPE_CHECKING:
    from afformer_core.data.annotated_dataset import AnnotatedDataset
    from afformer_core.dataset_page.page import DatasetPage

_DESCRIPTION = """\
Write an HTML page that summarizes a dataset, lists its problems, and shows
samples: the frames that a model receives, the image, and the target heatmap of
training. DATASET is any dataset that `afformer train` reads, or an index written
by `afformer mine`."""

_EXAMPLE = """\
examples:
  afformer browse my_pairs
  afformer browse simulated/train.json --against simulated/validation.json
  afformer browse opra/test.json --root opra --samples 60 --frames 'uniform 64' --output pages
  afformer browse mined/index.json --output mined.html"""
_PAGE = 'dataset.html'


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'browse',
        help='show a dataset in an HTML page',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'dataset', type=INPUT_PATH,
        help='annotation file of a dataset, folder of your own pairs, or index of mined clips',
    )  # fmt: skip
    parser.add_argument(
        '--output', type=OUTPUT_PAGE, default=Path(_PAGE),
        help=f'.html file to write, or folder in which to write {_PAGE} (default: {_PAGE})',
    )  # fmt: skip
    parser.add_argument(
        '--root',
        type=INPUT_FOLDER,
        help="folder of the clips and images (default: determined by the dataset's layout)",
    )
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='test',
        help='split of EPIC-Hotspot or Ego-Exo4D (default: test)',
    )  # fmt: skip
    parser.add_argument(
        '--against', type=INPUT_PATH, metavar='OTHER',
        help='another split; images, clips and objects that occur in both splits are reported as '
        'problems. For EPIC-Hotspot, give the same file again to compare with its other split',
    )  # fmt: skip
    parser.add_argument(
        '--samples',
        type=int,
        default=24,
        metavar='N',
        help='number of samples to show (default: 24)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the random choice of samples (default: 0)'
    )
    parser.add_argument(
        '--frames', default='uniform 8', metavar='SAMPLING',
        help="sampling of the frames that a model receives, such as 'uniform 64' or "
        "'2 fps x 32 every 16'; at most eight frames are shown (default: 'uniform 8')",
    )  # fmt: skip
    add_folder_rate(parser)
    parser.add_argument(
        '--all', action='store_true',
        help='decode all clips and images (default: decode those of 100 samples, and check that '
        'the others exist)',
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page, and print its path."""
    from afformer_core.dataset_page.html import write_dataset_page
    from afformer_core.evaluation.report.html_report import report_path

    output = report_path(arguments.output, _PAGE)
    page = _page(arguments)
    write_dataset_page(output, page)
    wrong = sum(issue.count for issue in page.issues)
    print(f'{output}: {_counted(page)}; {wrong or "nothing"} to be fixed')
    return 0


def _page(arguments: argparse.Namespace) -> DatasetPage:
    from afformer_core.data.annotations import open_annotations
    from afformer_core.data.frame_sampling import parse_frame_sampling
    from afformer_core.dataset_page.annotated_page import PageSettings, annotated_page
    from afformer_core.dataset_page.mined_page import find_index, mined_page

    settings = PageSettings(
        samples=arguments.samples,
        seed=arguments.seed,
        sampling=parse_frame_sampling(arguments.frames),
        folder_rate=arguments.folder_rate,
        all_media=arguments.all,
    )
    index = find_index(arguments.dataset)
    if index is not None:
        if arguments.against is not None:
            raise ValueError(
                f'--against compares annotated datasets; {index} is an index of clips. Leave it '
                'out'
            )
        return mined_page(index, settings)
    dataset = open_annotations(arguments.dataset, arguments.root, arguments.split)
    return annotated_page(dataset, settings, _other(arguments))


def _other(arguments: argparse.Namespace) -> AnnotatedDataset | None:
    from afformer_core.data.annotations import open_annotations

    if arguments.against is None:
        return None
    other_split = 'train' if arguments.split == 'test' else 'test'
    return open_annotations(arguments.against, arguments.root, other_split)


def _counted(page: DatasetPage) -> str:
    return ', '.join(f'{number:,} {name}' for name, number in page.headline.items())
