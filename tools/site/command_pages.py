# SPDX-License-Identifier: Apache-2.0
"""Pages of the reference of the `afformer` command, from its parsers."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import textwrap
from typing import TYPE_CHECKING
from unittest import mock

from afformer_core.cli.main import build_parser

if TYPE_CHECKING:
    _Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = re.compile(r'\n*^examples?:\n(.*)\Z', re.MULTILINE | re.DOTALL)
# Width of argparse's help, in columns.
_WIDTH = '96'
_TRAINING = """\
# afformer train

Train a model with settings from YAML files and options. A later file or option overrides an
earlier one. Paths are relative to the current folder. The page on
[configuration](../configuration.md) lists the files of `config/train`.

```sh
afformer train -c config/train/own_pairs.yaml --data.train.annotations my_pairs \\
    --output models/espresso
```

"""


def command_pages() -> dict[str, str]:
    """Build the page of each subcommand and the page that lists them, by path."""
    pages = subcommand_pages()
    pages['reference/commands/train.md'] += _training_options()
    return pages


def subcommand_pages() -> dict[str, str]:
    """Build the pages without the options of `afformer train`, which take seconds to import."""
    with mock.patch.dict(os.environ, {'COLUMNS': _WIDTH}):
        subcommands = _subcommands(build_parser())
        pages = {
            f'reference/commands/{name}.md': _page(name, parser)
            for name, parser in subcommands.choices.items()
        }
    pages['reference/commands/train.md'] = _TRAINING
    pages['reference/commands/index.md'] = _list(subcommands)
    return pages


def _subcommands(parser: argparse.ArgumentParser) -> _Subcommands:
    (found,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return found


def _list(subcommands: _Subcommands) -> str:
    rows = [
        f'| [`afformer {subcommand.dest}`]({subcommand.dest}.md) | {subcommand.help} |'
        for subcommand in subcommands._choices_actions
    ]
    table = '\n'.join(['| command | |', '| --- | --- |', *rows])
    return (
        '# Commands\n\nThe subcommands of `afformer`. A command that fails prints the reason in '
        f'one line and exits with a status above 0.\n\n{table}\n'
    )


def _page(name: str, parser: argparse.ArgumentParser) -> str:
    text = f'# afformer {name}\n\n{_prose(parser.description or "")}\n\n'
    examples = _EXAMPLES.search(parser.epilog or '')
    if examples is not None:
        text += f'```sh\n{textwrap.dedent(examples[1]).rstrip()}\n```\n\n'
    parser.epilog = _EXAMPLES.sub('', parser.epilog or '') or None
    parser.description = None
    return text + f'```text\n{parser.format_help().rstrip()}\n```\n'


def _training_options() -> str:
    from afformer_core.offline.training.command import train

    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {'COLUMNS': _WIDTH}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        train(['--help'])
    # A backspace hides the usage of the parser.
    options = printed.getvalue().replace('\b', '').partition('\noptions:\n')[2]
    return f'```text\noptions:\n{options.rstrip()}\n```\n'


def _prose(description: str) -> str:
    """Convert a description to Markdown; indented paragraphs become code blocks."""
    paragraphs = [
        f'```text\n{textwrap.dedent(paragraph)}\n```' if paragraph.startswith('  ') else paragraph
        for paragraph in _sentence(description).split('\n\n')
    ]
    return '\n\n'.join(paragraphs)


def _sentence(text: str) -> str:
    return text if text.endswith('.') else f'{text[:1].upper()}{text[1:]}.'
