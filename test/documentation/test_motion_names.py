# SPDX-License-Identifier: Apache-2.0
"""The page on points in space has the names of actions that have one."""

import re
from pathlib import Path

from afformer_core.geometry.motion import ACTION_NAMES, ActionKind, action_kind


def test_the_page_names_every_action(root: Path) -> None:
    text = (root / 'docs' / 'robot' / 'points.md').read_text()
    rows = [line.split('|')[1] for line in text.splitlines() if line.startswith('| `')]
    named = {name for row in rows for name in re.findall(r'`([^`]+)`', row)}
    senses = (ActionKind.TURN_CLOCKWISE, ActionKind.TURN_COUNTERCLOCKWISE)
    plain = {name for kind, names in ACTION_NAMES.items() if kind not in senses for name in names}
    assert named == plain


def test_the_senses_of_the_page_are_understood() -> None:
    assert action_kind('rotate_clockwise') is ActionKind.TURN_CLOCKWISE
    assert action_kind('turn anticlockwise') is ActionKind.TURN_COUNTERCLOCKWISE
