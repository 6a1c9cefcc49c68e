# SPDX-License-Identifier: Apache-2.0
"""Marks of the contact over ROS: by services, by clicks in a topic, and by the page's example."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Point
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from afformer_core.messages.image_decoding import to_rgb
from test.afformer_ros.grounding_nodes import Nodes

# Of what rqt_image_view shows and publishes.
FRAME, CLICKS = 'demonstration_frame', 'demonstration_frame_mouse_left'


@pytest.fixture(scope='module')
def nodes(shipped_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    made = Nodes(shipped_model, tmp_path_factory.mktemp('marks'))
    yield made
    made.close()


@pytest.fixture(scope='module')
def process(nodes: Nodes) -> Any:
    return nodes.grounding()


@pytest.fixture(scope='module')
def client(nodes: Nodes, process: Any) -> Any:
    made = nodes.client()
    made.bring_up()
    return made


@pytest.fixture
def recorded(client: Any) -> Any:
    """A client of an active node with the demonstrations `hold` and `press`, selected."""
    for name in client.list().names:
        client.delete(name)
    for name in ('hold', 'press'):
        client.record(name)
    return client


def scores(client: Any) -> list[tuple[float, float, float]]:
    """The points that are found in an image."""
    points = client.ground(client.image_message(40, width=192, height=128)).points
    return [(one.u, one.v, one.score) for one in points]


def test_the_first_frame_is_that_of_the_recording(recorded: Any) -> None:
    answer = recorded.first_frame('press')
    assert (answer.success, answer.name, answer.marked) == (True, 'press', False)
    assert answer.message.startswith("'press' has no mark; the model finds its contact")
    assert (answer.frame.format, answer.frame.header.stamp.sec) == ('jpeg', 1000)
    image = to_rgb(answer.frame).astype(int)
    apart = [np.abs(image - recorded.image(number)).mean() for number in range(3)]
    assert np.argmin(apart) == 0


def test_a_mark_counts_until_it_is_taken_away(recorded: Any) -> None:
    found = scores(recorded)
    answer = recorded.mark('press', 60, 5)
    assert (answer.success, answer.message) == (True, "the contact of 'press' is marked at 60,5")
    assert recorded.statuses[-1].message == answer.message
    marked = recorded.first_frame()
    assert (marked.name, marked.marked, marked.x, marked.y) == ('press', True, 60.0, 5.0)
    assert scores(recorded) != found
    assert recorded.unmark('press').success
    assert not recorded.first_frame().marked
    assert scores(recorded) == found


def test_the_last_candidate_is_marked_by_its_number(recorded: Any) -> None:
    answer = recorded.first_frame('press')
    chances = list(answer.candidate_probability)
    assert 1 < len(chances) == len(answer.candidate_x) == len(answer.candidate_y)
    assert 1 > chances[0] > chances[-1] > 0

    assert recorded.choose('press', len(chances)).success

    marked = recorded.first_frame('press')
    assert (marked.x, marked.y) == (answer.candidate_x[-1], answer.candidate_y[-1])
    assert not marked.candidate_x


@pytest.mark.parametrize(
    ('name', 'pixel', 'told'),
    [
        ('absent', (0, 0), "there is no demonstration 'absent'; there are: hold, press"),
        ('press', (64, 0), 'the contact is marked at 64,0; expected a pixel of the first frame, '),
        ('hold+press', (0, 0), "there is no demonstration 'hold+press'"),
    ],
)
def test_what_cannot_be_marked_is_told(
    recorded: Any, name: str, pixel: tuple[int, int], told: str
) -> None:
    answer = recorded.mark(name, *pixel)
    assert not answer.success
    assert told in answer.message


@dataclass
class Viewer:
    """Subscribes and publishes as rqt_image_view does."""

    client: Any
    frames: list[Image]
    clicks: Any

    def shown(self) -> np.ndarray:
        """The next frame."""
        self.frames.clear()
        self.client.wait(lambda: self.frames, f'an image on {FRAME}')
        return to_rgb(self.frames[-1])

    def click(self, x: float, y: float) -> None:
        self.clicks.publish(Point(x=x, y=y))


@pytest.fixture
def viewer(recorded: Any) -> Iterator[Viewer]:
    frames: list[Image] = []
    node = recorded.node
    subscription = node.create_subscription(Image, FRAME, frames.append, qos_profile_sensor_data)
    clicks = node.create_publisher(Point, CLICKS, 1000)
    recorded.wait(clicks.get_subscription_count, f'the subscription to {CLICKS}')
    yield Viewer(recorded, frames, clicks)
    node.destroy_subscription(subscription)
    node.destroy_publisher(clicks)


# The last pixel is 63; rqt_image_view rounds up to 64.
@pytest.mark.parametrize('x', [63.0, 64.0])
def test_a_click_marks_what_is_shown(recorded: Any, viewer: Viewer, x: float) -> None:
    before = viewer.shown()
    assert before.shape == (48, 64, 3)
    recorded_frame = to_rgb(recorded.first_frame().frame)

    viewer.click(x, 10.0)

    told = "the contact of 'press' is marked at 63,10"
    recorded.wait(lambda: recorded.statuses[-1].message == told, 'a mark')
    recorded.wait(lambda: (viewer.shown() != before).any(), 'the mark in the frame')
    changed = np.argwhere((viewer.shown() != recorded_frame).any(axis=2))
    assert np.abs(changed - [10, 63]).max() <= 8


def test_a_click_beside_a_candidate_takes_it(recorded: Any, viewer: Viewer) -> None:
    shown, answer = viewer.shown(), recorded.first_frame()
    x, y = answer.candidate_x[0], answer.candidate_y[0]
    drawn = np.argwhere((shown != to_rgb(answer.frame)).any(axis=2))
    assert np.hypot(*(drawn - [y, x]).T).min() < 6

    # The diagonal has 80 pixels, 1.5 % of which are 1.2.
    viewer.click(x - np.sign(x - 32) * 0.8, y - np.sign(y - 24) * 0.6)

    recorded.wait(lambda: recorded.first_frame().marked, 'a mark')
    marked = recorded.first_frame()
    assert (marked.x, marked.y) == (x, y)


def test_a_click_outside_is_told(recorded: Any, viewer: Viewer, process: Any) -> None:
    viewer.shown()
    viewer.click(65.0, 10.0)
    told = f'{CLICKS}: the contact is marked at 65,10; expected a pixel of the first frame'
    recorded.wait(lambda: told in process.output, 'the refusal of a click')
    assert not recorded.first_frame().marked


def test_it_is_told_why_no_frame_is_shown(recorded: Any, viewer: Viewer, process: Any) -> None:
    assert recorded.select('hold+press').success
    told = f'{FRAME}: 2 demonstrations are selected: hold+press; expected one'
    recorded.wait(lambda: told in process.output, 'why no frame is shown')
    viewer.click(1.0, 1.0)
    refused = f'{CLICKS}: no frame is shown; look at {FRAME} and click in it'
    recorded.wait(lambda: refused in process.output, 'the refusal of a click')


def test_the_example_of_the_page_marks(root: Path, recorded: Any, tmp_path: Path) -> None:
    text = (root / 'docs' / 'robot' / 'record.md').read_text()
    (code,) = re.findall(r'<!-- mark -->\n```python\n(.*?)```', text, re.DOTALL)
    code = code.replace("'/grounding'", "'/test/grounding'").replace('espresso', 'press')
    code = code.replace('x=292.0, y=48.0', 'x=29.0, y=4.0')
    run = subprocess.Popen([sys.executable, '-c', code], cwd=tmp_path, stdout=subprocess.PIPE)
    recorded.wait(lambda: run.poll() is not None, 'the end of the example')
    assert run.stdout is not None
    assert run.stdout.read() == b"the contact of 'press' is marked at 29,4\n"
    assert (tmp_path / 'first_frame.jpg').read_bytes()[:2] == b'\xff\xd8'
