# SPDX-License-Identifier: Apache-2.0
"""Parameters that are out of range: refused with the reason at any time, and nothing changes."""

import math

import pytest

# What is given, and what the one line on the standard error must say of it.
REFUSED_AT_THE_START = {
    'overlay_opacity above its range': ({'overlay_opacity': 2.0}, 'overlay_opacity'),
    'a word for a number': ({'threads': 'many'}, 'threads'),
    'an unknown choice': ({'backend': 'abacus'}, 'expected one of auto, torch, onnxruntime'),
    'an unknown profile': ({'image_qos': 'RELIABLE'}, 'one of AUTO, SENSOR_DATA, DEFAULT'),
    'a contradiction': (
        {'nearest_depth': 5.0, 'farthest_depth': 1.0},
        'nearest depth is 5.0 m and farthest 1.0 m',
    ),
}


def test_values_that_are_refused_at_the_start(nodes):
    processes = {
        what: nodes.grounding(f'/start_{number}', **given)
        for number, (what, (given, _)) in enumerate(REFUSED_AT_THE_START.items())
    }
    for what, (_, reason) in REFUSED_AT_THE_START.items():
        process = processes[what]
        assert process.wait() == 1, what
        lines = process.output.strip().splitlines()
        assert len(lines) == 1, (what, lines)
        assert lines[0].startswith('afformer: error: '), what
        assert reason in lines[0], what


@pytest.fixture(scope='module')
def unconfigured(shared_nodes):
    """Client of a node that just started."""
    shared_nodes.grounding('/parameters')
    return shared_nodes.client('/parameters')


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('overlay_opacity', -0.1, 'overlay_opacity'),
        ('minimum_confidence', math.nan, 'minimum_confidence'),
        ('smoothing_time', math.inf, 'smoothing_time'),
        ('maximum_peaks', 101, 'maximum_peaks'),
        ('maximum_peaks', 3.0, 'type'),
        ('lazy', 1, 'type'),
        ('image_rectification', 'sometimes', 'expected one of auto, rectified, distorted'),
        ('nearest_depth', 10.0, 'nearest depth is 10.0 m and farthest 10.0 m'),
        ('farthest_depth', 0.05, 'and farthest 0.05 m'),
        ('image_qos', 'DEFAULT', 'read-only'),
        ('store_folder', '/elsewhere', 'read-only'),
    ],
)
def test_values_that_are_refused_at_run_time(unconfigured, name, value, reason):
    before = unconfigured.get_parameter(name)
    answer = unconfigured.set_parameter(name, value)
    assert not answer.successful
    assert reason in answer.reason
    assert unconfigured.get_parameter(name) == before


def test_a_parameter_that_does_not_exist_is_refused(unconfigured):
    answer = unconfigured.set_parameter('store_foldr', '/misspelt')
    assert not answer.successful
    assert 'declared' in answer.reason


def test_values_that_contradict_each_other_only_one_after_the_other(unconfigured):
    assert unconfigured.set_parameter('nearest_depth', 2.0).successful
    refused = unconfigured.set_parameter('farthest_depth', 1.0)
    assert 'nearest depth is 2.0 m and farthest 1.0 m' in refused.reason
    assert unconfigured.get_parameter('farthest_depth') == 10.0
    assert unconfigured.set_parameter('nearest_depth', 0.5).successful
    assert unconfigured.set_parameter('farthest_depth', 1.0).successful
    assert unconfigured.get_parameter('farthest_depth') == 1.0
