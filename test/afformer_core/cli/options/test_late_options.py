# SPDX-License-Identifier: Apache-2.0
"""The help imports no library, and options that are added late work like others."""

import subprocess
import sys

import pytest

from afformer_core.cli.main import parse
from afformer_core.cli.options.late_options import LateOptionsParser


def test_the_help_of_the_command_imports_no_library() -> None:
    code = (
        'import contextlib, sys\n'
        'from afformer_core.cli.main import main\n'
        'with contextlib.suppress(SystemExit):\n'
        '    main(["--help"])\n'
        'print(sorted({"numpy", "cv2", "torch", "av", "rosbags"} & set(sys.modules)))\n'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines()[-1] == '[]'


def test_late_options_are_parsed_and_described() -> None:
    parser = LateOptionsParser()
    parser.add_late(lambda: parser.add_argument('--depth-wait', type=float, default=0.5))

    assert '--depth-wait' in parser.format_help()
    assert parser.parse_args(['--depth-wait', '0.25']).depth_wait == 0.25


def test_a_subcommand_with_late_options_parses_them() -> None:
    arguments = parse(['replay', 'bag', '--output', 'out', '--peak-tolerance', '0.125'])

    assert arguments.peak_tolerance == 0.125
    assert arguments.depth_wait == pytest.approx(0.2)
