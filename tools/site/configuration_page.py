# SPDX-License-Identifier: Apache-2.0
"""The page of the reference on configuration files, from their opening comments."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

_COMMAND = re.compile(r'^ *(?:afformer|ros2|make) .*$', re.MULTILINE | re.DOTALL)

_INTRODUCTION = """\
# Configuration

## The nodes

[`config/ground.yaml`](../../config/ground.yaml) has every [parameter](parameters.md) of the
grounding node with its default, [`config/planner.yaml`](../../config/planner.yaml) those of the
planner, and [`config/sim_robot.yaml`](../../config/sim_robot.yaml) those of the simulated arm.
[`config/fastdds.xml`](../../config/fastdds.xml) has the transports of Fast DDS that carry camera
images.

## Training

Each file of `config/train` is a configuration, or what one changes, for
[`afformer train -c`](commands/train.md). A later file or option replaces what came before;
`afformer train -c FILE --print_config` prints what comes out.
"""


def configuration_page(root: Path) -> str:
    """Write a table of the files of each folder as Markdown."""
    folder = root / 'config' / 'train'
    paths = sorted(folder.rglob('*.yaml'), key=lambda path: (path.parent, path.name))
    text = _INTRODUCTION
    for parent, files in groupby(paths, key=lambda path: path.parent):
        text += f'\n### `{parent.relative_to(root)}`\n\n| file | |\n| --- | --- |\n'
        for path in files:
            link = f'../../{path.relative_to(root)}'
            text += f'| [`{path.stem}`]({link}) | {opening_sentence(path.read_text())} |\n'
    return text


def opening_sentence(text: str) -> str:
    """Return the comment at the top of a file, up to its first full stop."""
    lines = []
    for line in text.splitlines():
        if not line.startswith('#'):
            break
        lines.append(line[1:].removeprefix(' '))
    comment = ' '.join(_COMMAND.sub('', '\n'.join(lines)).split())
    sentence = re.split(r'(?<=\w)[.:](?=\s|$)', comment)[0]
    return sentence.replace('|', r'\|')
