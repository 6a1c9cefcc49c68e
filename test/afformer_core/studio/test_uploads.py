# SPDX-License-Identifier: Apache-2.0
"""Uploads that do not tell how long they are."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# More than sockets hold between the two ends.
_MUCH = 50_000_000
# Milliseconds until the server has seen that the sender has gone.
_MOMENT = 3000
_HEAD = (
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="../../x.mp4"\r\n'
    b'Content-Type: video/mp4\r\n\r\n'
)


def upload_address(page: Any) -> str:
    """The address to which the page sends videos."""
    sent = {'name': 'notes.mp4', 'mimeType': 'video/mp4', 'buffer': b'press hard'}
    with page.expect_request(lambda request: '/upload/' in request.url) as asked:
        page.locator('input[type=file]').nth(0).set_input_files(sent)
    page.get_by_text('notes.mp4 cannot be read as a video').first.wait_for()
    return str(asked.value.url)


def chunk(content: bytes) -> bytes:
    return f'{len(content):x}\r\n'.encode() + content + b'\r\n'


def stored_bytes(process: int) -> int:
    """Bytes in the temporary files that a process has open; they have no names any more."""
    total = 0
    for descriptor in Path(f'/proc/{process}/fd').iterdir():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()).endswith('(deleted)'):
                total += os.stat(descriptor).st_size
    return total


def test_an_endless_upload_ends_at_the_limit(page: Any, running_studio: Any) -> None:
    parts = urlsplit(upload_address(page))
    assert parts.port is not None
    (cookie,) = page.context.cookies()
    before = stored_bytes(running_studio.process)
    sent = stored = 0
    with socket.create_connection(('127.0.0.1', parts.port), timeout=60) as connection:
        head = (
            f'POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n'
            f'Cookie: {cookie["name"]}={cookie["value"]}\r\n'
            'Content-Type: multipart/form-data; boundary=B\r\nTransfer-Encoding: chunked\r\n\r\n'
        )
        connection.sendall(head.encode() + chunk(_HEAD))
        with contextlib.suppress(ConnectionError):
            while sent < _MUCH:
                connection.sendall(chunk(bytes(1_000_000)))
                sent += 1_000_000
                stored = max(stored, stored_bytes(running_studio.process) - before)

    assert sent < _MUCH
    # The limit of 2 MB, and what is around a file.
    assert stored <= 2_200_000
    page.wait_for_timeout(_MOMENT)
    assert stored_bytes(running_studio.process) <= before
