# SPDX-License-Identifier: Apache-2.0
"""Access control of the server: token, origin, and size of requests."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from afformer_core.files.private_files import cache_folder, make_private_folder, read_private_file

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# No other page may frame this one, which prevents clickjacking of the robot's buttons, and the
# token in the address is not sent to other sites. NiceGUI's templates are compiled in the page.
_SAFETY = (
    (
        b'content-security-policy',
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b'x-frame-options', b'DENY'),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
)


def kept_token(port: int) -> str:
    """Return the token of this user for a port, so that open pages survive a restart.

    Raises:
        UntrustedWriterError: other users can write to it, or to its folder.
        OSError: it cannot be read or written.
    """
    path = cache_folder() / 'studio' / f'token_{port}'
    make_private_folder(path.parent)
    try:
        if found := read_private_file(path).decode('ascii', 'replace').strip():
            return found
    except FileNotFoundError:
        pass
    token = secrets.token_urlsafe(24)
    path.touch(0o600)
    path.write_text(token)
    return token


class Guard:
    """An ASGI middleware that rejects requests.

    A request passes if it carries the token and does not come from a page of another site, because
    other accounts of this machine, and any page in the same browser, can send requests to the
    server.

    Args:
        application: application behind the guard.
        token: token that a request must carry, in the address or the cookie, not empty.
        largest_body: largest body of a request, bytes.
        port: port of the server; a browser sends the cookies of all ports of a host.
    """

    def __init__(self, application: Application, token: str, largest_body: int, port: int) -> None:
        self._application = application
        self._token = token
        self._largest_body = largest_body
        self._cookie = f'afformer_studio_{port}'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or reject it."""
        if scope['type'] not in ('http', 'websocket'):
            await self._application(scope, receive, send)
            return
        headers = {
            name.decode('latin-1'): value.decode('latin-1') for name, value in scope['headers']
        }
        status, text = self._refusal(scope, headers)
        if status:
            await _refuse(scope, send, status, text)
            return
        if scope['type'] == 'http':
            known = self._token_in_address(scope)
            cookie = f'{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/'
            added = ((b'set-cookie', cookie.encode()),) if known else ()
            send = _with_headers(send, (*_SAFETY, *added))
        await self._application(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str]:
        """Return the status and the text of a rejection; status 0 for none."""
        host, origin = headers.get('host', ''), headers.get('origin')
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, f'a page of {origin} may not ask this server'
        if not (self._token_in_address(scope) or self._token_in_cookie(headers)):
            return 401, 'open the address that `afformer studio` printed, with its token'
        if 'transfer-encoding' in headers:
            # Uvicorn holds a body to the length that it tells; browsers tell it.
            return 411, 'the request does not tell the length of its body'
        length = headers.get('content-length', '0')
        if not length.isdecimal() or int(length) > self._largest_body:
            return 413, f'the file is larger than the limit of {self._largest_body / 1e6:.0f} MB'
        return 0, ''

    def _token_in_address(self, scope: Scope) -> bool:
        given = parse_qs(scope.get('query_string', b'').decode('latin-1')).get('token', [''])
        return self._is_token(given[0])

    def _token_in_cookie(self, headers: dict[str, str]) -> bool:
        try:
            cookies = SimpleCookie(headers.get('cookie', ''))
        except CookieError:
            return False
        return self._cookie in cookies and self._is_token(cookies[self._cookie].value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _with_headers(send: Send, added: Sequence[tuple[bytes, bytes]]) -> Send:
    """Add headers to the answer."""

    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message.get('headers', ()), *added]}
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope['type'] == 'websocket':
        await send({'type': 'websocket.close', 'code': 1008, 'reason': text[:100]})
        return
    headers = [(b'content-type', b'text/plain; charset=utf-8'), (b'connection', b'close')]
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': text.encode()})
