# SPDX-License-Identifier: Apache-2.0
"""Texts of the page: messages of errors, and the reliability of a result in words."""

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


def presence_in_words(presence: float | None, threshold: float | None, *, found: bool) -> str:
    """Describe whether the demonstrated element is in view.

    Args:
        presence: probability that it is; None if the model is not calibrated.
        threshold: presence from which it counts as found; None if the model is not calibrated.
        found: whether it counts as found.
    """
    if presence is None or threshold is None:
        return 'Presence is not known: this model is not calibrated. Run `afformer calibrate`.'
    begin = 'In view' if found else 'Not found'
    return f'{begin}: presence {presence:.2f}, at least {threshold:.2f} is needed.'


def certainty_in_words(certainty: float | None, threshold: float | None) -> str:
    """Describe whether the best point lies on the demonstrated part; empty if not known."""
    if certainty is None or threshold is None:
        return ''
    begin = 'Not sure which part' if certainty < threshold else 'Sure of the part'
    return f'{begin}: certainty {certainty:.2f}, at least {threshold:.2f} is needed.'
