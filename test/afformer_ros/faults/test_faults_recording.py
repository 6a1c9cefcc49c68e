# SPDX-License-Identifier: Apache-2.0
"""Recordings that pause, whose disk is full, or whose process is killed while it writes."""

import random
import signal
import time

import pytest
from afformer_ros.srv import FinishDemonstration

from afformer_core.demonstrations.store import DemonstrationStore


def test_a_pause_of_the_demonstration_is_told_and_the_recording_goes_on(active):
    topic = active.frames.topic_name
    assert active.start('paused').success
    active.send_frames(2)
    told = active.told(
        'grounding', 'a demonstration is being recorded, but no message has arrived'
    )
    assert topic in told['message']
    active.told('demonstration', f'no message has arrived on {topic} for')
    active.node.destroy_publisher(active.frames)
    active.told('grounding', f'but nobody publishes {topic} any more')
    active.frames = active.node.create_publisher(
        type(active.image_message(0)), 'demonstration', 10
    )
    active.wait(active.frames.get_subscription_count, 'the subscription to demonstration')
    for number in range(2, 5):
        active.send_frame(active.image_message(number), number + 1)
    active.told(
        'demonstration', 'arriving', lambda: active.frames.publish(active.image_message(9))
    )
    answer = active.finish()
    assert answer.success, answer.message
    assert answer.frames >= 5
    assert active.ground(active.image_message(1)).demonstration == 'paused'


def _kept(folder):
    """Names of all files but the selections of nodes."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != '.selection')


def _kill_while_it_writes(nodes, process, number, finished, rng):
    """Record one demonstration and kill the node while it writes another.

    Returns whether it was killed before it had answered.
    """
    client = nodes.client(f'/node_{number}')
    client.bring_up()
    assert set(client.list().names) >= set(finished)
    assert 'damaged' not in process.output
    name, frames = f'kept_{number}', 1 + number % 5
    assert client.record(name, frames).frames == frames
    finished[name] = frames
    assert client.start(f'torn_{number}').success
    for frame in range(10):
        client.frames.publish(client.image_message(frame, width=320, height=240))
    client.spin(rng.uniform(0.0, 0.05))
    finish = client.node.create_client(FinishDemonstration, 'grounding/finish_demonstration')
    client.wait(finish.service_is_ready, 'the service')
    answer = finish.call_async(FinishDemonstration.Request())
    time.sleep(rng.uniform(0.0, 0.12))
    process.stop(signal.SIGKILL)
    client.spin(0.05)
    nodes.end_client(client)
    return not answer.done()


def _kill(nodes, times):
    rng = random.Random(0)
    finished = {}
    early = 0
    process = nodes.grounding('/node_0')
    for number in range(times):
        # The next one starts meanwhile.
        following = nodes.grounding(f'/node_{number + 1}')
        early += _kill_while_it_writes(nodes, process, number, finished, rng)
        process = following
    client = nodes.client(f'/node_{times}')
    client.bring_up()
    names = client.list().names
    torn = [name for name in names if name.startswith('torn')]
    print(
        f'{times} kills, {early} before the answer; {len(finished)} finished demonstrations, '
        f'{len(torn)} of those that were being written'
    )
    assert sorted(names) == sorted([*finished, *torn])
    for name in names:
        assert client.select(name).success
        client.wait(lambda n=name: client.statuses[-1].selected == n, 'the status')
        status = client.statuses[-1]
        assert status.frames == finished.get(name, status.frames)
        assert client.ground(client.image_message(1)).demonstration == name
    assert process.stop(signal.SIGINT) == 0
    assert 'damaged' not in process.output
    assert _kept(nodes.store) == sorted(f'{name}.mcap' for name in names)
    entries, problems = DemonstrationStore(nodes.store).load_all()
    assert problems == ()
    assert {one.summary.name: one.summary.frames for one in entries}.items() >= finished.items()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize('times', [3, 50])
def test_kills_while_the_store_is_written(shipped_nodes, times):
    _kill(shipped_nodes, times)
