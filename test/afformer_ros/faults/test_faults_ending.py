# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM in every state of the node: a clean exit, and nothing stays behind."""

import os
import shutil
import signal
import time

import psutil
import pytest
from afformer_ros.srv import LoadDemonstration
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from afformer_core.media.video import write_video
from test.waiting import PATIENCE

# What is promised is three seconds; a machine under load gets twice that.
SECONDS = 6.0


def _unconfigured(client):
    assert client.state() == 'unconfigured'


def _inactive(client):
    assert client.change_state(Transition.TRANSITION_CONFIGURE)


def _active(client):
    client.bring_up()


def _grounding(client):
    client.bring_up()
    client.record('press')
    client.ground(client.image_message(1))
    # Twelve megabytes each: one is being grounded when the signal comes.
    for number in range(3):
        client.images.publish(client.image_message(number, width=2000, height=2000))


def _recording(client):
    client.bring_up()
    assert client.start('press').success
    client.send_frames(3)
    for number in range(20):
        client.frames.publish(client.image_message(number, width=640, height=480))


def _cleaned_up(client):
    client.bring_up()
    assert client.change_state(Transition.TRANSITION_DEACTIVATE)
    assert client.change_state(Transition.TRANSITION_CLEANUP)


def _finalized(client):
    assert client.change_state(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)


# Those in which something of the node's own runs; the others are slow tests.
BUSY_STATES = (_inactive, _grounding, _recording)
QUIET_STATES = (_unconfigured, _active, _cleaned_up, _finalized)


def _end(process, number):
    """Send a signal; returns the seconds until the process is gone with all its children."""
    family = [psutil.Process(process.popen.pid)]
    family += family[0].children(recursive=True)
    begin = time.monotonic()
    process.popen.send_signal(number)
    status = process.wait()
    taken = time.monotonic() - begin
    assert status == 0, process.output
    assert 'Traceback' not in process.output
    assert not psutil.wait_procs(family, timeout=PATIENCE)[1]
    return taken


@pytest.mark.parametrize(
    ('number', 'states'),
    [
        (signal.SIGTERM, BUSY_STATES),
        pytest.param(signal.SIGTERM, QUIET_STATES, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, QUIET_STATES + BUSY_STATES, marks=pytest.mark.slow),
    ],
)
def test_signals_in_every_state(shipped_nodes, number, states):
    started = [
        (reach, shipped_nodes.grounding(name), shipped_nodes.client(name))
        for reach in states
        for name in [f'/end{reach.__name__}']
    ]
    for reach, process, client in started:
        reach(client)
        _end(process, number)


@pytest.fixture
def endless_model(random_model, tmp_path):
    """A model on a disk that does not answer: whoever opens its description waits."""
    folder = tmp_path / 'endless'
    shutil.copytree(random_model, folder)
    (folder / 'model.json').unlink()
    os.mkfifo(folder / 'model.json')
    return folder


@pytest.mark.slow
def test_signals_while_the_model_is_loading(nodes, endless_model):
    """While the transition waits for the model, and when it has ended without it."""
    names = {'/waiting': signal.SIGTERM, '/without': signal.SIGINT}
    processes = {
        name: nodes.grounding(name, model=endless_model, backend='torch') for name in names
    }
    clients = {name: nodes.client(name) for name in names}
    configuring = {}
    for name, client in clients.items():
        configure = client.node.create_client(ChangeState, 'grounding/change_state')
        client.wait(configure.service_is_ready, 'the service')
        transition = Transition(id=Transition.TRANSITION_CONFIGURE)
        configuring[name] = configure.call_async(ChangeState.Request(transition=transition))
        client.wait(lambda c=client: c.statuses, 'the status')
        assert 'being loaded' in client.statuses[-1].message
    assert not configuring['/waiting'].done()
    taken = {'/waiting': _end(processes['/waiting'], names['/waiting'])}
    client = clients['/without']
    client.wait(configuring['/without'].done, 'the answer')
    assert configuring['/without'].result().success
    taken['/without'] = _end(processes['/without'], names['/without'])
    for name, seconds in taken.items():
        print(f'{names[name].name} {name[1:]} the model: {seconds:.2f} s')
        assert seconds < SECONDS, name


@pytest.mark.slow
def test_a_signal_while_a_long_video_is_read(shipped_nodes, tmp_path):
    video = tmp_path / 'long.mp4'
    process = shipped_nodes.grounding('/reading', demonstration_folders=f'["{tmp_path}"]')
    client = shipped_nodes.client('/reading')
    write_video(video, (client.image(number, 640, 480) for number in range(600)), 30)
    client.bring_up()
    load = client.node.create_client(LoadDemonstration, 'grounding/load_demonstration')
    client.wait(load.service_is_ready, 'the service')
    answer = load.call_async(LoadDemonstration.Request(path=str(video)))
    client.spin(0.3)
    assert not answer.done()
    taken = _end(process, signal.SIGTERM)
    print(f'SIGTERM while a video is read: {taken:.2f} s')
    assert taken < SECONDS
