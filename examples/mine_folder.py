#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""List the clips, in a folder of videos or bags, in which a hand touches an object.

Run it with::

    python examples/mine_folder.py ~/recordings mined
    python examples/mine_folder.py simulated/clips mined --detector simulated
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from afformer_core.cli.main import main as afformer
from afformer_core.offline.maskahand.mining.index import read_index


def main() -> int:
    """Mine a folder and print its clips; further options are passed to `afformer mine`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('folder', type=Path, help='folder to search recursively')
    parser.add_argument('output', type=Path, help='folder for the index')
    arguments, options = parser.parse_known_args()

    # An exit status of 1 means that a video could not be read to its end; the others are mined.
    status = afformer(['mine', str(arguments.folder), '--output', str(arguments.output), *options])
    index_file = arguments.output / 'index.json'
    if not index_file.is_file():
        return status
    for video in read_index(index_file).videos:
        for first, last in video.clips:
            print(f'{video.path}: {video.times[first]:.1f} to {video.times[last]:.1f} s')
    return status


if __name__ == '__main__':
    # Mining starts processes, which import this file again.
    sys.exit(main())
