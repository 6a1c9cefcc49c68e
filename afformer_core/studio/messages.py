# SPDX-License-Identifier: Apache-2.0
"""Display of errors as messages in the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from afformer_core.errors import AfformerError

_MILLISECONDS = 15_000


@contextmanager
def told_errors() -> Iterator[None]:
    """Show errors that the user can fix in the page, and continue after the block."""
    try:
        yield
    except (AfformerError, OSError, ValueError) as error:
        tell_error(_text(error))
    except MemoryError:
        tell_error('this machine does not have enough memory. Give a smaller file')


def tell_error(text: str) -> None:
    """Show a message for some seconds, or until it is closed."""
    close = [{'label': 'Close', 'color': 'white'}]
    ui.notify(text, type='negative', multi_line=True, timeout=_MILLISECONDS, actions=close)


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f'{error.filename}: {error.strerror}'
    return str(error)
