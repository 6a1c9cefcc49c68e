# SPDX-License-Identifier: Apache-2.0
"""Requests that the guard refuses, and those that it lets through."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from afformer_core.studio.access import Guard

LIMIT = 100


async def _application(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get('more_body'):
        pass
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'page'})


def answer(
    query: str = 'token=secret', kind: str = 'http', sent: int = 0, **headers: str
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request with a body of so many bytes, told or not."""
    encoded = [
        (name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()
    ]
    scope = {'type': kind, 'headers': encoded, 'query_string': query.encode()}
    bodies = [{'type': 'http.request', 'body': bytes(sent), 'more_body': False}]
    messages: list[Any] = []

    async def receive() -> Any:
        return bodies.pop(0)

    async def send(message: Any) -> None:
        messages.append(message)

    guard = Guard(_application, 'secret', LIMIT, 8766)
    # A browser of other tests has an event loop in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(guard(scope, receive, send))).result()
    first = messages[0]
    told = {name.decode(): value.decode() for name, value in first.get('headers', [])}
    return first.get('status', first.get('code')), told


def test_pages_of_other_sites_may_not_ask() -> None:
    host = '127.0.0.1:8766'

    assert answer(host=host, origin='http://127.0.0.1:8766')[0] == 200
    assert answer(host=host, origin='http://evil.example')[0] == 403
    assert answer(host=host, origin='http://127.0.0.1:9999')[0] == 403
    assert answer(host=host, origin='null')[0] == 403
    assert answer(kind='websocket', host=host, origin='http://evil.example')[0] == 1008


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
    assert answer(query, host='127.0.0.1:8766', cookie=cookie)[0] == 401
    assert answer(query, 'websocket', host='127.0.0.1:8766', cookie=cookie)[0] == 1008


def test_no_other_page_may_frame_it_or_see_its_address() -> None:
    _, headers = answer(host='127.0.0.1:8766')

    assert "frame-ancestors 'none'" in headers['content-security-policy']
    assert headers['x-frame-options'] == 'DENY'
    assert headers['referrer-policy'] == 'no-referrer'
    assert headers['x-content-type-options'] == 'nosniff'


def test_a_body_beyond_the_limit_is_refused_whatever_its_header_says() -> None:
    host = '127.0.0.1:8766'

    assert answer(host=host, sent=LIMIT, content_length=str(LIMIT))[0] == 200
    assert answer(host=host, content_length=str(LIMIT + 1))[0] == 413
    assert answer(host=host, content_length='many')[0] == 413
    assert answer(host=host, sent=LIMIT + 1)[0] == 413
