# SPDX-License-Identifier: Apache-2.0
"""`afformer studio`: a web page to try demonstrations on images, and to mark your own pairs."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from functools import partial
from pathlib import Path
from typing import Any

from afformer_core.cli.options.command import add_command, add_model
from afformer_core.cli.options.path_options import STORE
from afformer_core.cli.options.session_options import add_session_options, open_grounder

_DESCRIPTION = """\
Serve a web page and print its address. On the page, drop a video and an image to
see where to act, and how. With --pairs, also mark the points of your own pairs,
and teach them to a model. If ROS 2 is installed, also watch a grounding node
and record demonstrations.

Only browsers on this machine can open the page, unless --host is given. The
address contains a token, without which the server answers no request. No data
leaves the machine."""

_EXAMPLE = """\
examples:
  afformer studio
  afformer studio --pairs my_pairs --models models
  afformer studio --node /left/grounding
  afformer studio --model models/espresso --host 0.0.0.0 --port 9000"""

# Packages that the tab Robot needs; the last one contains the built messages.
_ROS_PACKAGES = ('rclpy', 'afformer_ros', 'afformer_ros.srv')


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'serve a web page to try demonstrations and to mark your own pairs'
    parser = add_command(subparsers, 'studio', run, help_text, _DESCRIPTION, _EXAMPLE)
    add_model(parser)
    add_session_options(parser)
    parser.add_argument(
        '--pairs', type=STORE, metavar='FOLDER',
        help='folder of your own pairs, created if missing; adds tabs to add and mark pairs '
        'and to teach them to a model (default: none)',
    )  # fmt: skip
    parser.add_argument(
        '--models', type=STORE, default=Path('models'), metavar='FOLDER',
        help='folder of models that are taught (default: models)',
    )  # fmt: skip
    parser.add_argument(
        '--points', type=int, default=10, metavar='N',
        help='number of points after which a pair counts as finished (default: 10)',
    )  # fmt: skip
    parser.add_argument(
        '--node', metavar='NAME',
        help='grounding node that the tab Robot shows, such as /left/grounding; needs ROS 2 '
        '(default: /grounding)',
    )  # fmt: skip
    parser.add_argument(
        '--host', default='127.0.0.1',
        help='address to listen on, such as 0.0.0.0 for all networks (default: 127.0.0.1)',
    )  # fmt: skip
    parser.add_argument('--port', type=int, default=8765, help='port to listen on (default: 8765)')
    parser.add_argument(
        '--largest-file', type=float, default=200.0, metavar='MB',
        help='maximum size of an uploaded file, in megabytes (default: 200)',
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    pairs = arguments.pairs
    if pairs is not None and not pairs.exists():
        pairs.mkdir()
        print(f'{pairs} is new. Add pairs to it in the tab Label', file=sys.stderr)
    if arguments.points < 1:
        raise ValueError(f'the number of points is {arguments.points}; expected at least 1')
    if not 0 <= arguments.port < 1 << 16:
        raise ValueError(f'the port is {arguments.port}; expected 0 to 65535')
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder
    from afformer_core.studio.limits import Limits
    from afformer_core.studio.model_worker import ModelWorker
    from afformer_core.studio.server import serve
    from afformer_core.studio.teaching.models import Models

    limits = Limits(file_bytes=round(arguments.largest_file * 1e6))
    folder = model_folder(arguments.model or SHIPPED)
    worker = ModelWorker(folder, lambda: open_grounder(folder, arguments))
    models = Models(arguments.models)
    pair_tabs = () if pairs is None else _pair_tabs(arguments, limits, worker, models)
    tabs = (*pair_tabs, *_robot_tabs(arguments.node, models))
    serve(arguments.host, arguments.port, limits, worker, tabs)
    return 0


def _pair_tabs(
    arguments: argparse.Namespace, limits: Any, worker: Any, models: Any
) -> tuple[Any, ...]:
    """Open the tabs that mark own pairs and teach them to a model."""
    from afformer_core.studio.labelling.label_tab import LabelTab
    from afformer_core.studio.labelling.point_labels import PointLabels
    from afformer_core.studio.server import StudioTab
    from afformer_core.studio.teaching.teach_tab import TeachTab

    pairs, enough = arguments.pairs, arguments.points

    def label() -> Any:
        return LabelTab(PointLabels(pairs), worker, limits, enough).turn_to

    def teach() -> Any:
        open_model = partial(open_grounder, arguments=arguments)
        return TeachTab(PointLabels(pairs), models, worker, open_model).turn_to

    return StudioTab('Label', label), StudioTab('Teach', teach)


def _robot_tabs(node: str | None, models: Any) -> tuple[Any, ...]:
    """Open the tab of a running node if ROS 2 is installed; this package itself never imports it.

    Raises:
        ValueError: a node is named, but ROS 2 is not installed.
    """
    absent = next((name for name in _ROS_PACKAGES if not importlib.util.find_spec(name)), None)
    if absent is None:
        from afformer_core.studio.server import StudioTab

        robot = importlib.import_module('afformer_ros.studio.robot_tab')
        tab = robot.RobotTab(node or '/grounding', models)
        return (StudioTab('Robot', tab.build, tab.close),)
    if node is not None:
        raise ValueError(
            f'--node is {node}, and {absent} is not installed; expected ROS 2 and this package '
            'built for it. Source their setup.bash first'
        )
    return ()
