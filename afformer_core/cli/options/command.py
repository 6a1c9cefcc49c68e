# SPDX-License-Identifier: Apache-2.0
"""The parser of a command, options that several commands share, and the output of a report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from afformer_core.cli.options.path_options import MODEL, REPORT_FILE, STDOUT


def add_command(
    subparsers: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Add a subcommand without options.

    Args:
        subparsers: subparsers of `afformer`.
        name: name of the subcommand.
        run: function that runs it and returns the exit status.
        help: its line in the list of subcommands.
        description, examples: texts before and after its options.
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_model(parser: Any, name: str = '--model') -> None:
    """Add an optional model folder, as an option or as a positional argument."""
    optional = {} if name.startswith('-') else {'nargs': '?'}
    parser.add_argument(
        name,
        type=MODEL,
        help='model folder, or `shipped` (default: shipped)',
        **optional,
    )


def add_seed(parser: Any, what: str) -> None:
    """Add the option for the seed of something."""
    parser.add_argument('--seed', type=int, default=0, help=f'seed of {what} (default: 0)')


def add_json(parser: Any, what: str, instead_of: str = 'the tables') -> None:
    """Add the option for a JSON file; see `print_report`."""
    parser.add_argument(
        '--json',
        type=REPORT_FILE,
        help=f'also write {what} to this JSON file; -: print JSON instead of {instead_of}',
    )


def print_report(
    arguments: argparse.Namespace,
    text: str,
    content: dict[str, Any],
    data: Sequence[Path] = (),
    seed: int | None = None,
) -> None:
    """Print a report as text or JSON, and write the file of `--json`.

    Args:
        arguments: arguments with `json`.
        text: the report as text.
        content: the report as JSON types, to which its provenance is added.
        data: files from which it was computed.
        seed: seed of the computation, or None.
    """
    from afformer_core.files.atomic import write_aside
    from afformer_core.files.provenance import provenance

    content = {**content, 'provenance': provenance(seed, data)}
    as_json = json.dumps(content, indent=2, allow_nan=False)
    print(as_json if arguments.json == STDOUT else text, flush=True)
    if arguments.json not in (None, STDOUT):
        write_aside(Path(arguments.json), (as_json + '\n').encode())
