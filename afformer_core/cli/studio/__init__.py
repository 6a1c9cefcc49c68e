# SPDX-License-Identifier: Apache-2.0
"""`afformer studio`: a page to try demonstrations on images, and to mark own pairs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from afformer_core.cli.options.session_options import add_session_options, open_grounder

_DESCRIPTION = """\
Serve a page to try demonstrations on images, and print its address: drop a video and an image, and
see where and how; with --pairs, mark the points of your own pairs. Only browsers on this machine
can open it, unless --host is given; then the address has a token, without which nothing is
answered. Nothing leaves the machine."""

_EXAMPLE = """\
examples:
  afformer studio
  afformer studio --folder recordings --folder photographs
  afformer studio --pairs my_pairs
  afformer studio --model models/espresso --host 0.0.0.0 --port 9000"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'studio',
        help='serve a page to try demonstrations on images and to mark own pairs',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--model', type=Path, help='model folder (default: the shipped model)')
    add_session_options(parser)
    parser.add_argument(
        '--folder', type=Path, action='append', default=[], metavar='FOLDER',
        help='folder of this machine whose videos, bags and images the page may open; can be '
        'given several times (default: none)',
    )  # fmt: skip
    parser.add_argument(
        '--pairs', type=Path, metavar='FOLDER',
        help='folder of your own pairs, whose points a second tab marks (default: none)',
    )  # fmt: skip
    parser.add_argument(
        '--host', default='127.0.0.1',
        help='address to listen at, such as 0.0.0.0 for the network (default: 127.0.0.1)',
    )  # fmt: skip
    parser.add_argument('--port', type=int, default=8765, help='port (default: 8765)')
    parser.add_argument(
        '--largest-file', type=float, default=200.0, metavar='MB',
        help='largest file that can be uploaded, megabytes (default: 200)',
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    from afformer_core.studio.limits import Limits
    from afformer_core.studio.server import StudioSettings, serve

    settings = StudioSettings(
        host=arguments.host,
        port=arguments.port,
        folders=tuple(folder.resolve() for folder in arguments.folder),
        pairs=arguments.pairs,
        limits=Limits(file_bytes=round(arguments.largest_file * 1e6)),
    )
    serve(settings, lambda: open_grounder(arguments.model, arguments))
    return 0
