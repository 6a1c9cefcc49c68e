# SPDX-License-Identifier: Apache-2.0
"""The page of the reference on launch files, from the arguments that they declare."""

from __future__ import annotations

import ast
from pathlib import Path

from afformer_ros.launch_arguments import LaunchArgument, launch_arguments


def launch_page(root: Path) -> str:
    """Write the arguments of each file of `launch/` as Markdown."""
    text = (
        '# Launch files\n\n`ros2 launch afformer_ros FILE --show-args` lists the same. '
        'An argument is given as `name:=value`.\n'
    )
    for path in sorted((root / 'launch').glob('*.launch.py')):
        tree = ast.parse(path.read_text())
        said, _, command = (ast.get_docstring(tree) or '').partition('\n\n')
        text += f'\n## {path.name}\n\n{said}\n\n```sh\n{command.rstrip()}\n```\n\n'
        text += '| argument | default | |\n| --- | --- | --- |\n'
        arguments = launch_arguments(path.name.removesuffix('.launch.py'))
        for name, argument in arguments.items():
            default, description = _described(argument, root)
            text += f'| `{name}` | {default} | {description} |\n'
    return text


def _described(argument: LaunchArgument, root: Path) -> tuple[str, str]:
    """Format the default and the description of an argument."""
    description = argument.description
    if choices := [f'`{choice}`' for choice in argument.choices if choice]:
        description += f' One of {", ".join(choices)}.'
    if argument.default is None:
        return 'required', description
    default = argument.default.removeprefix(f'{root}/')
    return f'`{default}`' if default else '', description
