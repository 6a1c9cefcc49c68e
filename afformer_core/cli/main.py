# SPDX-License-Identifier: Apache-2.0
"""Entry point of the ``afformer`` command.

Each subcommand is a module with ``add_parser(subparsers)``, which sets ``run`` to a function of
the parsed arguments that returns the exit status. Modules import large libraries inside that
function, so that ``afformer --help`` is quick. They are in this package; those of an optional
package are in its own package ``cli``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from afformer_core import __version__
from afformer_core.cli.options.path_options import usable_inputs
from afformer_core.errors import AfformerError, how_to_install

_GROUPS = {
    'models': ('ground', 'studio', 'replay', 'export', 'build-engine', 'bench'),
    'data': ('convert', 'simulate'),
    'training and evaluation': (
        'teach',
        'train',
        'evaluate',
        'benchmark',
        'calibrate',
        'zoom',
        'import-checkpoint',
    ),
    'unlabelled videos': ('mine', 'synthesize'),
}
SUBCOMMANDS = tuple(name for names in _GROUPS.values() for name in names)

# Extras with the packages of each subcommand, if not those of 'offline'.
_EXTRAS = {
    'ground': 'export',
    'replay': 'export',
    'bench': 'export',
    'export': 'export',
    'studio': 'studio',
    'build-engine': 'tensorrt',
    'simulate': 'sim,robot',
}
# Packages of the other subcommands, which need not be installed.
_PACKAGES = {'simulate': 'afformer_sim'}

EXAMPLES = """\
examples:
  afformer ground demonstration.mp4 camera.jpg --output overlay.png
  afformer bench
  afformer simulate --help
"""


class _GroupedHelp(argparse.RawDescriptionHelpFormatter):
    """A formatter that lists subcommands under the titles of their groups."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):
            return super()._format_action(action)
        listed = {subaction.dest: subaction for subaction in action._get_subactions()}
        parts = []
        for title, names in _GROUPS.items():
            parts.append(f'{"":{self._current_indent}}{title}:\n')
            self._indent()
            parts += [self._format_action(listed[name]) for name in names if name in listed]
            self._dedent()
        return ''.join(parts)


class _Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line, for the subcommand it belongs to."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f'unrecognized arguments: {" ".join(unknown)}')
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: error: {message}. Run `{self.prog} --help`\n')


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command with all its subcommands and their options."""
    parser = _Parser(
        prog='afformer',
        description='Ground a demonstration video in an image: find where to act, and how.',
        epilog=EXAMPLES,
        formatter_class=_GroupedHelp,
    )
    parser.add_argument('--version', action='version', version=f'afformer {__version__}')
    debug_help = 'print the traceback if an error occurs'
    parser.add_argument('--debug', action='store_true', help=debug_help)
    subparsers = parser.add_subparsers(title='subcommands', metavar='subcommand', required=True)
    for name in SUBCOMMANDS:
        package = _PACKAGES.get(name, 'afformer_core')
        if importlib.util.find_spec(package) is not None:
            module = importlib.import_module(f'{package}.cli.{name.replace("-", "_")}')
            module.add_parser(subparsers)
    for subparser in subparsers.choices.values():
        subparser.set_defaults(subparser=subparser)
        # other parsers read all arguments of a subcommand without options
        if '-' in subparser.prefix_chars:
            # without a default, so that it does not undo the option given before the subcommand
            subparser.add_argument(
                '--debug', action='store_true', default=argparse.SUPPRESS, help=debug_help
            )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments without the program's name; those of the process if None.

    Returns:
        the exit status: 0, 1 after bad input, 130 after an interruption. Bad usage exits with 2.
    """
    given = sys.argv[1:] if argv is None else argv
    arguments = build_parser().parse_args(given)
    try:
        # The arguments go to other processes, which parsers cannot.
        subparser = vars(arguments).pop('subparser')
        command = subparser.prog.rpartition(' ')[2]
        arguments.inputs = usable_inputs(subparser, arguments)
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of the output, such as `head`, has exited; avoid Python's error at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AfformerError, ValueError, OSError, ModuleNotFoundError) as error:
        if arguments.debug or str(getattr(error, 'name', '')).startswith('afformer'):
            raise
        print(f'afformer: error: {one_line(error, command)}', file=sys.stderr)
        return 1


def one_line(error: Exception, command: str) -> str:
    """Return the text of an error of a subcommand without line breaks."""
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get(command, 'offline')
        return f"the package '{error.name}' is not installed. Run {how_to_install(extra)}"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f'{error.filename}: {error.strerror}'
    return ' '.join(str(error).split()) or type(error).__name__


if __name__ == '__main__':
    sys.exit(main())
