# SPDX-License-Identifier: Apache-2.0
"""A node that messages no longer reach, and one that is stopped for a while."""

from __future__ import annotations

from pathlib import Path

from afformer_ros.shared_memory_ports import SharedMemoryPorts

SHARED_MEMORY = Path('/dev/shm')


def _take_shared_memory_away(pid: int) -> None:
    """Remove the files of a process's ports, as a process does that takes their owner for dead."""
    ports = SharedMemoryPorts(Path(f'/proc/{pid}'))
    ports.check()
    assert ports.own
    for name in ports.own:
        (SHARED_MEMORY / name).unlink()


def test_a_node_that_no_message_reaches_ends_and_grounds_after_another_start(nodes) -> None:
    parameters = {'diagnostics_period': 0.2, 'transport_loss_timeout': 3.5}
    process = nodes.grounding(**parameters)
    client = nodes.client()
    client.bring_up()
    client.record('press')
    client.told('transport', 'messages reach the node')

    _take_shared_memory_away(process.popen.pid)

    assert 'respawn:=true' in client.told('transport', 'have not reached the node')['message']
    assert process.popen.wait(20.0) == 75
    assert 'the process ends with status 75' in process.output

    nodes.grounding(**parameters)
    # Like a launch file, it asks the new process until it answers.
    nodes.client().bring_up()
    assert client.ground(client.image_message(3)).demonstration == 'press'
