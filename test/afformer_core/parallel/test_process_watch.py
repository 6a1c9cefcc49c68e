# SPDX-License-Identifier: Apache-2.0
"""The death of a process that another depends on is told, and its life is not."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from afformer_core.parallel import process_watch
from afformer_core.parallel.process_watch import death_told, loss_told, process_with


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    program = 'import sys; sys.stdin.read()'
    with subprocess.Popen(
        [sys.executable, '-c', program, '--socket=/tmp/seldom-named'], stdin=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def test_a_death_is_told_at_once(
    other: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with death_told(other.pid, 'it died. Start it again'):
        other.kill()
        # Until it is reaped it is still there.
        told = ''
        while not told:
            time.sleep(0.01)
            told = capfd.readouterr().err

    assert told == 'afformer: error: it died. Start it again\n'


def test_a_process_that_outlives_the_work_is_not_mentioned(
    other: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with death_told(other.pid, 'it died'):
        pass
    other.kill()
    other.wait()
    with death_told(other.pid, 'it died'), death_told(None, 'it died'):
        pass

    assert capfd.readouterr().err == ''


def test_a_process_is_found_by_its_argument(other: subprocess.Popen[bytes]) -> None:
    # Its command line is empty for a moment after its start.
    while (found := process_with('--socket=/tmp/seldom-named')) is None:
        time.sleep(0.005)
    assert found == other.pid
    assert process_with('--socket=/tmp/never-' + 'named') is None


def test_a_server_that_is_lost_is_told_once_and_one_that_answers_is_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process_watch, '_INTERVAL', 0.03)
    with socket.create_server(('127.0.0.1', 0)) as server:
        address = f'127.0.0.1:{server.getsockname()[1]}'
        with loss_told(address, 'it is lost'):
            for _ in range(6):
                server.accept()[0].close()
        with loss_told(address, 'it is lost. Start it again'):
            server.accept()[0].close()
            assert capfd.readouterr().err == ''
            server.close()
            told = ''
            while not told:
                time.sleep(0.01)
                told = capfd.readouterr().err
            time.sleep(0.2)

    assert told == 'afformer: error: it is lost. Start it again\n'
    assert capfd.readouterr().err == ''
