# SPDX-License-Identifier: Apache-2.0
"""The page of the reference on launch files, from the arguments that they declare."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def launch_page(root: Path) -> str:
    """Write the arguments of each file of `launch/` as Markdown.

    Args:
        root: folder of the repository.
    """
    text = (
        '# Launch files\n\n`ros2 launch afformer_ros FILE --show-args` lists the same. '
        'An argument is given as `name:=value`.\n'
    )
    for path in sorted((root / 'launch').glob('*.launch.py')):
        tree = ast.parse(path.read_text())
        said, _, command = (ast.get_docstring(tree) or '').partition('\n\n')
        text += f'\n## {path.name}\n\n{said}\n\n```sh\n{command.rstrip()}\n```\n\n'
        text += '| argument | default | |\n| --- | --- | --- |\n'
        for name, default, description in _arguments(tree):
            text += f'| `{name}` | {default} | {description} |\n'
    return text


def _arguments(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != 'DeclareLaunchArgument':
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        default = _text(given['default_value']) if 'default_value' in given else 'required'
        description = _text(given['description'])
        if 'choices' in given:
            choices = [f'`{choice}`' for choice in ast.literal_eval(given['choices']) if choice]
            description += f' One of {", ".join(choices)}.'
        shown = default if default in ('', 'required') else f'`{default}`'
        yield _text(node.args[0]), shown, description


def _text(node: ast.expr) -> str:
    """Format a text as in the file, with names in capitals as placeholders."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return ''.join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return ast.unparse(node.value).upper()
    parts = [child.value for child in ast.walk(node) if isinstance(child, ast.Constant)]
    return '/'.join(map(str, parts))
