# SPDX-License-Identifier: Apache-2.0
"""Only the record of a package whose installation was interrupted is removed."""

from __future__ import annotations

import subprocess
from pathlib import Path


def test_the_record_without_installer_goes_and_the_others_stay(root: Path, tmp_path: Path) -> None:
    packages = tmp_path / 'lib' / 'python3.11' / 'site-packages'
    for name in ('whole-1.0.dist-info', 'half-2.0.dist-info'):
        (packages / name).mkdir(parents=True)
        (packages / name / 'METADATA').write_text('Name: x\n')
    (packages / 'whole-1.0.dist-info' / 'INSTALLER').write_text('pip\n')

    tool = root / 'tools' / 'drop_incomplete_packages.sh'
    run = subprocess.run([tool, tmp_path], check=True, capture_output=True, text=True)

    assert sorted(path.name for path in packages.iterdir()) == ['whole-1.0.dist-info']
    assert run.stdout == 'Installing half-2.0 again, its installation was interrupted\n'
