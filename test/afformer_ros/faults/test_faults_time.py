# SPDX-License-Identifier: Apache-2.0
"""Clocks and stamps that jump: smoothing begins anew, ages are right, and the node goes on."""

import pytest
from builtin_interfaces.msg import Time
from rosgraph_msgs.msg import Clock


@pytest.fixture
def smoothed(active):
    """The client of a node that smooths over a minute and takes every image for the same scene."""
    assert active.set_parameter('smoothing_time', 60.0).successful
    assert active.set_parameter('scene_cut_threshold', 1.0).successful
    active.record('press')
    yield active
    active.set_parameter('smoothing_time', 0.1)
    active.set_parameter('scene_cut_threshold', 0.2)


def _next_points(client, message):
    """Points of an image that is sent once."""
    client.affordances.clear()
    client.images.publish(message)
    headers = [message.header]
    client.wait(lambda: [one.header for one in client.affordances[-1:]] == headers, 'its points')
    assert client.affordances[-1].age == 0
    return _pixels(client.affordances[-1])


def _points_alone(client, message):
    """Points of an image without those before: two images of one stamp are not blended."""
    client.ground(message)
    return _pixels(client.ground(message))


def _pixels(affordance):
    """Column, row and score of each point; positions are NaN here, which equals nothing."""
    return [(one.u, one.v, one.score) for one in affordance.points]


@pytest.mark.parametrize(
    ('sec', 'nanosec'), [(0, 0), (-5, 0), (2**31 - 1, 2**32 - 1), (-(2**31), 999_999_999)]
)
def test_stamps_that_no_clock_gives_are_grounded(active, sec, nanosec):
    active.record('press')
    message = active.image_message(1)
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    assert active.ground(message).header == message.header
    assert active.ground(active.image_message(2)).header == active.header(2)


class SimulatedTime:
    """The clock of a simulation, and images of its camera."""

    def __init__(self, client):
        self.client = client
        self.now = 5_000 * 10**9
        self._clock = client.node.create_publisher(Clock, '/clock', 10)
        client.wait(self._clock.get_subscription_count, 'the subscription to /clock')

    def close(self):
        self.client.node.destroy_publisher(self._clock)

    def tick(self, seconds=0.1):
        self.now += round(seconds * 1e9)
        stamp = Time(sec=self.now // 10**9, nanosec=self.now % 10**9)
        self._clock.publish(Clock(clock=stamp))
        self.client.spin(0.02)
        return stamp

    def image(self, number, seconds=0.1):
        message = self.client.image_message(number)
        message.header.stamp = self.tick(seconds)
        return message


@pytest.fixture
def simulated(smoothed):
    """Simulated time towards a node that goes by it."""
    assert smoothed.set_parameter('use_sim_time', True).successful
    made = SimulatedTime(smoothed)
    yield made
    made.close()
    assert smoothed.set_parameter('use_sim_time', False).successful


def _largest_latency(simulated):
    """Milliseconds from the stamp to the result, of the last seconds; NaN where there is none."""
    told = simulated.client.told(
        'latency', '', lambda: simulated.client.ground(simulated.image(6))
    )
    return float(told.get('end to end max (ms)', 'nan'))


def test_a_clock_that_jumps_back_by_a_minute(simulated):
    client = simulated.client
    alone = _points_alone(client, client.image_message(5))
    client.ground(simulated.image(0))
    for number in range(1, 5):
        _next_points(client, simulated.image(number))
    assert _next_points(client, simulated.image(5)) != alone
    back = simulated.image(5, seconds=-60)
    assert _next_points(client, back) == alone
    client.wait(lambda: abs(_largest_latency(simulated)) < 5000, 'ages by the new time')
    client.told('latency', 'in time', lambda: client.ground(simulated.image(7)))


def test_an_image_that_comes_before_the_clock_jumps(simulated):
    """A bag that begins anew may send its first image before its first time."""
    client = simulated.client
    client.ground(simulated.image(0))
    early = client.image_message(1)
    early.header.stamp = Time(sec=simulated.now // 10**9 - 60, nanosec=0)
    client.ground(early)
    simulated.tick(-60)
    assert client.ground(simulated.image(2)).age == 0
    client.ground(simulated.image(3))
    assert abs(_largest_latency(simulated)) < 5000


def test_a_recording_goes_on_over_the_jump(simulated):
    client = simulated.client
    assert client.start('looped').success
    for number in range(4):
        client.send_frame(simulated.image(number, -60 if number == 2 else 0.1), number + 1)
    answer = client.finish()
    assert answer.success, answer.message
    assert answer.frames == 4
    assert 0 < answer.duration < 1
