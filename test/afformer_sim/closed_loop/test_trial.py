# SPDX-License-Identifier: Apache-2.0
"""The judgement of attempts: success, and failure by reason."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.closed_loop.dynamics import Task, mechanisms
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict, Watch, judge

from .bench_elements import pair


@pytest.mark.parametrize(
    ('kind', 'action', 'contacts', 'watch', 'outcome'),
    [
        ('drawer', 'pull', [0], {'last': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        # The edge of the panel first, which is harmless.
        ('drawer', 'pull', [-1, 0], {'last': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('drawer', 'pull', [0], {'last': 0.4}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
        ('drawer', 'pull', [], {}, AttemptOutcome(AttemptVerdict.NOTHING)),
        ('drawer', 'pull', [-1], {}, AttemptOutcome(AttemptVerdict.FIXED_PART)),
        ('drawer', 'pull', [1, 0], {}, AttemptOutcome(AttemptVerdict.WRONG_ELEMENT, 1)),
        (
            'drawer',
            'pull',
            [0],
            {'last': 0.6, 'other': 0.3},
            AttemptOutcome(AttemptVerdict.WRONG_ELEMENT, 0, (1,)),
        ),
        # A button is done by time behind its point of action, a fixed element by that of contact.
        ('button', 'touch', [0], {'pressed': 0.05}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('button', 'touch', [0], {'contact': 0.05}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
        ('drawer', 'hold', [0], {'contact': 0.6}, AttemptOutcome(AttemptVerdict.DONE, 0)),
        ('drawer', 'hold', [0], {'pressed': 0.6}, AttemptOutcome(AttemptVerdict.NOT_DONE, 0)),
    ],
)
def test_an_attempt_is_judged_by_contacts_and_motion(
    kind: str, action: str, contacts: list[int], watch: dict[str, float], outcome: AttemptOutcome
) -> None:
    task, seen = Task(0, action), Watch(*np.zeros((4, 2)))
    for name in ('contact', 'pressed', 'last'):
        getattr(seen, name)[0] = watch.get(name, 0.0)
    seen.farthest = np.array([watch.get('last', 0.0), watch.get('other', 0.0)])

    judged = judge(task, mechanisms(pair(kind), task), contacts, seen)

    assert judged == outcome
    assert judged.done == (outcome.verdict is AttemptVerdict.DONE)
