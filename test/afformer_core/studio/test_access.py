# SPDX-License-Identifier: Apache-2.0
"""Requests that the guard refuses, and those that it lets through."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import main
from afformer_core.studio.access import Guard, kept_token
from test.afformer_core.studio.conftest import run

LIMIT = 100
HOST = '127.0.0.1:8766'


async def _application(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get('more_body'):
        pass
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'page'})


def answer(
    query: str = 'token=secret', kind: str = 'http', **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request."""
    encoded = [
        (name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()
    ]
    scope = {'type': kind, 'headers': encoded, 'query_string': query.encode()}
    messages: list[Any] = []

    async def receive() -> Any:
        return {'type': 'http.request', 'body': b'', 'more_body': False}

    async def send(message: Any) -> None:
        messages.append(message)

    guard = Guard(_application, 'secret', LIMIT, 8766)
    run(lambda: guard(scope, receive, send))
    first = messages[0]
    told = {name.decode(): value.decode() for name, value in first.get('headers', [])}
    return first.get('status', first.get('code')), told


@pytest.mark.parametrize(
    ('origin', 'status'),
    [
        ('http://127.0.0.1:8766', 200),
        ('http://evil.example', 403),
        ('http://127.0.0.1:9999', 403),
        ('null', 403),
    ],
)
def test_pages_of_other_sites_may_not_ask(origin: str, status: int) -> None:
    assert answer(host=HOST, origin=origin)[0] == status
    if status == 403:
        assert answer(kind='websocket', host=HOST, origin=origin)[0] == 1008


def test_the_token_opens_the_page_and_is_kept_as_a_cookie() -> None:
    status, headers = answer(host='192.168.1.5:8766')

    assert status == 200
    cookie = headers['set-cookie']
    assert cookie == 'afformer_studio_8766=secret; HttpOnly; SameSite=Strict; Path=/'
    later = cookie.partition(';')[0]
    status, headers = answer('', host='192.168.1.5:8766', cookie=f'other=1; {later}')
    assert (status, 'set-cookie' in headers) == (200, False)


@pytest.mark.parametrize('query', ['', 'token=', 'token=Secret', 'token=%C3%A9'])
@pytest.mark.parametrize(
    'cookie', ['other=1', 'afformer_studio_8766=x', 'afformer_studio_8765=secret']
)
def test_nothing_is_answered_without_the_token(query: str, cookie: str) -> None:
    assert answer(query, host=HOST, cookie=cookie)[0] == 401
    assert answer(query, 'websocket', host=HOST, cookie=cookie)[0] == 1008


def test_no_other_page_may_frame_it_or_see_its_address() -> None:
    _, headers = answer(host=HOST)

    assert "frame-ancestors 'none'" in headers['content-security-policy']
    assert headers['x-frame-options'] == 'DENY'
    assert headers['referrer-policy'] == 'no-referrer'
    assert headers['x-content-type-options'] == 'nosniff'


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({'content_length': str(LIMIT)}, 200),
        ({'content_length': str(LIMIT + 1)}, 413),
        ({'content_length': 'many'}, 413),
        ({'transfer_encoding': 'chunked'}, 411),
    ],
)
def test_a_body_beyond_the_limit_or_of_no_length_is_refused(
    headers: dict[str, str], status: int
) -> None:
    assert answer(host=HOST, **headers)[0] == status


def test_the_folder_of_pairs_is_created_and_a_taken_port_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        for folder in (tmp_path / 'own', tmp_path / 'absent/own'):
            assert main(['studio', '--port', str(port), '--pairs', str(folder)]) == 1

    assert [path.name for path in tmp_path.iterdir()] == ['own']
    assert f'the studio cannot listen on 127.0.0.1:{port}: Address' in capsys.readouterr().err


def test_another_account_gets_nothing_without_the_token(studio: str) -> None:
    address, _, token = studio.partition('?')
    assert len(token) > len('token=') + 20
    with pytest.raises(urllib.error.HTTPError, match='401'):
        urllib.request.urlopen(address, timeout=30)


def test_a_restart_keeps_the_token_of_the_port_for_this_user_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    first = kept_token(8766)
    assert len(first) >= 32
    assert kept_token(8766) == first != kept_token(8767)
    (file,) = tmp_path.rglob('token_8766')
    assert file.stat().st_mode & 0o777 == 0o600
