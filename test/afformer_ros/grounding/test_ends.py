# SPDX-License-Identifier: Apache-2.0
"""Begin and end of what a grounding node creates, by state of its lifecycle."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bond_double
import pytest
import rclpy
import tf2_double
from afformer_ros.action import GroundDemonstration
from lifecycle_msgs.msg import Transition
from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as Now
from sensor_msgs.msg import CompressedImage

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.models import afformer_small
from afformer_core.runtime.weights import save_model
from afformer_ros.grounding import grounding_node
from afformer_ros.grounding.demonstrations import demonstration_services, demonstration_topics
from afformer_ros.grounding.grounding_node import GroundingNode
from afformer_ros.service_pool_executor import ServicePoolExecutor
from test.afformer_core.conftest import ACTIONS, random_model
from test.afformer_ros.grounding_client import PATIENCE, Client
from test.afformer_ros.grounding_nodes import FOR_RANDOM_WEIGHTS

# What the node has, by kind and by the last state in which it has it. Of a timer the table gives
# the period in seconds, and the clock unless it is steady: simulated time may stand still.
TABLE = {
    'unconfigured': {
        'action': '~/ground_demonstration ~/load_demonstration ~/record_demonstration',
        # Each action; the transport.
        'timer': '0.05 0.05 0.05 1',
    },
    'inactive': {
        'publisher': 'affordance affordance_cloud grasp_candidates heatmap markers mask overlay '
        'demonstration_frame demonstration_status /diagnostics',
        'subscription': 'camera_info demonstration demonstration_frame_mouse_left depth image '
        '/tf /tf_static',
        'service': '~/delete_demonstration ~/finish_demonstration ~/get_demonstration_frame '
        '~/list_demonstrations ~/load_demonstration ~/mark_contact ~/select_demonstration '
        '~/start_demonstration tf2_frames',
        # Each subscription that follows its publishers; the diagnostics; the frame.
        'timer': '0.5 0.5 0.5 0.5 0.1 1',
        # Of the node, and of the buffer of tf2.
        'jump of': 'clock clock',
        'thread': 'grounding',
    },
    'active': {'publisher': 'bond', 'subscription': 'bond', 'thread': 'bond'},
}
Found = Counter[tuple[str, str]]
Going = Iterator[None]


class Bench(Client):
    """A client of a node in this process, whose simulated time stands still.

    Attributes:
        tested: the node.
        opened: while it is not set, what `stall` has named waits.
        entered: set as soon as that waits.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.opened, self.entered = threading.Event(), threading.Event()
        self._jumps: list[Any] = []
        self._threads = {*threading.enumerate()}
        create = Clock.create_jump_callback

        def create_known(clock: Clock, *given: Any, **named: Any) -> Any:
            self._jumps.append(create(clock, *given, **named))
            return self._jumps[-1]

        patch.setattr(Clock, 'create_jump_callback', create_known)
        patch.setattr(grounding_node, 'installed_bond_type', lambda: bond_double.Bond)
        patch.setitem(sys.modules, 'tf2_ros', tf2_double)
        # All that the tests hold would be collected at each transition.
        patch.setattr(grounding_node, 'release_what_is_left', lambda: None)
        patch.setattr('afformer_ros.grounding.model_loader.keep_what_lives', lambda: None)
        save_model(folder / 'model', random_model(afformer_small(ACTIONS, (64, 96))), {})
        values = {
            'model': str(folder / 'model'),
            'backend': 'torch',
            'store_folder': str(folder / 'store'),
            'depth_type': 'compressed',
            'demonstration_folders': [str(folder)],
            'diagnostics_period': 0.1,
            **FOR_RANDOM_WEIGHTS,
            'recording_queue': 2,
            'vertical_frame': 'map',
            'use_sim_time': True,
        }
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        options: dict[str, Any] = {
            'context': self._context,
            'namespace': '/ends',
            'parameter_overrides': [Parameter(name, value=one) for name, one in values.items()],
        }
        bare = LifecycleNode('bare', **options)
        self._bare = self._all_of(bare)
        bare.destroy_node()
        self.tested = GroundingNode(**options)
        self._tested_by = ServicePoolExecutor(8, context=self._context)
        self._tested_by.add_node(self.tested)
        self._spinning = threading.Thread(target=self._tested_by.spin)
        self._spinning.start()
        super().__init__('/ends')
        self.clock = self.node.create_publisher(Now, '/clock', 1)

    def end(self) -> None:
        self.close()
        self.tested.close()
        self._tested_by.shutdown()
        self._spinning.join(PATIENCE)
        self.tested.destroy_node()
        rclpy.shutdown(context=self._context)

    def has(self) -> Found:
        """What the node has beside that of every node with a lifecycle."""
        return self._all_of(self.tested) - self._bare

    def _all_of(self, node: Node) -> Found:
        name, clocks = node.get_name(), [one for one in self._jumps if one._clock is not None]
        threads = [one.name for one in threading.enumerate() if one not in self._threads]
        found = {
            'publisher': [one.topic_name for one in node.publishers],
            'subscription': [one.topic_name for one in node.subscriptions],
            'service': [one.service_name for one in node.services],
            'action': [
                a for a, _ in get_action_server_names_and_types_by_node(node, name, '/ends')
            ],
            'timer': [
                f'{one.timer_period_ns / 1e9:g}'
                + ('' if one.clock.clock_type == ClockType.STEADY_TIME else ' not steady')
                for one in node.timers
            ],
            'jump of': ['clock'] * len(clocks),
            # The others are those of the executor.
            'thread': [one for one in threads if not one.startswith(('Thread', 'service'))],
        }
        return Counter(
            (kind, each.replace(f'/ends/{name}/', '~/').removeprefix('/ends/'))
            for kind, names in found.items()
            for each in names
        )

    def stall(self, owner: Any, name: str) -> None:
        """Have a function wait, from its next call on, until `opened` is set."""
        self.opened.clear()
        self.entered.clear()
        held = getattr(owner, name)

        def wait(*given: Any, **named: Any) -> Any:
            self.entered.set()
            assert self.opened.wait(PATIENCE)
            return held(*given, **named)

        self.patch.setattr(owner, name, wait)

    def change(self, *names: str) -> None:
        for name in names:
            assert self.change_state(getattr(Transition, f'TRANSITION_{name.upper()}'))

    def count(self, component: str, name: str) -> int:
        """A count of the diagnostics, as of now."""
        self.told(component, '')
        return int(self.told(component, '')[name])


@pytest.fixture(scope='module')
def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        bench = Bench(tmp_path_factory.mktemp('ends'), patch)
        yield bench
        bench.end()


def test_what_the_node_has_is_in_the_table_and_ends(shared_bench: Bench) -> None:
    def in_table(*states: str) -> Found:
        return Counter(
            (kind, name)
            for state in states
            for kind, names in TABLE[state].items()
            for name in names.split()
        )

    assert shared_bench.has() == in_table('unconfigured')
    shared_bench.change('configure')
    assert shared_bench.has() == in_table('unconfigured', 'inactive')
    types = {one.topic_name: one.msg_type for one in shared_bench.tested.subscriptions}
    assert types['/ends/depth'] is CompressedImage
    shared_bench.change('activate')
    assert shared_bench.has() == in_table('unconfigured', 'inactive', 'active')
    shared_bench.change('deactivate')
    assert shared_bench.has() == in_table('unconfigured', 'inactive')
    shared_bench.change('cleanup')
    assert shared_bench.has() == in_table('unconfigured')


@pytest.fixture
def bench(shared_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The same, active and without demonstrations."""
    bench = shared_bench
    bench.patch = monkeypatch
    bench.opened.set()
    steps = {'unconfigured': ('configure', 'activate'), 'inactive': ('activate',)}
    bench.change(*steps.get(bench.state(), ()))
    bench.connect()
    for name in bench.list().names:
        bench.delete(name)
    bench.affordances.clear()
    return bench


def an_image_that_waits(bench: Bench) -> Going:
    received = bench.count('image', 'received')
    bench.images.publish(bench.image_message(3))
    bench.wait(lambda: bench.count('image', 'received') > received, 'the image')
    yield
    bench.change('activate')
    bench.record('press')
    bench.spin(0.3)
    assert bench.affordances == []


def an_image_that_is_grounded(bench: Bench) -> Going:
    bench.record('press')
    published = bench.count('grounding', 'groundings published')
    bench.stall(DemonstrationLibrary, 'predict')
    bench.images.publish(bench.image_message(3))
    bench.wait(bench.entered.is_set, 'the image')
    yield
    bench.opened.set()
    bench.list()
    assert bench.count('grounding', 'groundings published') == published


def a_recording(bench: Bench) -> Going:
    goal = bench.send_goal('record_demonstration', name='press')
    bench.wait(lambda: goal.feedback, 'the begin of the recording')
    bench.send_frames(1)
    yield
    ending, result = goal.result()
    assert (ending, result.success) == ('aborted', False)
    assert result.message == "the recording of 'press' was dropped: the node was deactivated"
    assert 'activate it' in bench.start('press').message
    assert bench.list().names == []


def frames_that_wait(bench: Bench) -> Going:
    assert bench.start('press').success
    bench.stall(DemonstrationLibrary, 'add_frame')
    for number in range(2):
        bench.frames.publish(bench.image_message(number))
    bench.wait(bench.entered.is_set, 'a frame')
    yield
    bench.change('activate')
    service = bench.grounding.services['start_demonstration']
    started = service.call_async(service.srv_type.Request(name='pull'))
    bench.spin(0.2)
    bench.opened.set()
    bench.wait(started.done, 'the begin of another recording')
    assert started.result().success
    assert 'has no frame' in bench.finish().message


def goals_that_wait(bench: Bench) -> Going:
    bench.record('press')
    goals = [bench.send_goal('ground_demonstration') for _ in range(2)]
    assert all(goal.accepted() for goal in goals)
    yield
    for goal in goals:
        ending, result = goal.result()
        assert (ending, result.outcome) == ('aborted', GroundDemonstration.Result.STOPPED)
        assert result.message == 'the node was deactivated'
    assert 'activate it' in bench.send_goal('ground_demonstration').result()[1].message


def a_warning_of_missing_frames(bench: Bench) -> Going:
    bench.patch.setattr(demonstration_topics, '_MISSING_AFTER', 0.2)
    assert bench.start('press').success
    bench.told('grounding', 'a demonstration is being recorded, but no')
    yield
    bench.change('activate')
    bench.told('grounding', "the recording of 'press' was dropped: the node was deactivated")


def a_loading(bench: Bench) -> Going:
    bench.stall(demonstration_services, 'read_demonstration')
    goal = bench.send_goal('load_demonstration', path=bench.get_parameter('store_folder'))
    bench.wait(bench.entered.is_set, 'the reading')
    yield
    bench.opened.set()
    ending, result = goal.result()
    assert (ending, result.success) == ('aborted', False)
    assert result.message == 'the node was cleaned up or shut down'


def a_warning_of_a_bad_image(bench: Bench) -> Going:
    bench.record('press')
    bad = bench.image_message(1)
    bad.width = bad.height = bad.step = 2**32 - 1
    bench.told('grounding', 'could not be grounded', lambda: bench.images.publish(bad))
    yield
    bench.told('grounding', 'grounding')


def losses_that_were_counted(bench: Bench) -> Going:
    configured: Any = bench.tested._configured
    watch = configured._recorder.watch
    assert bench.start('press').success
    watch.lost(4)
    bench.stall(DemonstrationLibrary, 'add_frame')
    begin = watch.count
    for number in range(1, 6):
        # Frames that come at once are lost before they are dropped.
        bench.frames.publish(bench.image_message(number))
        bench.wait(
            lambda due=begin + number: watch.count >= due and bench.entered.is_set(), 'a frame'
        )
    dropped = 'demonstration frames dropped'
    bench.wait(lambda: bench.count('grounding', dropped) == 2, 'frames that are dropped')
    bench.opened.set()
    answer = bench.finish()
    assert (answer.frames, answer.frames_lost) == (3, 6)
    watch.lost(7)
    yield
    assert bench.statuses[-1].frames_lost == 0


def ages(bench: Bench) -> Going:
    bench.record('press')
    bench.ground(bench.image_message(1))
    bench.told('latency', '')
    assert 'end to end p50 (ms)' in bench.told('latency', '')
    yield
    bench.wait(lambda: 'end to end p50 (ms)' not in bench.told('latency', ''), 'their end')


def images_that_agree(bench: Bench) -> Going:
    def agreeing(number: int) -> int:
        image = bench.image_message(1)
        image.header = bench.header(number)
        return int(bench.ground(image).agreeing_images)

    bench.record('press')
    assert [agreeing(1), agreeing(2)] == [1, 2]
    yield
    assert agreeing(3) == 1


def set_back(bench: Bench) -> None:
    """Let the clock jump back."""
    bench.wait(bench.clock.get_subscription_count, 'the subscription to /clock')
    for seconds in (2000, 1990):
        bench.clock.publish(Now(clock=Time(seconds=seconds).to_msg()))
        bench.spin(0.2)


ENDS: dict[str, Callable[[Bench], Any]] = {
    'deactivation': lambda bench: bench.change('deactivate'),
    'cleanup': lambda bench: bench.change('deactivate', 'cleanup'),
    'next image': lambda bench: bench.ground(bench.image_message(2)),
    'next recording': lambda bench: bench.record('pull'),
    'same recording': lambda bench: bench.record('press'),
    'jump of the clock': set_back,
}


@pytest.mark.parametrize(
    ('begin', 'end'),
    [
        (an_image_that_waits, 'deactivation'),
        (an_image_that_is_grounded, 'deactivation'),
        (a_recording, 'deactivation'),
        (frames_that_wait, 'deactivation'),
        (goals_that_wait, 'deactivation'),
        (a_warning_of_missing_frames, 'deactivation'),
        (a_loading, 'cleanup'),
        (a_warning_of_a_bad_image, 'next image'),
        (losses_that_were_counted, 'next recording'),
        (images_that_agree, 'same recording'),
        (ages, 'jump of the clock'),
    ],
)
def test_what_begins_ends(bench: Bench, begin: Callable[[Bench], Going], end: str) -> None:
    going = begin(bench)
    next(going)
    ENDS[end](bench)
    assert list(going) == []
