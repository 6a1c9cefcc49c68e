# SPDX-License-Identifier: Apache-2.0
"""Names of demonstrations, and of several that are grounded together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from afformer_core.errors import DemonstrationError

_NAME = re.compile(r'(?!\.)[A-Za-z0-9_.-]{1,64}')
_TOGETHER = '+'


def validated_name(name: str) -> str:
    """Check a name, which is also the stem of its file, and return it.

    Raises:
        DemonstrationError: not 1 to 64 of letters, digits, `_`, `.`, `-`, or it starts with a dot.
    """
    if _NAME.fullmatch(name) is None:
        raise DemonstrationError(
            f'{name!r} cannot name a demonstration. Use 1 to 64 letters, digits, "_", "." or "-", '
            'and no dot in front'
        )
    return name


def split_names(selection: str) -> tuple[str, ...]:
    """Split a selection such as 'press' or 'press_left+press_right' into names.

    Raises:
        DemonstrationError: a part of it cannot be a name, or one comes twice.
    """
    names = tuple(validated_name(name) for name in selection.split(_TOGETHER))
    if len(set(names)) < len(names):
        raise DemonstrationError(f'{selection!r} names a demonstration twice. Name each once')
    return names


def join_names(names: Sequence[str]) -> str:
    """Join names to a selection, the inverse of `split_names`."""
    return _TOGETHER.join(names)
