# SPDX-License-Identifier: Apache-2.0
"""Pages of another origin in the same browser, and requests of another account."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@pytest.fixture
def other_origin(studio: str) -> Iterator[str]:
    """A server whose page frames the studio, with its token."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header('content-type', 'text/html')
            self.end_headers()
            self.wfile.write(f'<p>ready</p><iframe src="{studio}"></iframe>'.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


def test_a_page_of_another_origin_neither_frames_nor_asks_the_studio(
    chromium: Any, studio: str, other_origin: str
) -> None:
    page = chromium.new_page()
    refused: list[str] = []
    page.on('console', lambda message: refused.append(message.text))
    page.goto(other_origin)
    page.get_by_text('ready').wait_for()
    page.wait_for_timeout(500)

    asked = page.evaluate(
        "address => fetch(address, {credentials: 'include'}).then(() => 'answered', () => 'none')",
        studio,
    )

    assert any('frame-ancestors' in text or 'X-Frame-Options' in text for text in refused)
    assert all('Drop videos here' not in frame.content() for frame in page.frames)
    assert asked == 'none'
    page.close()


def test_another_account_gets_nothing_without_the_token(studio: str) -> None:
    address, _, token = studio.partition('?')
    assert len(token) > len('token=') + 20
    with pytest.raises(urllib.error.HTTPError, match='401'):
        urllib.request.urlopen(address, timeout=30)
