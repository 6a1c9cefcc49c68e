# SPDX-License-Identifier: Apache-2.0
"""The page of the reference on messages and services, from the files of `msg/` and `srv/`."""

from __future__ import annotations

import re
from pathlib import Path

_FIELD = re.compile(r'^(?P<type>\S+) (?P<name>\w+(?:=\S+)?)\s*(?:# ?(?P<comment>.*))?$')


def message_page(root: Path) -> str:
    """Write a table for each message, and two for each service, as Markdown.

    Raises:
        ValueError: a line of a file is neither a comment nor a field.
    """
    text = '# Messages and services\n\n'
    for path in sorted((root / 'msg').glob('*.msg')):
        text += f'## {path.stem}\n\n`afformer_ros/msg/{path.stem}`. {_described(path.read_text())}'
    for path in sorted((root / 'srv').glob('*.srv')):
        asked, _, answered = path.read_text().partition('\n---\n')
        text += f'## {path.stem}\n\n`afformer_ros/srv/{path.stem}`. '
        text += _described(asked, 'request') + _described(answered, 'response')
    return text


def _described(text: str, heading: str = 'field') -> str:
    introduction: list[str] = []
    rows: list[list[str]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith('#'):
            said = stripped.lstrip('# ')
            if rows:
                rows[-1][2] += f' {said}'
            else:
                introduction.append(said)
        elif stripped:
            found = _FIELD.match(stripped)
            if found is None:
                raise ValueError(f'{line!r} is no field of a message; expected: type name # why')
            rows.append([f'`{found["name"]}`', f'`{found["type"]}`', found['comment'] or ''])
    described = ' '.join(introduction) + '\n\n' if introduction else ''
    if not rows:
        return described + f'The {heading} is empty.\n\n'
    lines = [f'| {heading} | type | |', '| --- | --- | --- |']
    lines += ['| ' + ' | '.join(row).replace('...', '…') + ' |' for row in rows]
    return described + '\n'.join(lines) + '\n\n'
