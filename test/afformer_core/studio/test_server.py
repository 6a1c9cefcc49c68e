# SPDX-License-Identifier: Apache-2.0
"""Settings with which the studio does not start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from afformer_core.cli.main import main


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]

        assert main(['studio', '--port', str(port)]) == 1

    assert f'the studio cannot listen on 127.0.0.1:{port}: Address' in capsys.readouterr().err


def test_a_folder_of_pairs_that_is_not_there_is_created(tmp_path: Path) -> None:
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        for folder in (tmp_path / 'own', tmp_path / 'absent/own'):
            assert main(['studio', '--port', str(port), '--pairs', str(folder)]) == 1

    assert [path.name for path in tmp_path.iterdir()] == ['own']
