# SPDX-License-Identifier: Apache-2.0
"""Kinds of actions by the motion of the operated part, and names of actions."""

from __future__ import annotations

from enum import Enum, auto


class ActionKind(Enum):
    """Kinds of actions by the motion of the operated part."""

    STAY = auto()
    PUSH = auto()
    PULL = auto()
    LIFT = auto()
    LOWER = auto()
    TURN = auto()
    TURN_CLOCKWISE = auto()
    TURN_COUNTERCLOCKWISE = auto()


_TURNING = ('rotate', 'turn', 'twist')
_CLOCKWISE = ('clockwise',)
_COUNTERCLOCKWISE = ('counterclockwise', 'counter clockwise', 'anticlockwise')
# An action with another name, such as open, may move the part in any way.
ACTION_NAMES = {
    ActionKind.STAY: ('touch', 'hold', 'tap'),
    ActionKind.PUSH: ('push', 'press', 'push in'),
    ActionKind.PULL: ('pull', 'pull out'),
    ActionKind.LIFT: ('pick up', 'lift', 'raise'),
    ActionKind.LOWER: ('put down', 'lower', 'place', 'set down'),
    ActionKind.TURN: _TURNING,
    ActionKind.TURN_CLOCKWISE: tuple(f'{a} {b}' for a in _TURNING for b in _CLOCKWISE),
    ActionKind.TURN_COUNTERCLOCKWISE: tuple(
        f'{a} {b}' for a in _TURNING for b in _COUNTERCLOCKWISE
    ),
}
_KINDS = {name: kind for kind, names in ACTION_NAMES.items() for name in names}


def action_kind(name: str) -> ActionKind | None:
    """Return the kind of an action of a model's vocabulary; None for a name not in the table.

    Case is ignored, and '_' and '-' count as spaces: 'Turn_clockwise' is 'turn clockwise'.
    """
    return _KINDS.get(' '.join(name.lower().replace('_', ' ').replace('-', ' ').split()))
