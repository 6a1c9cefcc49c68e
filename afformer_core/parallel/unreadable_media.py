# SPDX-License-Identifier: Apache-2.0
"""Unreadable media during the filling of a cache, which are reported and counted."""

from __future__ import annotations

import sys

from tqdm import tqdm

from afformer_core.errors import DatasetError


class UnreadableMedia:
    """Media that cannot be read; each is reported on stderr at once.

    Args:
        total: number of all media.
        what: kind of media, such as `clips`.
    """

    def __init__(self, total: int, what: str) -> None:
        self._total = total
        self._what = what
        self._count = 0
        self._first = ''

    def add(self, reason: str) -> None:
        """Report an unreadable file, given the error's text with its name and the reason."""
        told = ' '.join(reason.split())
        self._count += 1
        self._first = self._first or told
        # Above the bars of progress.
        tqdm.write(f'afformer: {told}', file=sys.stderr)

    def require_none(self) -> None:
        """Check that there were no unreadable media.

        Raises:
            DatasetError: there were unreadable media.
        """
        if self._count:
            raise DatasetError(
                f'{self._count} of {self._total} {self._what} cannot be read, the first: '
                f'{self._first}. The others are cached. Repair or leave out these, and run the '
                'same command again'
            )
