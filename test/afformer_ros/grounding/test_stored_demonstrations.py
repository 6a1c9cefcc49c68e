# SPDX-License-Identifier: Apache-2.0
"""Two nodes of one store, what outlives them, and what is said of what cannot."""

import os
import signal
from contextlib import closing

import pytest

from test.afformer_ros.grounding_nodes import Nodes


@pytest.fixture(scope='module')
def pair(shipped_model, tmp_path_factory):
    """Two active nodes whose store also holds a pipe: processes and clients, left and right."""
    with closing(Nodes(shipped_model, tmp_path_factory.mktemp('pair'))) as nodes:
        nodes.store.mkdir()
        os.mkfifo(nodes.store / 'pipe.mcap')
        sides = '/left', '/right'
        processes = [nodes.grounding(side, diagnostics_period=0.2) for side in sides]
        clients = [nodes.client(side) for side in sides]
        for client in clients:
            client.bring_up()
        yield *processes, *clients


@pytest.fixture
def left(pair):
    return pair[2]


@pytest.fixture
def right(pair):
    return pair[3]


def test_nodes_of_one_store_hear_of_each_others_demonstrations(left, right):
    left.record('press')
    assert right.list().names == ['press']
    assert right.select('press').success
    assert right.ground(right.image_message(1)).demonstration == 'press'
    refused = right.start('press')
    assert not refused.success
    assert "the store contains 'press' from another process" in refused.message
    assert left.delete('press').success
    right.told('demonstrations', "'press' will be lost when the process ends", right.list)
    assert right.delete('press').success
    right.told('demonstrations', 'kept: 0')


def test_a_pipe_in_the_store_is_told(pair, left):
    assert 'pipe.mcap cannot be used: it is not a regular file' in pair[0].output
    assert 'pipe.mcap' in left.told('grounding', '')['demonstrations not read']


def test_the_selection_outlives_another_model(left):
    left.record('press')
    left.record('hold')
    assert left.select('press').success
    left.grounding.use_model('')
    assert left.list().selected == 'press'
    assert left.ground(left.image_message(2)).demonstration == 'press'
    for name in ('press', 'hold'):
        assert left.delete(name).success
    left.grounding.use_model('')
    assert left.list().selected == ''


@pytest.mark.slow
def test_the_selection_outlives_the_process_unless_a_parameter_names_another(shipped_nodes):
    first = shipped_nodes.grounding()
    client = shipped_nodes.client()
    client.bring_up()
    client.record('press')
    client.record('hold')
    first.stop(signal.SIGKILL)
    shipped_nodes.end_client(client)
    for parameters, selected in (({}, 'hold'), ({'selected_demonstration': 'press'}, 'press')):
        process = shipped_nodes.grounding(**parameters)
        client = shipped_nodes.client()
        client.bring_up()
        assert client.list().selected == selected
        assert process.stop(signal.SIGINT) == 0
        shipped_nodes.end_client(client)


def test_each_event_is_a_line_in_the_log(pair, left):
    process = pair[0]
    before = len(process.output)
    left.record('logged', 2)
    assert not left.select('absent').success
    assert left.select('logged').success
    assert left.delete('logged').success
    assert not left.finish().success
    lines = process.output[before:].splitlines()
    told = [
        line.split(']: ', 1)[1] for line in lines if 'demonstration' in line or 'logged' in line
    ]
    levels = [line.split(']')[0].lstrip('[').strip() for line in lines if ']: ' in line]
    assert told == [
        "recording 'logged'",
        "'logged' is selected: 2 of 2 frames, 0.1 s",
        "select_demonstration: there is no demonstration 'absent'; there are: logged",
        "'logged' is selected",
        "the selected demonstration 'logged' was deleted; select another",
        'finish_demonstration: no demonstration is being recorded; start one first',
    ]
    assert levels == ['INFO', 'INFO', 'WARN', 'INFO', 'INFO', 'WARN']


def test_what_cannot_be_kept_is_warned_of_until_it_is_deleted(shipped_nodes):
    process = shipped_nodes.grounding(diagnostics_period=0.2)
    client = shipped_nodes.client()
    client.bring_up()
    # Where a file lies in place of its folder, nothing can be kept, not by root either.
    shipped_nodes.store.rename(shipped_nodes.store.with_name('elsewhere'))
    shipped_nodes.store.write_text('')
    answer = client.start('press')
    assert answer.success
    client.send_frames(2)
    answer = client.finish()
    assert answer.success
    assert 'it will be lost when the process ends' in answer.message
    client.told(
        'demonstrations', "'press' will be lost when the process ends: it cannot be written"
    )
    lines = [
        line
        for line in process.output.splitlines()
        if 'will be lost when the process ends' in line
    ]
    assert lines
    assert all('WARN' in line for line in lines)
    assert client.ground(client.image_message(1)).demonstration == 'press'
    shipped_nodes.store.unlink()
    assert client.delete('press').success
    client.told('demonstrations', 'kept: 0')
    assert 'lost' not in client.record('hold').message
    assert (shipped_nodes.store / 'hold.mcap').is_file()
