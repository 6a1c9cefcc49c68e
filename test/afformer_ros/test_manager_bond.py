# SPDX-License-Identifier: Apache-2.0
"""Formation and end of the bond with a lifecycle manager."""

import signal
import threading
from unittest.mock import Mock, call

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from rclpy.context import Context

from afformer_ros.manager_bond import ManagerBond, installed_bond_type

BOND_TYPE = installed_bond_type()
with_bondpy = pytest.mark.skipif(BOND_TYPE is None, reason='bondpy is not installed')


@pytest.fixture
def bond_type():
    return Mock()


@pytest.fixture
def manager_bond(bond_type):
    return ManagerBond(Mock(**{'get_name.return_value': 'grounding'}), bond_type)


def test_the_bond_is_the_one_that_nav2_expects(manager_bond, bond_type):
    manager_bond.form()
    ((_, topic, name), _) = bond_type.call_args
    assert (topic, name) == ('bond', 'grounding')
    bond = bond_type.return_value
    assert (bond.heartbeat_period, bond.heartbeat_timeout) == (0.1, 4.0)
    assert bond.start.call_count == 1


def test_a_bond_ends_once(manager_bond, bond_type):
    manager_bond.form()
    manager_bond.close()
    manager_bond.close()
    assert bond_type.return_value.shutdown.mock_calls == [call()]


def test_each_activation_has_a_bond_of_its_own(manager_bond, bond_type):
    for _ in range(2):
        manager_bond.form()
        manager_bond.close()
    assert bond_type.call_count == 2


def test_what_never_bonded_can_be_closed(manager_bond, bond_type):
    manager_bond.close()
    assert bond_type.mock_calls == []


def test_without_bondpy_there_is_no_bond():
    node = Mock()
    bond = ManagerBond(node, None)
    bond.form()
    bond.close()
    assert node.mock_calls == []


@pytest.fixture
def node():
    context = Context()
    context.init()
    node = rclpy.create_node('grounding', context=context)
    yield node
    node.destroy_node()
    context.shutdown()


@with_bondpy
def test_no_thread_topic_or_parameter_of_the_bond_is_left(node):
    def left():
        topics = [one.topic_name for one in (*node.publishers, *node.subscriptions)]
        return topics, list(node.get_parameters_by_prefix(''))

    before, threads = left(), set(threading.enumerate())
    bond = ManagerBond(node, BOND_TYPE)
    for _ in range(2):
        bond.form()
        assert node.count_publishers('/bond') == 1
        # As bondpy does once the heartbeats of a manager stay away.
        node.declare_parameter('/bond_disable_heartbeat_timeout', False)
        bond.close()
    assert left() == before
    for thread in set(threading.enumerate()) - threads:
        thread.join(1.0)
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def manager(nodes):
    """The client whose node takes the other side of the bond, as a lifecycle manager does."""
    return nodes.client()


@pytest.fixture
def managed(nodes, manager):
    """An active node, bonded with the manager."""
    process = nodes.grounding()
    manager.bring_up()
    return process


@pytest.fixture
def bond(manager, managed):
    formed = threading.Event()
    bond = BOND_TYPE(manager.node, 'bond', 'grounding', on_formed=formed.set)
    bond.heartbeat_period, bond.heartbeat_timeout = 0.1, 4.0
    bond.start()
    manager.wait(formed.is_set, 'the bond')
    # bondpy misses no heartbeat before it has had the second.
    manager.wait(lambda: bond.heartbeat_timer.timer.is_alive(), 'the second heartbeat')
    yield bond
    bond.shutdown()


@with_bondpy
def test_deactivation_ends_the_bond_in_words(manager, bond):
    assert manager.change_state(Transition.TRANSITION_DEACTIVATE)
    manager.wait(bond.is_broken, 'the end of the bond')
    assert bond.sister_died_first
    manager.wait(lambda: manager.node.count_publishers('/test/bond') == 1, 'the end of the topic')


@with_bondpy
def test_the_end_of_the_process_ends_the_bond_in_words(manager, managed, bond):
    # A manager that does not spin would hear its own heartbeats alone.
    managed.popen.send_signal(signal.SIGTERM)
    manager.wait(bond.is_broken, 'the end of the bond')
    assert bond.sister_died_first
    assert managed.stop(signal.SIGTERM) == 0
    assert 'Traceback' not in managed.output


@pytest.mark.slow
@with_bondpy
def test_a_manager_misses_the_heartbeats_of_a_node_that_was_killed(manager, managed, bond):
    managed.stop(signal.SIGKILL)
    manager.wait(bond.is_broken, 'the end of the bond')
    assert not bond.sister_died_first
