# SPDX-License-Identifier: Apache-2.0
"""The progress of an installation is one line for each package."""

from __future__ import annotations

import subprocess
from pathlib import Path

OUTPUT = """\
Collecting torch>=2.5 (from afformer==0.1.0)
  Downloading torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)
Requirement already satisfied: numpy in ./.venv/lib/python3.11/site-packages (1.26.4)
Downloading torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl (899.8 MB)
Using cached empy-3.3.4.tar.gz (62 kB)
Installing collected packages: torch, empy
Successfully installed empy-3.3.4 torch-2.9.1
"""


def test_packages_are_shown_with_their_sizes(root: Path) -> None:
    tool = root / 'tools' / 'show_installation.sh'
    shown = subprocess.run([tool], input=OUTPUT, check=True, capture_output=True, text=True)
    assert shown.stdout == (
        '  torch-2.9.1 (899.8 MB)\n  empy-3.3.4.tar.gz (62 kB)\n  unpacking ...\n'
    )
