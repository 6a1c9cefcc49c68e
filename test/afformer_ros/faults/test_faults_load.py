# SPDX-License-Identifier: Apache-2.0
"""More images than anything could ground: the node answers, grounds, and does not grow."""

import pathlib
import signal
import subprocess
import sys
import time

import psutil
import pytest

FLOOD = pathlib.Path(__file__).with_name('image_flood.py')
# Six megabytes an image; it is the queues that must not fill.
ALLOWED_GROWTH = 150 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize('seconds', [3, 30])
def test_a_flood_of_images(shipped_nodes, seconds):
    process = shipped_nodes.grounding('/flooded')
    client = shipped_nodes.client('/flooded')
    client.bring_up()
    client.record('press')
    client.ground(client.image_message(0, width=1920, height=1080))
    usage = psutil.Process(process.popen.pid)
    before = usage.memory_info().rss
    client.affordances.clear()
    command = [sys.executable, str(FLOOD), '/flooded', str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
        answers, memory = [], []
        client.wait(lambda: client.affordances, 'the first grounding of the flood')
        while flood.poll() is None:
            begin = time.monotonic()
            assert client.get_parameter('maximum_peaks') == 5
            assert client.list().names == ['press']
            assert client.select('press').success
            answers.append(time.monotonic() - begin)
            memory.append(usage.memory_info().rss)
        rate = float(flood.stdout.read())
    grounded = [one for one in client.affordances if one.header.frame_id == 'flood']
    print(
        f'{rate:.0f} MB/s sent for {seconds} s: {len(grounded)} groundings; {len(answers)} times '
        f'three calls, {max(answers):.2f} s at most; memory {before / 2**20:.0f} MiB before, '
        f'{max(memory) / 2**20:.0f} at most'
    )
    assert len(grounded) > seconds
    assert len(answers) > 2
    assert max(memory) - before < ALLOWED_GROWTH
    assert client.ground(client.image_message(1)).demonstration == 'press'
    assert process.stop(signal.SIGINT) == 0
    assert 'Traceback' not in process.output
