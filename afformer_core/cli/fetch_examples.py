# SPDX-License-Identifier: Apache-2.0
"""`afformer fetch-examples`: the download of real pairs to try the model on."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.command import add_command

_DESCRIPTION = """\
Download five videos of hands that operate something, each with another image of
the same kind of object, and print the commands that ground them. They come from
public repositories under the MIT licence, at one commit each, and are about 20 MB;
LICENCES.txt beside them names the authors. They are stored in the user's cache
folder and downloaded once."""

_EXAMPLE = """examples:
  afformer fetch-examples
  afformer fetch-examples --host https://mirror.example.org/github"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'download real videos and images to try the model on'
    parser = add_command(subparsers, 'fetch-examples', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        '--host',
        help='address of a mirror of https://raw.githubusercontent.com (default: that host)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Download the pairs, and print how to ground them."""
    import shlex

    from afformer_core.example_pairs.download import HOST, download_pairs

    for pair in download_pairs(arguments.host or HOST, lambda text: print(text, flush=True)):
        words = ['afformer', 'ground', str(pair.video), str(pair.image)]
        print(f'\n{pair.title}:\n  {shlex.join(words)}')
    return 0
