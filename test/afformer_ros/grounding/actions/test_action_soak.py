# SPDX-License-Identifier: Apache-2.0
"""A thousand goals while all that can end them happens; `pytest -s` shows the numbers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import PIL.Image
import psutil
import pytest
from afformer_ros.action import GroundDemonstration, LoadDemonstration, RecordDemonstration
from builtin_interfaces.msg import Duration
from lifecycle_msgs.msg import Transition

from afformer_ros.grounding.actions.ground_goal import GoalOutcome

GOALS = 1000
# Goals that are open at once, at most.
OPEN = 6
# Goals between two changes of the node's state.
BETWEEN = 50
# A result is kept for half a minute, and pools of allocators grow by some megabytes once.
ALLOWED_GROWTH = 32 * 2**20
STEADY = 200
ENDINGS = {GoalOutcome.FOUND: 'succeeded', GoalOutcome.CANCELED: 'canceled'}
RESTART = (
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
)
PAUSE = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE)


class Soak:
    """Sends goals of all kinds and images, and sees that each goal ends.

    Attributes:
        outcomes: how many goals ended how.
    """

    def __init__(self, client: Any, folder: Any) -> None:
        self._client = client
        self._folder = folder
        self._rng = random.Random(7)
        self._image = client.image_message(0)
        self._number = 0
        self._open: list[tuple[Any, Any]] = []
        self.outcomes: Counter[str] = Counter()

    def run(self, goals: int) -> None:
        """Send so many goals, and wait for their results."""
        for number in range(1, goals + 1):
            self._settle(lambda: len(self._open) < OPEN)
            self._send()
            if number % BETWEEN == 0:
                self._change_state()
        self._settle(lambda: not self._open)

    def load(self) -> None:
        """Make the demonstration 'temporary', whatever becomes of it."""
        fields = {'path': str(self._folder), 'name': 'temporary'}
        self._track(LoadDemonstration, 'load_demonstration', fields)

    def _settle(self, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + 60.0
        while not enough():
            self._show()
            for goal, kind in [one for one in self._open if one[0].fetched()]:
                self._open.remove((goal, kind))
                self._count(kind, *goal.result())
            assert time.monotonic() < end, f'{len(self._open)} goals do not end'

    def _show(self) -> None:
        self._image.header = self._client.header(self._number)
        self._number += 1
        self._client.images.publish(self._image)
        self._client.spin(0.01)

    def _send(self) -> None:
        kind = self._rng.choice(('found', 'found', 'late', 'unknown', 'gone', 'cancel', 'other'))
        if kind == 'other':
            self._send_other()
            return
        fields: dict[str, Any] = {'agreeing_images': self._rng.choice((1, 2, 5))}
        # What is selected is deleted now and then.
        fields['demonstrations'] = self._rng.choice(([], ['press'], ['press'], ['press']))
        if kind == 'late':
            # Below 100 the goal is refused.
            milliseconds = self._rng.randrange(50, 300)
            fields['timeout'] = Duration(nanosec=milliseconds * 1_000_000)
            fields['agreeing_images'] = 1000
            fields['position_required'] = self._rng.random() < 0.5
        elif kind == 'unknown':
            fields['demonstrations'] = ['press', 'unheard_of']
        elif kind == 'gone':
            self.load()
            fields.update(demonstrations=['temporary'], agreeing_images=1000)
        elif kind == 'cancel':
            fields['agreeing_images'] = 1000
        goal = self._track(GroundDemonstration, 'ground_demonstration', fields)
        self._client.spin(self._rng.uniform(0.0, 0.03))
        if kind == 'gone':
            self._client.delete('temporary')
        if kind == 'cancel':
            goal.cancel()
        if self._rng.random() < 0.05:
            policy = self._rng.choice(('queue', 'queue', 'replace'))
            self._client.set_parameter('goal_policy', policy)

    def _send_other(self) -> None:
        if self._rng.random() < 0.5:
            self.load()
            return
        fields = {'frame_timeout': Duration(nanosec=100_000_000)}
        goal = self._track(RecordDemonstration, 'record_demonstration', fields)
        self._client.frames.publish(self._client.image_message(0, 'demonstrator'))
        if self._rng.random() < 0.8:
            goal.cancel()
        else:
            self._client.finish()

    def _track(self, kind: Any, action: str, fields: dict[str, Any]) -> Any:
        goal = self._client.send_goal(action, **fields)
        goal.fetch_once_accepted()
        self._open.append((goal, kind))
        return goal

    def _count(self, kind: Any, ending: str, result: Any) -> None:
        # Where a reason belongs, there is one.
        assert result.message.rstrip(' :') == result.message != '', (kind, ending, result.message)
        if kind is GroundDemonstration:
            assert ending == ENDINGS.get(result.outcome, 'aborted'), result.message
            self.outcomes[GoalOutcome(result.outcome).name] += 1
        else:
            assert (ending == 'succeeded') == result.success, result.message
            self.outcomes[f'{action_of(kind)} {ending}'] += 1

    def _change_state(self) -> None:
        for transition in self._rng.choice((PAUSE, RESTART)):
            assert self._client.change_state(transition)
            for _ in range(3):
                self._send_one()
        self._client.set_parameter('goal_policy', 'queue')

    def _send_one(self) -> None:
        fields = {'demonstrations': ['press'], 'agreeing_images': 1}
        self._track(GroundDemonstration, 'ground_demonstration', fields)


def action_of(kind: Any) -> str:
    return 'loading' if kind is LoadDemonstration else 'recording'


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_goal_ends_with_a_reason(nodes, tmp_path):
    folder = tmp_path / 'frames'
    folder.mkdir()
    process = nodes.grounding(demonstration_folders=f'["{folder.resolve()}"]')
    client = nodes.client()
    client.bring_up()
    for number in range(3):
        PIL.Image.fromarray(client.image(number)).save(folder / f'{number}.png')
    client.record('press')
    soak, usage = Soak(client, folder), psutil.Process(process.popen.pid)
    soak.run(STEADY)
    memory, threads = usage.memory_info().rss, usage.num_threads()
    begin = time.monotonic()
    soak.run(GOALS - STEADY)
    growth = usage.memory_info().rss - memory
    print(
        f'{sum(soak.outcomes.values())} goals, the last {GOALS - STEADY} and more in '
        f'{time.monotonic() - begin:.0f} s: {dict(soak.outcomes)}; memory '
        f'{memory / 2**20:.0f} MiB and {growth / 2**20:+.1f}; threads {threads} and '
        f'{usage.num_threads()}'
    )
    assert {'FOUND', 'UNKNOWN', 'STOPPED', 'CANCELED', 'REPLACED', 'REFUSED'} <= set(soak.outcomes)
    assert growth < ALLOWED_GROWTH
    # The pool of services grows to its size as it is needed.
    assert usage.num_threads() <= threads + 8
    assert process.stop() == 0
