# SPDX-License-Identifier: Apache-2.0
"""Settings with which the studio does not start, and requests without its token."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
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


def test_another_account_gets_nothing_without_the_token(studio: str) -> None:
    address, _, token = studio.partition('?')
    assert len(token) > len('token=') + 20
    with pytest.raises(urllib.error.HTTPError, match='401'):
        urllib.request.urlopen(address, timeout=30)
