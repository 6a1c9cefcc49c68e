# SPDX-License-Identifier: Apache-2.0
"""Transports of our processes, and that a user's choice is kept."""

import os
from xml.etree import ElementTree

import pytest

from afformer_ros.environment import keep_apart, prepare_environment, why_not_fast_dds

TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
PROFILES, PROFILES_OF_JAZZY = 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (TRANSPORTS, PROFILES, PROFILES_OF_JAZZY):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    monkeypatch.setenv('ROS_DISTRO', 'kilted')


def test_images_get_shared_memory_that_holds_several() -> None:
    prepare_environment()

    tree = ElementTree.parse(os.environ[PROFILES])
    segment = tree.find('.//{*}segment_size')
    assert segment is not None
    assert int(segment.text or 0) > 4 * 1920 * 1080 * 3
    # A process that waits for a processor keeps its port three times as long as by default.
    assert tree.findtext('.//{*}healthy_check_timeout_ms') == '3000'
    # Fast DDS 3 warns of the other name.
    assert PROFILES_OF_JAZZY not in os.environ
    assert TRANSPORTS not in os.environ


def test_transports_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRANSPORTS, 'UDPv4')
    prepare_environment()

    assert os.environ[TRANSPORTS] == 'UDPv4'
    assert PROFILES not in os.environ


def test_profiles_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROFILES, '/etc/robot.xml')
    prepare_environment()

    assert os.environ[PROFILES] == '/etc/robot.xml'
    assert TRANSPORTS not in os.environ


def test_fast_dds_of_jazzy_gets_them_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    prepare_environment()
    assert os.environ[PROFILES_OF_JAZZY].endswith('config/fastdds.xml')

    monkeypatch.setenv(PROFILES, '/etc/robot.xml')
    monkeypatch.delenv(PROFILES_OF_JAZZY)
    prepare_environment()
    assert os.environ[PROFILES_OF_JAZZY] == '/etc/robot.xml'


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('rmw_fastrtps_cpp', ''),
        ('rmw_fastrtps_dynamic_cpp', ''),
        ('rmw_cyclonedds_cpp', 'the middleware is rmw_cyclonedds_cpp, not Fast DDS'),
    ],
)
def test_another_middleware_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.setattr('rclpy.utilities.get_rmw_implementation_identifier', lambda: name)
    assert why_not_fast_dds() == reason


def test_processes_of_a_measurement_keep_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('ROS_DOMAIN_ID')
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')

    keep_apart()

    assert 1 <= int(os.environ['ROS_DOMAIN_ID']) <= 100
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'
