# SPDX-License-Identifier: Apache-2.0
"""One run alone works in a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from afformer_core.files.atomic import FolderHeldError, folder_lock

HOLD = """
import sys, time
from pathlib import Path
from afformer_core.files.atomic import folder_lock
with folder_lock(Path(sys.argv[1])):
    print('held', flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_until_who_holds_it_has_died(tmp_path: Path) -> None:
    command = [sys.executable, '-c', HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == 'held\n'
        told = pytest.raises(FolderHeldError, match='another run works in')
        with told, folder_lock(tmp_path, patient=False):
            pass
        other.kill()
    with folder_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []
    with folder_lock(tmp_path, patient=False):
        pass
